"""From energies of particles to those of crystals and towers of an image."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from rapidity.samples.dijets.geometry import END_CAP_M, MOLIERE_CRYSTALS
from rapidity.samples.ecal.geometry import RADIUS_M
from rapidity.samples.ecal.lateral import integrate
from rapidity.samples.ecal.shower_profile import draw_longitudinal, radial_profile, slice_energies

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Integers = NDArray[np.int64]
    Shares = tuple[Integers, Integers, Floats]

HALF_WIDTH = 2
"""Crystals around the one that a photon hits: 5 x 5 hold 97 % (arXiv:1306.2016)."""
N_POSITIONS, N_STRETCHES, LARGEST_STRETCH = 16, 6, 3.5
TABLE_GEV, N_SHOWERS = 10.0, 500
"""Of the photons whose mean shower is tabulated."""
SPOT_GEV, MOST_SPOTS = 0.5, 60
"""Of a hadron shower: the energy of a spot, and how many there are at most (chosen)."""


def stretch(eta: Floats) -> Floats:
    """Return how much larger showers are, in cells, than in the barrel.

    A step in eta is a length proportional to the distance from the beam, which gets smaller in the end caps.

    Examples
    --------
    >>> stretch(np.array([0.0, 1.4, 2.0, 3.0])).round(2)
    array([1.  , 1.  , 1.48, 4.1 ])
    """
    radius = END_CAP_M / np.maximum(np.sinh(np.abs(eta)), 1e-9)
    return np.maximum(RADIUS_M / radius, 1.0)


def share_photons(row: Floats, column: Floats, energy: Floats, width: Floats, table: Floats) -> Shares:
    """Return rows, columns and energies of the crystals around photons ``(n_photons, 25)``.

    Parameters
    ----------
    row, column
        Where they arrive, in crystals; the middle of the first one is at 0.
    width
        See `stretch`.
    table
        See `tabulate_showers`.
    """
    nearest_row, nearest_column = np.rint(row), np.rint(column)
    at_row, at_column = (
        np.clip(((value - nearest + 0.5) * N_POSITIONS).astype(np.int64), 0, N_POSITIONS - 1)
        for value, nearest in ((row, nearest_row), (column, nearest_column))
    )
    at_width = np.rint(
        (np.minimum(width, LARGEST_STRETCH) - 1.0) / (LARGEST_STRETCH - 1.0) * (N_STRETCHES - 1)
    )
    fractions = table[at_width.astype(np.int64), at_row, at_column]
    around = np.arange(-HALF_WIDTH, HALF_WIDTH + 1)
    rows = (nearest_row.astype(np.int64)[:, np.newaxis] + np.repeat(around, len(around))).ravel()
    columns = (nearest_column.astype(np.int64)[:, np.newaxis] + np.tile(around, len(around))).ravel()
    return rows, columns, (fractions * energy[:, np.newaxis]).ravel()


def tabulate_showers() -> Floats:
    """Return the mean parts of 5 x 5 crystals ``(N_STRETCHES, N_POSITIONS, N_POSITIONS, 25)``.

    Core and tail of Grindhammer and Peters (hep-ex/0001020), over the depth of photons of 10 GeV, for
    places within the crystal in the middle. They add up to what 5 x 5 crystals hold.
    """
    photons = np.full(N_SHOWERS, TABLE_GEV)
    shower = draw_longitudinal(photons, np.ones(N_SHOWERS, dtype=bool), np.random.default_rng(1))
    energy, depth = (values.mean(axis=0) for values in slice_energies(shower))
    cores, tails, core_parts = radial_profile(depth, np.full(len(depth), TABLE_GEV))
    radii = np.concatenate([cores, tails])
    parts = np.concatenate([energy * core_parts, energy * (1.0 - core_parts)])
    return np.stack(
        [_tabulate(radii * width, parts) for width in np.linspace(1.0, LARGEST_STRETCH, N_STRETCHES)]
    )


def _tabulate(radii: Floats, parts: Floats) -> Floats:
    """Return the parts for profiles of some radii, in Moliere radii, each with a part of the energy."""
    corners = np.arange(-HALF_WIDTH, HALF_WIDTH + 2) - 0.5
    offset = (np.arange(N_POSITIONS) + 0.5) / N_POSITIONS - 0.5
    row, column = (grid.ravel() for grid in np.meshgrid(offset, offset, indexing="ij"))
    x, y = corners - row[:, np.newaxis], corners - column[:, np.newaxis]
    total = np.zeros((len(row), len(corners), len(corners)))
    for radius, part in zip(radii * MOLIERE_CRYSTALS, parts, strict=True):
        total += part * integrate(x, y, np.full(len(row), radius))
    cells: Floats = total[:, 1:, 1:] - total[:, :-1, 1:] - total[:, 1:, :-1] + total[:, :-1, :-1]
    return cells.reshape(N_POSITIONS, N_POSITIONS, -1)


def draw_spots(
    energy: Floats, radius: Floats, rng: np.random.Generator
) -> tuple[Integers, Floats, Floats, Floats]:
    r"""Return spots of hadron showers: which one each belongs to, where it lies from the axis, its energy.

    Distances are distributed as ``2 r R**2 / (r**2 + R**2)**2``, whose integral gives
    ``r = R sqrt(u / (1 - u))``.

    Parameters
    ----------
    energy
        In GeV ``(n_showers,)``.
    radius
        R ``(n_showers,)``, in any unit; places have the same.

    Returns
    -------
    shower, first, second, energy
        ``(n_spots,)``
    """
    counts = np.clip(np.ceil(energy / SPOT_GEV), 0, MOST_SPOTS).astype(np.int64)
    shower = np.repeat(np.arange(len(energy)), counts)
    uniform, turn = rng.random((2, len(shower)))
    distance = radius[shower] * np.sqrt(uniform / np.maximum(1.0 - uniform, 1e-9))
    turn *= 2.0 * np.pi
    part = energy[shower] / counts[shower]
    return shower, distance * np.cos(turn), distance * np.sin(turn), part
