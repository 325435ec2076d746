"""From the classes of some images to their crystals."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from rapidity.samples.ecal.geometry import (
    CENTRE,
    MAX_ETA,
    PITCH_M,
    RADIUS_M,
    SIZE,
    SPEED_OF_LIGHT,
    TILT,
)
from rapidity.samples.ecal.lateral import Arrivals, draw_deposits
from rapidity.samples.ecal.material import RADII_M, SHARES, thickness_x0
from rapidity.samples.ecal.radiation import cross_layer
from rapidity.samples.ecal.readout import read_energies, read_times, suppress
from rapidity.samples.ecal.transport import Flight, advance, start
from rapidity.samples.sample import SimulatedImages

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

PHOTON, ELECTRON = 0, 1
PT_GEV = 50.0
"""Transverse momentum of all particles; also the unit of energies in the images."""

MARGIN = 8
"""Crystals that the image may still move by, to have the most energetic one in its middle."""
CANVAS = SIZE + 2 * MARGIN
MIDDLE = CENTRE + MARGIN
# A shower of many GeV is seen six crystals away; a soft one is below the threshold after two.
WIDE_GEV, WIDE, NARROW = 2.0, 6, 2
IMAGES_AT_ONCE = 250
"""So many stay in the cache of a processor."""


def simulate_images(class_index: NDArray[np.int64], rng: np.random.Generator) -> SimulatedImages:
    """Return an image of each particle, energy in units of 50 GeV and time in ns; and its true energy.

    Particles have a transverse momentum of 50 GeV, come from the middle of the detector and are uniform in
    pseudorapidity within the part of the barrel where an image has all its crystals. Electrons are of
    either charge. Rows go along eta, columns along phi; the most energetic crystal is in row and column 16.

    Parameters
    ----------
    class_index
        0 for a photon, 1 for an electron ``(n_images,)``.

    Returns
    -------
    Images ``(n_images, 32, 32, 2)``; crystals that are not read are 0 in both channels. Truth: `energy` of
    the particle at the collision in GeV, ``50 GeV cosh(eta)``.
    """
    images = np.empty((len(class_index), SIZE, SIZE, 2), dtype=np.float32)
    energy_gev = np.empty(len(class_index), dtype=np.float32)
    for first in range(0, len(class_index), IMAGES_AT_ONCE):
        part = slice(first, first + IMAGES_AT_ONCE)
        images[part], energy_gev[part] = _simulate(class_index[part], rng)
    return SimulatedImages(images, {"energy": energy_gev})


def _simulate(class_index: NDArray[np.int64], rng: np.random.Generator) -> tuple[Floats, Floats]:
    n_images = len(class_index)
    eta = rng.uniform(-MAX_ETA, MAX_ETA, n_images)
    charge = np.where(class_index == ELECTRON, rng.choice([-1.0, 1.0], n_images), 0.0)
    energy_gev = PT_GEV * np.cosh(eta)
    flight = fly_to_crystals(start(energy_gev, charge, eta), eta, rng)
    deposited, delay = _deposit(flight, eta, rng)
    return _read(deposited, delay, rng), energy_gev


def fly_to_crystals(flight: Flight, eta: Floats, rng: np.random.Generator) -> Flight:
    """Return what arrives at the front faces: what is left of the particles, and all that they made.

    Parameters
    ----------
    flight
        At the collision.
    eta
        Pseudorapidity of each image, which decides about the material.
    """
    thickness = thickness_x0(eta)
    at_m = 0.0
    for radius_m, share in zip(RADII_M, SHARES, strict=True):
        flight = advance(flight, at_m, radius_m)
        flight = cross_layer(flight, share * thickness[flight.image], rng)
        at_m = radius_m
    return advance(flight, at_m, RADIUS_M)


def _deposit(flight: Flight, eta: Floats, rng: np.random.Generator) -> tuple[Floats, Floats]:
    """Return deposited energies (GeV) and mean delays (ns) ``(n_images, CANVAS, CANVAS)``.

    The crystal that the hardest particle hits is the middle one.
    """
    cosh_eta = np.cosh(eta)[flight.image]
    tilt = TILT * np.sign(eta)[flight.image]
    row, column = _impact(flight, eta, rng)
    origin_row, origin_column = _origins(flight, row, column, len(eta))
    row, column = row - origin_row[flight.image], column - origin_column[flight.image]
    nearest_row, nearest_column = np.rint(row), np.rint(column)
    distance_m = RADIUS_M * cosh_eta
    arrivals = Arrivals(
        energy_gev=flight.energy_gev,
        is_photon=flight.charge == 0,
        row=row - nearest_row,
        column=column - nearest_column,
        slope_row=tilt,
        slope_column=tilt + flight.sin_beta / np.sqrt(1.0 - flight.sin_beta**2) / cosh_eta,
        distance_m=distance_m,
    )
    delay = (flight.path_m - distance_m) / SPEED_OF_LIGHT
    corner = (nearest_row.astype(np.int64) + MIDDLE, nearest_column.astype(np.int64) + MIDDLE)
    return _add_up(arrivals, delay, flight.image, corner, len(eta), rng)


def _add_up(
    arrivals: Arrivals,
    delay: Floats,
    image: NDArray[np.int64],
    corner: tuple[NDArray[np.int64], NDArray[np.int64]],
    n_images: int,
    rng: np.random.Generator,
) -> tuple[Floats, Floats]:
    """Return the energy (GeV) in each crystal, and the mean delay (ns) there, weighted by energy.

    `image` and `corner` say of each particle in which image it arrives, and around which crystal.
    """
    energy = np.zeros(n_images * CANVAS**2)
    weighted = np.zeros_like(energy)
    is_wide = arrivals.energy_gev > WIDE_GEV
    for rows, half_width in ((is_wide, WIDE), (~is_wide, NARROW)):
        chosen = Arrivals(*(getattr(arrivals, name)[rows] for name in Arrivals.__dataclass_fields__))
        deposits = draw_deposits(chosen, half_width, rng)
        where = _cells(image[rows], corner[0][rows], corner[1][rows], half_width)
        is_inside = where >= 0
        cells, values = where[is_inside], deposits[is_inside]
        times = np.broadcast_to(delay[rows, np.newaxis, np.newaxis], deposits.shape)[is_inside]
        energy += np.bincount(cells, values, minlength=len(energy))
        weighted += np.bincount(cells, values * times, minlength=len(energy))
    mean_delay = np.divide(weighted, energy, out=weighted, where=energy > 0)
    shape = (n_images, CANVAS, CANVAS)
    return energy.reshape(shape), mean_delay.reshape(shape)


def _impact(flight: Flight, eta: Floats, rng: np.random.Generator) -> tuple[Floats, Floats]:
    """Return where particles arrive along eta and phi in crystals; images begin anywhere in a crystal."""
    offset_row, offset_column = rng.uniform(-0.5, 0.5, (2, len(eta)))
    straight_z = RADIUS_M * np.sinh(eta)
    across_m = (flight.z_m - straight_z[flight.image]) / np.cosh(eta)[flight.image]
    row = offset_row[flight.image] + across_m / PITCH_M
    return row, offset_column[flight.image] + flight.phi_rad * RADIUS_M / PITCH_M


def _origins(flight: Flight, row: Floats, column: Floats, n_images: int) -> tuple[Floats, Floats]:
    """Return the crystal that the hardest particle of each image hits."""
    order = np.lexsort((flight.energy_gev, flight.image))
    is_last = np.append(np.diff(flight.image[order]) > 0, True)[: len(order)]
    hardest = order[is_last]
    origins = np.zeros((2, n_images))
    origins[:, flight.image[hardest]] = np.rint((row[hardest], column[hardest]))
    return origins[0], origins[1]


def _cells(
    image: NDArray[np.int64], row: NDArray[np.int64], column: NDArray[np.int64], half_width: int
) -> NDArray[np.int64]:
    """Return the places, in a row of all crystals, of those around each particle; -1 outside."""
    around = np.arange(-half_width, half_width + 1)
    rows, columns = row[:, np.newaxis] + around, column[:, np.newaxis] + around
    rows = np.where((rows >= 0) & (rows < CANVAS), rows, -CANVAS * CANVAS)
    columns = np.where((columns >= 0) & (columns < CANVAS), columns, -(CANVAS**3))
    inside = rows[:, :, np.newaxis] * CANVAS + columns[:, np.newaxis, :]
    places = image[:, np.newaxis, np.newaxis] * CANVAS**2 + inside
    return np.where(inside >= 0, places, -1)


def _read(energy: Floats, delay: Floats, rng: np.random.Generator) -> Floats:
    measured = read_energies(energy, rng)
    n_images = len(measured)
    middle = measured[:, CENTRE : CENTRE + 2 * MARGIN + 1, CENTRE : CENTRE + 2 * MARGIN + 1]
    brightest = middle.reshape(n_images, -1).argmax(axis=1)
    row, column = np.divmod(brightest, 2 * MARGIN + 1)
    image = np.arange(n_images)[:, np.newaxis, np.newaxis]
    cut = (
        image,
        (row[:, np.newaxis] + np.arange(SIZE))[:, :, np.newaxis],
        (column[:, np.newaxis] + np.arange(SIZE))[:, np.newaxis, :],
    )
    kept = suppress(measured[cut])
    return np.stack([kept / PT_GEV, read_times(kept, delay[cut], rng)], axis=-1)
