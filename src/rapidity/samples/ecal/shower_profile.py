"""Electromagnetic showers in lead tungstate: how the energy is spread in depth, and how wide at each depth.

G. Grindhammer and S. Peters, *The parameterized simulation of electromagnetic showers in homogeneous and
sampling calorimeters*, hep-ex/0001020, appendix A.1 (homogeneous media); depths t in radiation lengths,
radii in Moliere radii, E in GeV, y = E / E_critical, T the depth of the maximum.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from rapidity.samples.ecal.geometry import CRITICAL_ENERGY_GEV, DEPTH_X0
from rapidity.samples.ecal.geometry import EFFECTIVE_Z as Z

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

SMALLEST_LOG_Y = 2.4
"""The fit is one of 1 GeV and more; below a tenth of that its spreads diverge, and are held."""
FIRST_INTERACTION_X0 = 9.0 / 7.0
"""Mean depth at which a photon turns into a pair."""

NODES_PER_T = 10
NODES = (np.arange(60) + 0.5) / NODES_PER_T
"""Depths over T at which the profile is summed up."""
SLICE_STARTS = np.array([0, 4, 7, 10, 14, 20, 30])
"""First node of each slice; within one the radii are taken as constant."""


@dataclass(frozen=True)
class Longitudinal:
    """Depth profiles of showers ``(n_showers,)``.

    Attributes
    ----------
    alpha
        Of the Gamma distribution of depths.
    maximum_x0
        Depth of the maximum behind the start.
    start_x0
        Where the shower begins.
    """

    alpha: Floats
    maximum_x0: Floats
    start_x0: Floats

    @property
    def mean_depth_x0(self) -> Floats:
        """Mean depth of the energy, leakage not taken off."""
        return self.start_x0 + self.maximum_x0 * self.alpha / (self.alpha - 1.0)


def draw_longitudinal(
    energy_gev: Floats, is_photon: NDArray[np.bool_], rng: np.random.Generator
) -> Longitudinal:
    """Return fluctuating depth profiles: ln T and ln alpha are Gaussian and correlated.

    A photon first turns into a pair, at a depth of 9/7 radiation lengths on average, each particle of which
    has about half of the energy; both parts are drawn as one shower.
    """
    log_y = np.log(np.where(is_photon, 0.5, 1.0) * energy_gev / CRITICAL_ENERGY_GEV)
    log_y = np.maximum(log_y, SMALLEST_LOG_Y)
    n_showers = len(log_y)
    rho = 0.705 - 0.023 * log_y
    common, opposite = np.sqrt(0.5 * (1.0 + rho)), np.sqrt(0.5 * (1.0 - rho))
    first, second = rng.standard_normal((2, n_showers))
    log_maximum = np.log(log_y - 0.812) + (common * first + opposite * second) / (-1.4 + 1.26 * log_y)
    log_alpha = np.log(0.81 + (0.458 + 2.26 / Z) * log_y) + (common * first - opposite * second) / (
        -0.58 + 0.86 * log_y
    )
    start = np.where(is_photon, FIRST_INTERACTION_X0 * rng.standard_exponential(n_showers), 0.0)
    # A shower has a maximum only where alpha > 1.
    return Longitudinal(np.maximum(np.exp(log_alpha), 1.1), np.exp(log_maximum), start)


def slice_energies(shower: Longitudinal) -> tuple[Floats, Floats]:
    """Return the fraction of the energy in each slice of depth, and the mean depth of the slices over T.

    Both ``(n_showers, n_slices)``. The fractions add up to 1 less what leaks out behind the crystals.
    """
    rise = (shower.alpha - 1.0)[:, np.newaxis]
    # With b = (alpha - 1) / T the Gamma profile depends on t / T alone.
    profile = np.exp(rise * (np.log(NODES) - NODES + 1.0))
    profile /= profile.sum(axis=1, keepdims=True)
    end = (DEPTH_X0 - shower.start_x0) / shower.maximum_x0
    profile *= np.clip((end[:, np.newaxis] - NODES) * NODES_PER_T + 0.5, 0.0, 1.0)
    energy = np.add.reduceat(profile, SLICE_STARTS, axis=1)
    depth = np.add.reduceat(profile * NODES, SLICE_STARTS, axis=1)
    return energy, depth / np.maximum(energy, 1e-12)


def radial_profile(tau: Floats, energy_gev: Floats) -> tuple[Floats, Floats, Floats]:
    """Return radii of the core and of the tail in Moliere radii, and the part of the core.

    At the depth ``tau = t / T`` energy is distributed as ``p 2 r Rc**2 / (r**2 + Rc**2)**2`` and, with
    1 - p, the same of the tail.

    Examples
    --------
    >>> [float(x.round(3)) for x in radial_profile(np.array(1.0), np.array(50.0))]
    [0.128, 0.717, 0.865]
    """
    log_e = np.log(energy_gev)
    core = 0.0251 + 0.00319 * log_e + (0.1162 - 0.000381 * Z) * tau
    fall, rise = -2.59, 0.3585 + 0.0412 * log_e
    tail = (0.659 - 0.00309 * Z) * (np.exp(fall * (tau - 0.645)) + np.exp(rise * (tau - 0.645)))
    argument = (0.401 + 0.00187 * Z - tau) / (1.313 - 0.0686 * log_e)
    core_part = (2.632 - 0.00094 * Z) * np.exp(argument - np.exp(argument))
    return np.maximum(core, 0.01), tail, np.clip(core_part, 0.0, 1.0)


def n_spots(energy_gev: Floats) -> Floats:
    """Return the number of spots that a shower is made of, whose counts give its lateral fluctuations."""
    number: Floats = 93.0 * np.log(Z) * energy_gev**0.876
    return number
