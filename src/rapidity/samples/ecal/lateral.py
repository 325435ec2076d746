"""From showers to the energies of crystals."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from rapidity.samples.ecal.geometry import MOLIERE_RADIUS_CM, PITCH_M, RADIATION_LENGTH_CM
from rapidity.samples.ecal.shower_profile import (
    Longitudinal,
    draw_longitudinal,
    n_spots,
    radial_profile,
    slice_energies,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

PITCH_CM = 100.0 * PITCH_M


@dataclass(frozen=True)
class Arrivals:
    """Particles at the front faces of the crystals ``(n_particles,)``.

    Attributes
    ----------
    row, column
        Where they arrive along eta and phi, in crystals, relative to the middle of the nearest one.
    slope_row, slope_column
        How far they go sideways along the crystal, for each unit of depth.
    distance_m
        From the collision: crystals get wider with it.
    """

    energy_gev: Floats
    is_photon: NDArray[np.bool_]
    row: Floats
    column: Floats
    slope_row: Floats
    slope_column: Floats
    distance_m: Floats


def draw_deposits(arrivals: Arrivals, half_width: int, rng: np.random.Generator) -> Floats:
    """Return energies (GeV) in the ``2 half_width + 1`` squared crystals around each particle.

    Spots of equal energy are distributed over the crystals by the radial profiles, as in hep-ex/0001020.
    They are independent of each other, so only their numbers are drawn.
    """
    shower = draw_longitudinal(arrivals.energy_gev, arrivals.is_photon, rng)
    part = mean_fractions(arrivals, shower, half_width)
    counts = rng.poisson(n_spots(arrivals.energy_gev)[:, np.newaxis, np.newaxis] * part)
    energy = arrivals.energy_gev * part.sum(axis=(1, 2)) / np.maximum(counts.sum(axis=(1, 2)), 1)
    deposits: Floats = counts * energy[:, np.newaxis, np.newaxis]
    return deposits


def mean_fractions(arrivals: Arrivals, shower: Longitudinal, half_width: int) -> Floats:
    """Return the mean parts of the energy in the crystals around, ``(n_showers, 2 half_width + 1, same)``."""
    fractions, tau = slice_energies(shower)
    core, tail, core_part = radial_profile(tau, arrivals.energy_gev[:, np.newaxis])
    depth_cm = RADIATION_LENGTH_CM * (shower.start_x0[:, np.newaxis] + tau * shower.maximum_x0[:, np.newaxis])
    # In units of the width of a crystal at that depth.
    width_cm = PITCH_CM * (1.0 + 0.01 * depth_cm / arrivals.distance_m[:, np.newaxis])
    row = arrivals.row[:, np.newaxis] + arrivals.slope_row[:, np.newaxis] * depth_cm / width_cm
    column = arrivals.column[:, np.newaxis] + arrivals.slope_column[:, np.newaxis] * depth_cm / width_cm
    corners = np.arange(-half_width, half_width + 2, dtype=np.float32) - np.float32(0.5)
    total = np.zeros((len(fractions), len(corners), len(corners)), dtype=np.float32)
    for number in range(fractions.shape[1]):
        x = corners - row[:, number, np.newaxis].astype(np.float32)
        y = corners - column[:, number, np.newaxis].astype(np.float32)
        for radius, part in ((core, core_part), (tail, 1.0 - core_part)):
            weight = (fractions * part)[:, number].astype(np.float32)
            scale = (MOLIERE_RADIUS_CM * radius / width_cm)[:, number].astype(np.float32)
            total += weight[:, np.newaxis, np.newaxis] * integrate(x, y, scale)
    cells = total[:, 1:, 1:] - total[:, :-1, 1:] - total[:, 1:, :-1] + total[:, :-1, :-1]
    positive: Floats = np.maximum(cells, 0.0).astype(np.float64)
    return positive


def integrate(x: NDArray[np.floating], y: NDArray[np.floating], radius: NDArray[np.floating]) -> NDArray[Any]:
    r"""Return the integral of ``R**2 / (pi (x**2 + y**2 + R**2)**2)`` from the origin to corners.

    With ``a**2 = x**2 + R**2`` and ``b**2 = y**2 + R**2`` it is
    ``(x / a atan(y / a) + y / b atan(x / b)) / (2 pi)``, by integration over one coordinate after the other.

    Parameters
    ----------
    x, y
        Positions of the corners from the axis ``(n_showers, n_corners)``.
    radius
        R ``(n_showers,)``.

    Returns
    -------
    ``(n_showers, n_corners, n_corners)``

    Examples
    --------
    >>> quadrant = integrate(np.array([[1e6]]), np.array([[1e6]]), np.ones(1))
    >>> quadrant.round(4)
    array([[[0.25]]])
    """
    a, b = np.sqrt(x**2 + radius[:, np.newaxis] ** 2), np.sqrt(y**2 + radius[:, np.newaxis] ** 2)
    first = (x / a)[:, :, np.newaxis] * np.arctan(y[:, np.newaxis, :] / a[:, :, np.newaxis])
    first += (y / b)[:, np.newaxis, :] * np.arctan(x[:, :, np.newaxis] / b[:, np.newaxis, :])
    first /= 2.0 * np.pi
    return first
