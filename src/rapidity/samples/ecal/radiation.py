"""What happens in thin material: electrons radiate, photons convert to pairs, charged particles scatter.

Complete screening, collinear emission; the cross-sections are those of Y.-S. Tsai, Rev. Mod. Phys. 46 (1974)
815, as the PDG's *Passage of particles through matter* gives them.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from rapidity.samples.ecal.transport import Flight, join

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

SOFTEST_PHOTON_GEV = 0.03
"""Softer ones stay in the electron: a third of what a crystal needs to be read."""
CONVERSIONS_PER_X0 = 7.0 / 9.0


def cross_layer(flight: Flight, thickness: Floats, rng: np.random.Generator) -> Flight:
    """Return what leaves a thin layer: photons converted, photons radiated, directions scattered.

    Parameters
    ----------
    flight
        What enters.
    thickness
        Of the layer in radiation lengths, for each particle.
    """
    is_photon = flight.charge == 0
    converts = is_photon & (rng.random(flight.n) < -np.expm1(-CONVERSIONS_PER_X0 * thickness))
    charged = scatter(flight.take(~is_photon), thickness[~is_photon], rng)
    electrons, photons = radiate(charged, thickness[~is_photon], rng)
    return join(flight.take(is_photon & ~converts), convert(flight.take(converts), rng), electrons, photons)


def radiate(flight: Flight, thickness: Floats, rng: np.random.Generator) -> tuple[Flight, Flight]:
    r"""Return electrons after a layer, and the photons that they radiated.

    Photons per radiation length and fraction y of the energy: ``(4/3 - 4/3 y + y**2) / y`` (PDG).
    Candidates are drawn from ``4/3 / y`` down to `SOFTEST_PHOTON_GEV` and kept with what is
    left of the spectrum, one emission after another.
    """
    energy = flight.energy_gev.copy()
    log_range = np.log(np.maximum(energy / SOFTEST_PHOTON_GEV, 1.0))
    n_candidates = rng.poisson(thickness * (4.0 / 3.0) * log_range)
    photons = []
    for number in range(int(n_candidates.max(initial=0))):
        rows = np.flatnonzero(n_candidates > number)
        y = np.exp(-log_range[rows] * rng.random(len(rows)))
        is_kept = rng.random(len(rows)) < 1.0 - y + 0.75 * y**2
        # What was radiated before leaves less room for the next one.
        is_kept &= energy[rows] * y >= SOFTEST_PHOTON_GEV
        rows, y = rows[is_kept], y[is_kept]
        photons.append(replace(flight.take(rows), energy_gev=energy[rows] * y, charge=np.zeros(len(rows))))
        energy[rows] *= 1.0 - y
    return replace(flight, energy_gev=energy), join(*photons) if photons else flight.take(slice(0))


def draw_pair_fraction(n: int, rng: np.random.Generator) -> Floats:
    """Return the fraction of a photon's energy that goes to one particle of its pair.

    Distributed as ``1 - 4/3 x (1 - x)`` (Bethe and Heitler; PDG). With u = 2x - 1 that is
    ``2/3 + u**2 / 3``: six times of seven uniform, else the cube root of a uniform number.

    Examples
    --------
    >>> x = draw_pair_fraction(100_000, np.random.default_rng(1))
    >>> float(x.mean().round(2)), float(x.var().round(2)), 1 / 12 * 6 / 7 + 3 / 20 / 7
    (0.5, 0.09, 0.09285714285714286)
    """
    u = rng.uniform(-1.0, 1.0, n)
    is_edge = rng.random(n) < 1.0 / 7.0
    return 0.5 + 0.5 * np.where(is_edge, np.cbrt(u), u)


def convert(photons: Flight, rng: np.random.Generator) -> Flight:
    """Return the pairs that photons turn into, in the same direction."""
    x = draw_pair_fraction(photons.n, rng)
    charge = np.ones(photons.n)
    return join(
        replace(photons, energy_gev=photons.energy_gev * x, charge=charge),
        replace(photons, energy_gev=photons.energy_gev * (1.0 - x), charge=-charge),
    )


def scatter(flight: Flight, thickness: Floats, rng: np.random.Generator) -> Flight:
    """Return charged particles with directions changed by multiple scattering.

    A Gaussian of ``13.6 MeV / p * sqrt(x / X0)`` in each plane: Highland's formula without its logarithm, of
    which one layer of several must not take its own (PDG).
    """
    width = 0.0136 / np.maximum(flight.energy_gev, 1e-3) * np.sqrt(thickness)
    across, along = rng.standard_normal((2, flight.n)) * width
    # In the transverse plane an angle is larger by p / pT; the slope z / r changes by the angle over sin**2.
    stretch = np.sqrt(1.0 + flight.slope_z**2)
    sin_beta = np.clip(flight.sin_beta + across * stretch, -0.999, 0.999)
    return replace(flight, sin_beta=sin_beta, slope_z=flight.slope_z + along * stretch**2)
