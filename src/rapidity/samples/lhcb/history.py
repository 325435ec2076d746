"""What happens to a particle on its way: radiation, decay, collisions in the material.

A history says what crosses RICH 1, what crosses the trackers behind the magnet and RICH 2 and what
arrives at the calorimeters, and by how much the line of flight was broken in between.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from rapidity.samples.lhcb.species import (
    ELECTRON,
    KAON,
    MASS_GEV,
    MUON,
    NOTHING,
    PION,
    Particles,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

# Material in radiation lengths: vertex detector, beam pipe and RICH 1 before the magnet; trackers in
# it. Chosen: four electrons of ten then have a photon that is found.
RADIATION_LENGTHS_BEFORE, RADIATION_LENGTHS_INSIDE = 0.25, 0.10
# Interaction lengths between the last tracking station and the calorimeters (RICH 2 and its mirrors),
# and along the tracker. Chosen: a hadron on a good track survives to the calorimeter nine times of ten.
INTERACTION_LENGTHS_BEHIND, INTERACTION_LENGTHS_TRACKER = 0.08, 0.12

# All decays are taken as those to muon and neutrino: practically all of a pion's and two thirds of a
# kaon's. c tau: PDG, summary tables.
C_TAU_M = {PION: 7.8045, KAON: 3.711}
FIRST_DECAY_Z_M, MAGNET_Z_M, LAST_STATION_Z_M, CALORIMETER_Z_M = 0.8, 5.2, 9.4, 12.0


@dataclass(frozen=True)
class Histories:
    """What became of the particles ``(n_tracks,)``.

    Attributes
    ----------
    upstream, downstream
        What crosses RICH 1; what crosses RICH 2 and arrives at the calorimeters.
    p_bent_gev
        The momentum that the magnet bends.
    photon_gev
        Energy radiated before the magnet.
    lost_fraction
        Fraction of the momentum radiated between the stations of the tracker.
    kink_rad
        Angle by which the line of flight is broken between them.
    """

    upstream: Particles
    downstream: Particles
    p_bent_gev: Floats
    photon_gev: Floats
    lost_fraction: Floats
    kink_rad: Floats


def draw_retained_fraction(radiation_lengths: float, n: int, rng: np.random.Generator) -> Floats:
    r"""Return the fraction of its energy that an electron keeps.

    ``-ln z`` is Gamma distributed with shape ``t / ln 2``: Bethe and Heitler, Proc. R. Soc. A 146
    (1934) 83, in the approximation that they give; its mean is ``exp(-t)``.

    Examples
    --------
    >>> kept = draw_retained_fraction(0.25, 100_000, np.random.default_rng(1))
    >>> float(kept.mean().round(2)), float(np.exp(-0.25).round(2))
    (0.78, 0.78)
    """
    kept: Floats = np.exp(-rng.standard_gamma(radiation_lengths / np.log(2.0), n))
    return kept


def draw_histories(particles: Particles, rng: np.random.Generator) -> Histories:
    """Follow particles to the calorimeters."""
    n_tracks = len(particles.kind)
    radiates = particles.kind == ELECTRON
    kept = np.where(radiates, draw_retained_fraction(RADIATION_LENGTHS_BEFORE, n_tracks, rng), 1.0)
    kept_inside = np.where(radiates, draw_retained_fraction(RADIATION_LENGTHS_INSIDE, n_tracks, rng), 1.0)
    p_bent = particles.p_gev * kept
    z_m, kink, p_muon = _draw_decays(particles, rng)
    is_early, is_late = z_m < MAGNET_Z_M, z_m < CALORIMETER_Z_M
    p_bent = np.where(is_early, p_muon, p_bent)
    kind_behind = np.where(is_late, MUON, particles.kind)
    p_behind = np.where(is_late, p_muon, p_bent * kept_inside)
    kink = np.where(z_m < LAST_STATION_Z_M, kink, 0.0) + _draw_scatters(particles, rng)
    # A collision behind the trackers leaves slow fragments at large angles, and no ring.
    is_gone = (kind_behind >= PION) & (rng.random(n_tracks) > np.exp(-INTERACTION_LENGTHS_BEHIND))
    return Histories(
        upstream=particles,
        downstream=Particles(np.where(is_gone, NOTHING, kind_behind), p_behind),
        p_bent_gev=p_bent,
        photon_gev=particles.p_gev * (1.0 - kept),
        lost_fraction=1.0 - kept_inside,
        kink_rad=kink,
    )


def _draw_decays(particles: Particles, rng: np.random.Generator) -> tuple[Floats, Floats, Floats]:
    """Return where each decays (m; infinite if it does not), the kink (rad), the muon's momentum (GeV).

    Two-body kinematics: the muon's energy is uniform between its limits, its transverse momentum at
    most 30 MeV (pion) or 236 MeV (kaon).
    """
    n_tracks = len(particles.kind)
    c_tau = np.array([C_TAU_M.get(kind, np.inf) for kind in range(len(MASS_GEV))])[particles.kind]
    c_tau = np.where(particles.kind == NOTHING, np.inf, c_tau)
    mass = np.where(np.isfinite(c_tau), particles.mass_gev, 1.0)
    z_m = FIRST_DECAY_Z_M + rng.standard_exponential(n_tracks) * c_tau * particles.p_gev / mass
    muon_mass = MASS_GEV[MUON]
    p_rest = (mass**2 - muon_mass**2) / (2.0 * mass)
    cos_theta = rng.uniform(-1.0, 1.0, n_tracks)
    energy = np.hypot(particles.p_gev, mass)
    p_muon = (np.hypot(p_rest, muon_mass) * particles.p_gev + p_rest * cos_theta * energy) / mass
    p_muon = np.maximum(p_muon, 0.2)
    kink = p_rest * np.sqrt(1.0 - cos_theta**2) / p_muon
    return z_m, kink, p_muon


def _draw_scatters(particles: Particles, rng: np.random.Generator) -> Floats:
    """Return kinks in rad from elastic collisions of hadrons with nuclei in the trackers.

    Momentum transfers are exponential in t with a slope of 50 / GeV**2, the size for carbon or
    aluminium (chosen from R_nucleus**2 / 3 with R of 2.7 to 3.5 fm).
    """
    n_tracks = len(particles.kind)
    scatters = particles.is_hadron & (rng.random(n_tracks) > np.exp(-INTERACTION_LENGTHS_TRACKER / 2))
    transfer = np.sqrt(rng.standard_exponential(n_tracks) / 50.0)
    return np.where(scatters, transfer / particles.p_gev, 0.0)
