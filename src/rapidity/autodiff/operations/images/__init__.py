"""How windows sweep over images: plain array code behind the convolutions and poolings, no gradients rules.

Images are ``(n_events, height, width, channels)``, kernels ``(height, width, n_in / groups, n_out)``.
"""
