"""Jets of two-parton events in a detector like CMS: from stable particles to images and to constituents.

`simulation.py` puts together: `neutral_pions.py` (their photons), `flight.py` (to the calorimeters),
`response.py` (what is measured of each particle), `clustering.py` (jets and the partons they come from),
`matching.py` (classes of the same momenta), `deposits.py` and `images.py` (pixels), `constituents.py`
(clouds and summary features), `geometry.py` (sizes).
"""
