"""Energy in the pads, the preshower, and the electromagnetic and hadronic calorimeters.

Depths and resolutions: LHCb, JINST 3 (2008) S08005.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from rapidity.samples.lhcb.showers import (
    draw_electromagnetic_fraction,
    draw_ionisation,
    shower_depth_x0,
    shower_particles,
)
from rapidity.samples.lhcb.species import ELECTRON, NOTHING, PROTON, Particles

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Booleans = NDArray[np.bool_]

PRESHOWER_X0, ECAL_X0, ECAL_DEPTH_MM = 2.5, 25.0, 420.0
PRESHOWER_LAMBDA, ECAL_LAMBDA, HCAL_LAMBDA = 0.1, 1.1, 5.6
BEFORE_HCAL_LAMBDA = PRESHOWER_LAMBDA + ECAL_LAMBDA
ECAL_STOCHASTIC, ECAL_CONSTANT = 0.10, 0.01
HCAL_STOCHASTIC, HCAL_CONSTANT = 0.69, 0.09
SPD_MEV = 3.2
"""What the public file has for a pad that fired: the detector says yes or no."""

# All that follows is chosen: peaks of minimum-ionising particles in the calibration to showers,
# thresholds, and what is lost and found beside the track.
PRESHOWER_MIP_MEV, ECAL_MIP_GEV, HCAL_MIP_GEV = 2.6, 0.33, 1.8
MIN_PRESHOWER_MEV, MIN_ECAL_ET_GEV, MIN_HCAL_GEV = 1.2, 0.02, 0.5
"""Below, nothing is read out. In the ECAL the transverse energy counts."""
SHOWER_START_X0 = 0.8
"""Mean depth of the first hard photon of an electron."""
EM_LENGTH_X0 = 6.0
"""Over which the electromagnetic part of a hadronic shower is absorbed."""
ALBEDO_LAMBDA, ALBEDO_GEV = 0.8, 0.3
"""Collisions this deep in the HCAL send energy back into the ECAL, with this mean."""
HADRON_RESPONSE = 0.70
"""Of the ECAL to the part of a shower that is not electromagnetic, relative to the rest."""
LEAKING = 0.17
"""Part of the electrons that lose energy in dead material or beyond the 3 x 3 cells."""
PAD_FIRES, PAD_GAP = 0.985, 0.05
"""Efficiency of a pad; part of the tracks between two pads of the preshower."""
NEIGHBOUR_PHOTONS, PHOTON_ET_GEV = 0.25, 0.25
NEIGHBOUR_HADRONS, HADRON_ET_GEV = 0.30, 0.40
"""Neighbours within 3 x 3 cells in an average event, and their mean transverse energy."""
NEIGHBOUR_IN_PAD, NEIGHBOUR_ON_SPD = 0.3, 0.3
"""How many of them share the pad of the preshower; accidental hits of the SPD in an average event."""


@dataclass(frozen=True)
class Deposits:
    """Energies ``(n_tracks,)``, the neighbours' included, and where in the ECAL they were left.

    Attributes
    ----------
    depth_mm
        Depth of the shower behind the front of the ECAL.
    is_electromagnetic
        Whether the cluster is narrow: an electron's, or mostly that of a neighbouring photon.
    neighbour_fraction
        Part of the energy in the ECAL that is a neighbour's.
    """

    spd_mev: Floats
    preshower_mev: Floats
    ecal_gev: Floats
    hcal_gev: Floats
    depth_mm: Floats
    is_electromagnetic: Booleans
    neighbour_fraction: Floats


def deposit_energy(
    particles: Particles, sine: Floats, occupancy: Floats, rng: np.random.Generator
) -> Deposits:
    """Return what tracks and their neighbours leave.

    Parameters
    ----------
    sine
        Sine of the angle at which the ECAL sees the interaction point: turns energies transverse.
    """
    n_tracks = len(sine)
    # Where hadrons collide first, in interaction lengths from the front of the preshower.
    start = np.where(particles.is_hadron, rng.standard_exponential(n_tracks), np.inf)
    own_ecal = _ecal_energy(particles, start, rng)
    own_hcal = _hcal_energy(particles, start, own_ecal, rng)
    own_preshower = _preshower_energy(particles, start, rng)
    photon = _draw_neighbours(NEIGHBOUR_PHOTONS * occupancy, PHOTON_ET_GEV, sine, rng)
    hadron = _draw_neighbours(NEIGHBOUR_HADRONS * occupancy, HADRON_ET_GEV, sine, rng)
    preshower = own_preshower + _preshower_of_photons(photon, rng)
    ecal, hcal = own_ecal + photon, own_hcal + hadron
    ecal = np.where(ecal * sine > MIN_ECAL_ET_GEV, ecal, 0.0)
    neighbour_fraction = np.where(ecal > 0, photon / np.maximum(ecal, 1e-9), 0.0)
    return Deposits(
        spd_mev=np.where(_pad_fires(particles, occupancy, rng), SPD_MEV, 0.0),
        preshower_mev=np.where(preshower > MIN_PRESHOWER_MEV, preshower, 0.0),
        ecal_gev=ecal,
        hcal_gev=np.where(hcal > MIN_HCAL_GEV, hcal, 0.0),
        depth_mm=_depth_mm(ecal, start),
        is_electromagnetic=(particles.kind == ELECTRON) | (neighbour_fraction > 0.5),
        neighbour_fraction=neighbour_fraction,
    )


def _ecal_energy(particles: Particles, start_lambda: Floats, rng: np.random.Generator) -> Floats:
    n_tracks = len(start_lambda)
    ionisation = draw_ionisation(ECAL_MIP_GEV, n_tracks, rng)
    crossed = ionisation + _ecal_of_hadrons(particles, start_lambda, rng)
    energy = np.where(particles.kind == ELECTRON, _ecal_of_electrons(particles.p_gev, rng), crossed)
    return np.where(particles.kind == NOTHING, 0.0, energy)


def _ecal_of_electrons(p_gev: Floats, rng: np.random.Generator) -> Floats:
    n_tracks = len(p_gev)
    resolution = np.hypot(ECAL_STOCHASTIC / np.sqrt(p_gev), ECAL_CONSTANT)
    response = 1.0 + resolution * rng.standard_normal(n_tracks)
    kept = np.where(rng.random(n_tracks) < LEAKING, rng.beta(2.0, 1.2, n_tracks), 1.0)
    energy: Floats = p_gev * np.maximum(response * kept, 0.02)
    return energy


def _ecal_of_hadrons(particles: Particles, start_lambda: Floats, rng: np.random.Generator) -> Floats:
    """Return energies in GeV of showers that begin in preshower or ECAL.

    The electromagnetic part stays near the first collision; the rest spreads over an interaction
    length, a part of it into nuclei and neutrons that are never seen. An early collision that turns a
    charged pion into a neutral one looks like an electron.
    """
    left = np.clip(BEFORE_HCAL_LAMBDA - start_lambda, 0.0, ECAL_LAMBDA)
    fraction = draw_electromagnetic_fraction(particles.p_gev, particles.kind == PROTON, rng)
    contained = 1.0 - np.exp(-left * (ECAL_X0 / ECAL_LAMBDA) / EM_LENGTH_X0)
    contained_rest = 1.0 - np.exp(-left)
    seen_rest = HADRON_RESPONSE * rng.random(len(left)) * contained_rest
    shower = particles.p_gev * (fraction * contained + (1.0 - fraction) * seen_rest)
    is_just_behind = (left == 0.0) & (start_lambda < BEFORE_HCAL_LAMBDA + ALBEDO_LAMBDA)
    albedo = ALBEDO_GEV * rng.standard_exponential(len(left))
    return np.where(is_just_behind, albedo, shower)


def _hcal_energy(
    particles: Particles, start_lambda: Floats, ecal_gev: Floats, rng: np.random.Generator
) -> Floats:
    n_tracks = len(ecal_gev)
    ionisation = draw_ionisation(HCAL_MIP_GEV, n_tracks, rng)
    arriving = np.maximum(particles.p_gev - ecal_gev, 0.05)
    resolution = np.hypot(HCAL_STOCHASTIC / np.sqrt(arriving), HCAL_CONSTANT)
    shower = arriving * np.maximum(1.0 + resolution * rng.standard_normal(n_tracks), 0.0)
    # Twenty-five radiation lengths leave a few per cent of an electron at most.
    leak = 0.02 * particles.p_gev * rng.standard_exponential(n_tracks)
    energy = np.where(start_lambda < BEFORE_HCAL_LAMBDA + HCAL_LAMBDA, shower, ionisation)
    energy = np.where(particles.kind == ELECTRON, leak, energy)
    return np.where(particles.kind == NOTHING, 0.0, energy)


def _preshower_energy(particles: Particles, start_lambda: Floats, rng: np.random.Generator) -> Floats:
    """Return energies in MeV in the scintillator behind 2.5 radiation lengths of lead."""
    n_tracks = len(start_lambda)
    depth = np.maximum(PRESHOWER_X0 - SHOWER_START_X0 * rng.standard_exponential(n_tracks), 0.0)
    number = shower_particles(np.maximum(particles.p_gev, 0.05), depth)
    number = number * rng.standard_gamma(6.0, n_tracks) / 6.0
    # The few charged particles of a collision in the lead: chosen to grow with the root of the momentum.
    few = rng.standard_gamma(1.5, n_tracks) * (1.0 + np.sqrt(particles.p_gev))
    collided = np.where(start_lambda < PRESHOWER_LAMBDA, 1.0 + few, 1.0)
    number = np.maximum(np.where(particles.kind == ELECTRON, number, collided), 1.0)
    is_lost = (rng.random(n_tracks) < PAD_GAP) | (particles.kind == NOTHING)
    return np.where(is_lost, 0.0, number * draw_ionisation(PRESHOWER_MIP_MEV, n_tracks, rng))


def _preshower_of_photons(photon_gev: Floats, rng: np.random.Generator) -> Floats:
    number = shower_particles(np.maximum(photon_gev, 0.05), PRESHOWER_X0 * rng.random(len(photon_gev)))
    shares_pad = (photon_gev > 0) & (rng.random(len(photon_gev)) < NEIGHBOUR_IN_PAD)
    return np.where(shares_pad, PRESHOWER_MIP_MEV * number, 0.0)


def _pad_fires(particles: Particles, occupancy: Floats, rng: np.random.Generator) -> Booleans:
    by_accident = np.minimum(NEIGHBOUR_ON_SPD * occupancy, 0.9)
    fires: Booleans = rng.random(len(occupancy)) < np.where(particles.kind == NOTHING, by_accident, PAD_FIRES)
    return fires


def _depth_mm(ecal_gev: Floats, start_lambda: Floats) -> Floats:
    """Return how deep the energy lies: behind the first collision of a hadron, else as of an electron."""
    electromagnetic = shower_depth_x0(np.maximum(ecal_gev, 0.05)) * ECAL_DEPTH_MM / ECAL_X0
    front = np.clip(start_lambda - PRESHOWER_LAMBDA, 0.0, ECAL_LAMBDA) / ECAL_LAMBDA * ECAL_DEPTH_MM
    # Half an electromagnetic shower behind it; chosen.
    return np.where(start_lambda < BEFORE_HCAL_LAMBDA, front + electromagnetic / 2, electromagnetic)


def _draw_neighbours(mean_number: Floats, et_gev: float, sine: Floats, rng: np.random.Generator) -> Floats:
    n_tracks = len(sine)
    is_there = rng.random(n_tracks) > np.exp(-mean_number)
    return np.where(is_there, et_gev * rng.standard_exponential(n_tracks) / sine, 0.0)
