"""Random response factors shared by all objects."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


def draw_response(relative_resolution: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.float64]:
    """Return response factors: log-normal, mean 1, standard deviation `relative_resolution`.

    A log-normal, unlike a Gaussian, never turns a momentum round; for a few per cent they agree.
    Delphes does the same (class ``MomentumSmearing``; arXiv:1307.6346).

    Examples
    --------
    >>> response = draw_response(np.full(100_000, 0.2), np.random.default_rng(1))
    >>> round(float(response.mean()), 2), round(float(response.std()), 2), bool(response.min() > 0)
    (1.0, 0.2, True)
    """
    width = np.sqrt(np.log1p(relative_resolution**2))
    return np.exp(width * rng.standard_normal(len(relative_resolution)) - width**2 / 2)
