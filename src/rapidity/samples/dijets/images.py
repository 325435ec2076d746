"""Images of jets: tracks, crystals and towers around their axis, with noise and thresholds."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from statistics import NormalDist
from typing import TYPE_CHECKING

import numpy as np

from rapidity.physics.kinematics import delta_phi
from rapidity.samples.dijets.deposits import draw_spots, share_photons, stretch, tabulate_showers
from rapidity.samples.dijets.geometry import (
    CALORIMETER_MAX_ETA,
    CRYSTALS_OF_TOWER,
    HADRON_RADIUS_CRYSTALS,
    HADRON_RADIUS_TOWERS,
    HALF_WINDOW,
    N_TOWERS,
    SIZE,
    TOWER_ANGLE,
)
from rapidity.samples.ecal.geometry import CRYSTAL_ANGLE
from rapidity.samples.ecal.readout import NOISE_GEV, THRESHOLD_GEV
from rapidity.samples.particles import as_floats

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from rapidity.samples.dijets.response import Measured
    from rapidity.samples.particles import FourVectors

    Floats = NDArray[np.float64]
    Integers = NDArray[np.int64]

CHANNELS = ("tracks", "ecal", "hcal")
TOWER_NOISE_GEV = 0.2
"""Of one tower (chosen)."""
TOWER_THRESHOLD_GEV = 0.8
"""Towers below are not used: cells of particle flow, arXiv:1706.04965."""
MARGIN = 0.3
"""Beyond the image: where showers begin that still reach into it."""
MIDDLE = SIZE // 2


@dataclass(frozen=True)
class SparseImages:
    """Images without their zeros.

    Attributes
    ----------
    pixel
        Numbers of the pixels of tracks and crystals that are not 0, within all images of both, ascending
        ``(n_pixels,)``.
    value
        Transverse energies or momenta in GeV ``(n_pixels,)`` float32.
    towers
        Transverse energies in GeV ``(n_images, 25, 25)`` float32.
    """

    pixel: Integers
    value: NDArray[np.float32]
    towers: NDArray[np.float32]

    def slice(self, start: int, stop: int) -> SparseImages:
        """Return images that stand next to each other."""
        n_cells = 2 * SIZE * SIZE
        first, last = np.searchsorted(self.pixel, (start * n_cells, stop * n_cells))
        return SparseImages(
            self.pixel[first:last] - start * n_cells, self.value[first:last], self.towers[start:stop]
        )

    @staticmethod
    def join(parts: Sequence[SparseImages]) -> SparseImages:
        """Return the images of several, one after another."""
        n_before = np.cumsum([0, *(len(part.towers) for part in parts)])
        pixel = [part.pixel + 2 * SIZE * SIZE * n for part, n in zip(parts, n_before[:-1], strict=True)]
        value, towers = ([getattr(part, name) for part in parts] for name in ("value", "towers"))
        return SparseImages(np.concatenate(pixel), np.concatenate(value), np.concatenate(towers))

    def to_dense(self) -> NDArray[np.float32]:
        """Return the images ``(n_images, 3, 125, 125)``: the energy of a tower is shared by its pixels."""
        n_images = len(self.towers)
        dense = np.zeros((n_images, len(CHANNELS), SIZE, SIZE), dtype=np.float32)
        image, rest = np.divmod(self.pixel, 2 * SIZE * SIZE)
        dense.reshape(n_images, -1)[image, rest] = self.value
        pixels = self.towers / np.float32(CRYSTALS_OF_TOWER**2)
        dense[:, 2] = pixels.repeat(CRYSTALS_OF_TOWER, axis=1).repeat(CRYSTALS_OF_TOWER, axis=2)
        return dense


@dataclass(frozen=True)
class _Around:
    """Particles around jets: a row for each pair of a jet and a particle near it.

    `row` and `column` are places in crystals, from the middle of the first pixel of the image.
    """

    image: Integers
    particle: Integers
    row: Floats
    column: Floats


def draw_images(jets: FourVectors, measured: Measured, rng: np.random.Generator) -> SparseImages:
    """Return images of transverse energies (tracks: momenta) in GeV.

    `measured` stands in the order of events.

    Rows go along eta, columns along phi; the tower that the axis of the jet points to is the one in the
    middle. Crystals have noise and a threshold everywhere; a track is at the place where it meets the
    calorimeters.
    """
    centre_eta, centre_phi = _centres(jets)
    around = _find_particles(jets, centre_eta, centre_phi, measured)
    tracks = _add_tracks(around, measured, len(jets))
    crystals = _add_crystals(around, measured, len(jets), rng)
    towers = _add_towers(around, measured, len(jets), rng)
    in_image = (np.arange(SIZE) - MIDDLE) * CRYSTAL_ANGLE
    pixel, value = _read_crystals(crystals, centre_eta[:, np.newaxis] + in_image, rng)
    hit = np.flatnonzero(tracks)
    image, rest = np.divmod(hit, SIZE * SIZE)
    pixels = np.concatenate([2 * SIZE * SIZE * image + rest, pixel])
    values = np.concatenate([tracks[hit], value]).astype(np.float32)
    order = np.argsort(pixels, kind="stable")
    read = _read_towers(towers, centre_eta, rng)
    return SparseImages(pixels[order], values[order], read.astype(np.float32))


def _centres(jets: FourVectors) -> tuple[Floats, Floats]:
    """Return the middle of the towers that the jets point to."""
    eta, phi = ((np.floor(angle / TOWER_ANGLE) + 0.5) * TOWER_ANGLE for angle in (jets.eta, jets.phi))
    return eta, phi


def _find_particles(jets: FourVectors, eta: Floats, phi: Floats, measured: Measured) -> _Around:
    """Return the particles of its event in and around the image of each jet."""
    starts = np.searchsorted(measured.event, jets.event)
    n_near = np.searchsorted(measured.event, jets.event, side="right") - starts
    image = np.repeat(np.arange(len(jets)), n_near)
    within = np.arange(len(image)) - np.repeat(np.cumsum(n_near) - n_near, n_near)
    particle = np.repeat(starts, n_near) + within
    across = measured.eta[particle] - eta[image]
    along = as_floats(delta_phi(measured.phi[particle], phi[image]))
    limit = HALF_WINDOW + MARGIN
    near = np.flatnonzero((np.abs(across) < limit) & (np.abs(along) < limit))
    row, column = across[near] / CRYSTAL_ANGLE + MIDDLE, along[near] / CRYSTAL_ANGLE + MIDDLE
    return _Around(image[near], particle[near], row, column)


def _sum_cells(
    image: Integers, row: Integers, column: Integers, values: Floats, n_images: int, size: int
) -> Floats:
    """Return sums in the cells of all images, one after another; what lies outside is left out."""
    inside = (row >= 0) & (row < size) & (column >= 0) & (column < size)
    cell = (image[inside] * size + row[inside]) * size + column[inside]
    return as_floats(np.bincount(cell, values[inside], minlength=n_images * size * size))


def _add_tracks(around: _Around, measured: Measured, n_images: int) -> Floats:
    pt = measured.track_gev[around.particle]
    rows = np.flatnonzero(pt)
    row, column = (np.rint(place[rows]).astype(np.int64) for place in (around.row, around.column))
    return _sum_cells(around.image[rows], row, column, pt[rows], n_images, SIZE)


def _add_crystals(around: _Around, measured: Measured, n_images: int, rng: np.random.Generator) -> Floats:
    """Return energies (GeV) in the crystals of all images."""
    energy = measured.ecal_gev[around.particle]
    width = stretch(measured.eta[around.particle])
    is_light = measured.is_electromagnetic[around.particle]
    rows = np.flatnonzero(is_light & (energy > 0))
    table = _shower_table()
    row, column, part = share_photons(around.row[rows], around.column[rows], energy[rows], width[rows], table)
    total = _sum_cells(np.repeat(around.image[rows], table.shape[-1]), row, column, part, n_images, SIZE)
    rows = np.flatnonzero(~is_light & (energy > 0))
    shower, across, along, part = draw_spots(energy[rows], HADRON_RADIUS_CRYSTALS * width[rows], rng)
    rows = rows[shower]
    row, column = (
        np.rint(place[rows] + shift).astype(np.int64)
        for place, shift in ((around.row, across), (around.column, along))
    )
    total += _sum_cells(around.image[rows], row, column, part, n_images, SIZE)
    return total


def _add_towers(around: _Around, measured: Measured, n_images: int, rng: np.random.Generator) -> Floats:
    """Return energies (GeV) in the towers of all images."""
    energy = measured.hcal_gev[around.particle]
    rows = np.flatnonzero(energy > 0)
    radius = CRYSTALS_OF_TOWER * HADRON_RADIUS_TOWERS * stretch(measured.eta[around.particle[rows]])
    shower, across, along, part = draw_spots(energy[rows], radius, rng)
    rows = rows[shower]
    row, column = (
        np.floor((place[rows] + shift + 0.5) / CRYSTALS_OF_TOWER).astype(np.int64)
        for place, shift in ((around.row, across), (around.column, along))
    )
    return _sum_cells(around.image[rows], row, column, part, n_images, N_TOWERS)


def _read_crystals(energy: Floats, eta: Floats, rng: np.random.Generator) -> tuple[Integers, Floats]:
    """Return the crystals above the threshold, numbered with tracks and crystals together, and their values.

    Crystals that nothing has hit are read if their noise alone reaches the threshold: only their number
    and what lies above is drawn.

    Parameters
    ----------
    eta
        Of the rows of each image ``(n_images, SIZE)``; beyond 3 there is nothing.
    """
    hit = np.flatnonzero(energy)
    measured = energy[hit] + NOISE_GEV * rng.standard_normal(len(hit))
    probability, table = _noise_above()
    n_noisy = rng.poisson(probability * len(energy))
    noisy = rng.integers(0, len(energy), n_noisy)
    noise = np.interp(rng.random(n_noisy), np.linspace(0.0, 1.0, len(table)), table)
    noise = np.where(energy[noisy] == 0, noise, 0.0)
    cell, first = np.unique(np.concatenate([hit, noisy[noise > 0]]), return_index=True)
    value = np.concatenate([measured, noise[noise > 0]])[first]
    image, rest = np.divmod(cell, SIZE * SIZE)
    row_eta = eta.ravel()[image * SIZE + rest // SIZE]
    is_read = (value >= THRESHOLD_GEV) & (np.abs(row_eta) < CALORIMETER_MAX_ETA)
    transverse = value[is_read] / np.cosh(row_eta[is_read])
    return 2 * SIZE * SIZE * image[is_read] + SIZE * SIZE + rest[is_read], transverse


def _read_towers(energy: Floats, centre_eta: Floats, rng: np.random.Generator) -> Floats:
    """Return transverse energies (GeV) of towers ``(n_images, 25, 25)``, 0 below the threshold."""
    measured = energy.reshape(-1, N_TOWERS, N_TOWERS)
    measured = measured + TOWER_NOISE_GEV * rng.standard_normal(measured.shape)
    eta = centre_eta[:, np.newaxis] + (np.arange(N_TOWERS) - N_TOWERS // 2) * TOWER_ANGLE
    scale = np.where(np.abs(eta) < CALORIMETER_MAX_ETA, 1.0 / np.cosh(eta), 0.0)
    return np.where(measured >= TOWER_THRESHOLD_GEV, measured, 0.0) * scale[:, :, np.newaxis]


@cache
def _shower_table() -> Floats:
    return tabulate_showers()


@cache
def _noise_above(n_nodes: int = 257) -> tuple[float, Floats]:
    """Return the probability that noise reaches the threshold, and quantiles (GeV) of what does."""
    normal = NormalDist()
    probability = 1.0 - normal.cdf(THRESHOLD_GEV / NOISE_GEV)
    parts = np.linspace(0.0, 1.0, n_nodes)
    # The last node stands for the rest beyond it.
    parts[-1] = 1.0 - 0.5 / n_nodes
    return probability, NOISE_GEV * np.array(
        [normal.inv_cdf(1.0 - probability * (1.0 - part)) for part in parts]
    )
