"""What particles do in matter: ionisation, electromagnetic and hadronic showers.

Source of the forms: PDG, *Passage of particles through matter* and *Particle detectors at
accelerators*; where more than a textbook formula is needed, the paper stands with the function.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Booleans = NDArray[np.bool_]

CRITICAL_ENERGY_GEV = 7.43e-3
"""Of lead (PDG, atomic and nuclear properties)."""
PROFILE_B = 0.5
"""Falling slope of the longitudinal profile per radiation length: nearly the same in all materials."""
MIP_SPREAD = 0.11
"""Width of the distribution of ionisation relative to its peak. Chosen, for a centimetre of scintillator."""


def _profile_a(energy_gev: Floats) -> Floats:
    # The maximum lies at (a - 1) / b = ln(E / Ec) - 0.5; showers of a few MeV have none.
    a: Floats = 1.0 + PROFILE_B * np.maximum(np.log(energy_gev / CRITICAL_ENERGY_GEV) - 0.5, 0.2)
    return a


def shower_particles(energy_gev: Floats, depth_x0: Floats) -> Floats:
    """Return the number of charged particles in an electromagnetic shower of lead at a depth, at least 1.

    The Gamma profile of Longo and Sestili (Nucl. Instrum. Meth. 128 (1975) 283) with its maximum at
    ``ln(E / Ec) - 0.5`` radiation lengths for electrons (PDG); one particle loses the critical energy
    in a radiation length.

    Examples
    --------
    >>> shower_particles(np.array([1.0, 10.0]), np.array([2.5, 2.5])).round(0)
    array([13., 43.])
    """
    a = _profile_a(energy_gev)
    bt = PROFILE_B * depth_x0
    log_profile = (a - 1.0) * np.log(np.maximum(bt, 1e-9)) - bt - _log_gamma(a)
    return np.maximum(energy_gev * PROFILE_B * np.exp(log_profile) / CRITICAL_ENERGY_GEV, 1.0)


def _log_gamma(a: Floats) -> Floats:
    # Stirling's series; for a > 1 right to three digits.
    series = 1.0 / (12.0 * a) - 1.0 / (360.0 * a**3)
    logarithm: Floats = (a - 0.5) * np.log(a) - a + 0.5 * np.log(2.0 * np.pi) + series
    return logarithm


def shower_depth_x0(energy_gev: Floats) -> Floats:
    """Return the mean depth of an electromagnetic shower in radiation lengths: ``a / b`` of its profile."""
    return _profile_a(energy_gev) / PROFILE_B


def draw_ionisation(most_probable: float, n: int, rng: np.random.Generator) -> Floats:
    """Return deposits of a minimum-ionising particle in the unit of `most_probable`.

    Moyal's approximation to Landau's distribution (Phil. Mag. 46 (1955) 263): ``-ln z**2`` with a
    Gaussian z.
    """
    moyal = -2.0 * np.log(np.abs(rng.standard_normal(n)) + 1e-12)
    return most_probable * np.maximum(1.0 + MIP_SPREAD * moyal, 0.1)


def electromagnetic_fraction(p_gev: Floats, is_proton: Booleans) -> Floats:
    """Return the mean part of a hadronic shower that goes into neutral pions.

    ``1 - (E / E0)**(k - 1)`` with k = 0.82 and E0 = 1 GeV for mesons, 2.6 GeV for protons: Gabriel et
    al., Nucl. Instrum. Meth. A 338 (1994) 336.

    Examples
    --------
    >>> electromagnetic_fraction(np.array([10.0, 10.0, 100.0]), np.array([False, True, False])).round(2)
    array([0.34, 0.22, 0.56])
    """
    scale = np.where(is_proton, 2.6, 1.0)
    return np.clip(1.0 - (p_gev / scale) ** (0.82 - 1.0), 0.03, 0.9)


def draw_electromagnetic_fraction(p_gev: Floats, is_proton: Booleans, rng: np.random.Generator) -> Floats:
    """Return the electromagnetic parts of single showers.

    They fluctuate between none and all, since the first collisions make only few neutral pions: a Beta
    distribution whose concentration grows with the energy. The latter is chosen.
    """
    mean = electromagnetic_fraction(p_gev, is_proton)
    concentration = 2.5 + 0.05 * p_gev
    return rng.beta(mean * concentration, (1.0 - mean) * concentration)
