"""Array code behind the normalisations, a file for what mean and variance are taken over; no gradient rules.

Each file has the same functions. `inverse` is the inverse of the standard deviation, with epsilon added to
the variance.
"""
