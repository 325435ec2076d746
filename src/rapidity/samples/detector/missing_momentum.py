"""Missing transverse momentum: what the visible objects do not balance."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from rapidity.samples.particles import FourVectors, Particles

    Floats = NDArray[np.float64]

VISIBLE_MAX_ETA = 5.0
"""Calorimeters end here; particles beyond are not seen."""
SOFT_SQRT_GEV = 0.45


def soft_resolution(soft_sum_et_gev: Floats) -> Floats:
    """Return the resolution, in GeV, of each transverse component of the soft part of an event.

    ``0.45 sqrt(GeV) * sqrt(sum of transverse energies outside leptons and jets)``.
    Source: ATLAS, Eur. Phys. J. C 72 (2012) 1844, arXiv:1108.5602, figures 14 and 15, data with
    little pile-up; 0.45 is the reading of them in Rivet (``SmearingFunctions.hh``). There the sum is
    over the whole event; here hard objects have resolutions of their own.

    Examples
    --------
    >>> soft_resolution(np.array([0.0, 100.0]))
    array([0. , 4.5])
    """
    return SOFT_SQRT_GEV * np.sqrt(soft_sum_et_gev)


def measure_missing_momentum(
    visible: Particles,
    leptons: FourVectors,
    true_jets: FourVectors,
    jets: FourVectors,
    rng: np.random.Generator,
) -> tuple[Floats, Floats]:
    """Return the x and y components of the missing transverse momentum of each event, in GeV.

    It balances the measured leptons, the measured jets and a soft term: the true sum of all visible
    particles in neither, plus a Gaussian of `soft_resolution` in each component.

    Parameters
    ----------
    visible
        Visible particles within |eta| < 5 that no lepton used up.
    leptons
        Measured leptons.
    true_jets, jets
        The same jets before and after their resolution, row by row.
    """
    soft_sum = visible.sum_by_event(visible.pt) - true_jets.sum_by_event(true_jets.pt)
    width = soft_resolution(np.maximum(soft_sum, 0.0))
    noise = rng.standard_normal((visible.n_events, 2)) * width[:, np.newaxis]
    components = []
    for axis, name in enumerate(("px", "py")):
        soft = (
            visible.sum_by_event(getattr(visible, name))
            - true_jets.sum_by_event(getattr(true_jets, name))
            + noise[:, axis]
        )
        hard = leptons.sum_by_event(getattr(leptons, name)) + jets.sum_by_event(getattr(jets, name))
        components.append(-(soft + hard))
    return components[0], components[1]
