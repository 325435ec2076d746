"""From deposited energies to what is read: photoelectrons, calibration, noise, thresholds, times."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

PHOTOSTATISTICS = 0.021
"""Relative, at 1 GeV: the part that the number of photoelectrons has in the stochastic term of 2.8 % (CMS
ECAL Technical Design Report, CERN-LHCC-97-33; test beam: JINST 2 (2007) P04004). The rest is that of the
showers."""
INTERCALIBRATION = 0.005
"""Relative, from crystal to crystal: 0.4 to 0.5 % in the central barrel (arXiv:1306.2016)."""
NOISE_GEV = 0.040
"""Of one crystal in the barrel (JINST 2 (2007) P04004; arXiv:1306.2016)."""
THRESHOLD_GEV = 0.100
"""Crystals below are not read: two and a half times the noise (chosen; CMS suppresses at two to three)."""

TIME_NOISE_NS = 35.1
"""N of the resolution ``N / (A / sigma_noise)``, from the test beam: arXiv:0911.4044, section 3."""
TIME_CONSTANT_NS = 0.20
"""Of one crystal: chosen between the 0.02 ns of the test beam and the 0.5 ns of the first synchronisation,
both there."""
COLLISION_TIME_NS = 0.18
"""Spread of the times of collisions, common to an image: bunches are 7.5 cm long (LHC design report), which
gives 7.5 cm / sqrt(2) / c."""


def read_energies(deposited_gev: Floats, rng: np.random.Generator) -> Floats:
    """Return measured energies in GeV before any threshold; crystals that saw nothing have their noise."""
    measured = NOISE_GEV * rng.standard_normal(deposited_gev.shape)
    hit = np.flatnonzero(deposited_gev)
    energy = deposited_gev.ravel()[hit]
    spread = np.sqrt(PHOTOSTATISTICS**2 * energy + (INTERCALIBRATION * energy) ** 2)
    measured.ravel()[hit] += energy + spread * rng.standard_normal(len(hit))
    return measured


def suppress(measured_gev: Floats) -> Floats:
    """Return energies with 0 where they do not reach the threshold."""
    return np.where(measured_gev >= THRESHOLD_GEV, measured_gev, 0.0)


def time_resolution_ns(energy_gev: Floats) -> Floats:
    """Return the standard deviation of the time of a crystal.

    Examples
    --------
    >>> time_resolution_ns(np.array([1.0, 20.0])).round(2)
    array([1.42, 0.21])
    """
    return np.hypot(TIME_NOISE_NS * NOISE_GEV / energy_gev, TIME_CONSTANT_NS)


def read_times(energy_gev: Floats, delay_ns: Floats, rng: np.random.Generator) -> Floats:
    """Return measured times in ns, 0 for crystals that are not read.

    Parameters
    ----------
    energy_gev
        After suppression ``(n_images, rows, columns)``.
    delay_ns
        Mean time of arrival of what each crystal saw, relative to light from the middle of the detector; 0
        where there is noise alone.
    """
    image, row, column = np.nonzero(energy_gev)
    collision = COLLISION_TIME_NS * rng.standard_normal(len(energy_gev))
    spread = time_resolution_ns(energy_gev[image, row, column]) * rng.standard_normal(len(image))
    times = np.zeros(energy_gev.shape)
    times[image, row, column] = delay_ns[image, row, column] + collision[image] + spread
    return times
