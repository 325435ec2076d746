"""The tracking's own estimate of how probably a track is a ghost."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from rapidity.samples.lhcb.tracking import N_PARAMETERS, N_SILICON_LAYERS, N_STRAW_LAYERS, N_TT_LAYERS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from rapidity.samples.lhcb.tracking import TrackFit

    Floats = NDArray[np.float64]
    Booleans = NDArray[np.bool_]


def ghost_probability(fit: TrackFit, p_gev: Floats, is_inner: Booleans) -> Floats:
    """Return a number from 0 to 1 that is large for ghosts ``(n_tracks,)``.

    A logistic function of what LHCb's own network sees too (hits that are missing, chi2 of the segments
    and of their match, momentum; De Cian et al., LHCb-PUB-2017-011). The numbers are chosen.
    """
    n_layers = np.where(is_inner, N_SILICON_LAYERS, N_STRAW_LAYERS)
    missing_t = 1.0 - (fit.ndof_t + N_PARAMETERS) / n_layers
    missing_tt = 1.0 - fit.n_tt / N_TT_LAYERS
    rest = np.log(fit.chi2_rest / (fit.n_tt + N_PARAMETERS))
    velo = np.log(fit.chi2_velo / fit.ndof_velo)
    stations = np.log(fit.chi2_t / fit.ndof_t)
    terms = (
        -3.0 + 1.4 * rest + 0.7 * velo + 0.8 * stations + 1.5 * missing_tt + 6.0 * missing_t
        - 0.08 * (fit.ndof_velo + N_PARAMETERS - 10.0)
    )  # fmt: skip
    terms -= 0.3 * np.log(p_gev / 5.0)
    return 1.0 / (1.0 + np.exp(-terms))
