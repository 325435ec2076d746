"""The muon stations M2 to M5 behind the calorimeters: range, scattering, hadrons that come through.

Stations: LHCb, JINST 3 (2008) S08005; decisions and likelihoods: JINST 8 (2013) P10020, arXiv:1306.0249.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from rapidity.samples.lhcb.geometry import ECAL_Z_M, MUON_Z_M
from rapidity.samples.lhcb.species import MUON

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from rapidity.samples.lhcb.candidates import Candidates
    from rapidity.samples.lhcb.geometry import Acceptance, Paths
    from rapidity.samples.lhcb.species import Particles

    Floats = NDArray[np.float64]
    Booleans = NDArray[np.bool_]

N_STATIONS = 4
RANGE_GEV, RANGE_SPREAD = np.array([2.6, 3.6, 4.8, 6.0]), 0.07
"""Momenta that reach M2 ... M5, and how they straggle. 3 and 6 GeV are LHCb's numbers for M2 and M5;
the values between divide the iron, the spread is chosen."""
LENGTHS_X0 = np.array([90.0, 135.0, 180.0, 225.0])
"""Radiation lengths before each station: the calorimeters, then 80 cm of iron (1.757 cm each) between."""
HIT_EFFICIENCY = 0.99
FIELD_OF_INTEREST = 5.0
"""Half width of the search, in standard deviations of a muon's scattering. Chosen."""
TAIL_PART, TAIL_FACTOR = 0.1, 2.0
"""Scattering has longer tails than a Gaussian: how many tracks, and how much wider. Chosen."""
PAD_CM = (0.6, 1.2, 2.4, 4.8)
REGION_BORDERS_M = (0.6, 1.2, 2.4)
"""Effective widths of the pads (chosen) in the regions, each twice as wide as the one inside it."""

# Chosen so that fewer than one proton in a hundred is taken for a muon, and a few pions and kaons that
# decay (arXiv:1306.0249): hadrons of 10 GeV whose shower reaches M2, and what passes one more station's iron.
PUNCH_THROUGH, PUNCH_THROUGH_FURTHER = 0.015, 0.45
PUNCH_THROUGH_SPREAD = 3.0
"""How much wider than a muon's scattering such hits lie. Chosen."""
ACCIDENTAL_HITS, ACCIDENTAL_WIDTH_CM = 0.06, 5.0
"""Hits of others in an average event in a field of interest that this width makes. Chosen."""
MIN_P_GEV, LOOSE_P_GEV, ALL_STATIONS_P_GEV = 3.0, 6.0, 10.0
"""Borders of the ranges of momentum in which the decisions ask for different stations."""


def scattering_cm(p_gev: Floats) -> Floats:
    """Return the spread in cm at each station from multiple scattering ``(n_tracks, 4)``.

    Highland's formula (PDG, *Passage of particles through matter*): ``theta0 = 13.6 MeV / p sqrt(x) (1
    + 0.038 ln x)`` over x radiation lengths, and ``theta0 length / sqrt(3)`` for the displacement. The
    momentum is the one half-way, less the energy lost.
    """
    p = np.maximum(p_gev[:, None] - RANGE_GEV / 2, 0.5)
    theta0 = 0.0136 / p * np.sqrt(LENGTHS_X0) * (1.0 + 0.038 * np.log(LENGTHS_X0))
    length_cm = 100.0 * (np.array(MUON_Z_M) - ECAL_Z_M)
    spread: Floats = theta0 * length_cm / np.sqrt(3.0)
    return spread


def expected_width_cm(paths: Paths, p_gev: Floats) -> Floats:
    """Return the spread expected of a muon at each station, pads included ``(n_tracks, 4)``."""
    radius = np.hypot(paths.x_at(MUON_Z_M[0]), paths.y_at(MUON_Z_M[0]))
    region = np.searchsorted(np.array(REGION_BORDERS_M), radius)
    width: Floats = np.hypot(scattering_cm(p_gev), np.array(PAD_CM)[region][:, None])
    return width


def stations_reached(particles: Particles, rng: np.random.Generator) -> Booleans:
    """Return which stations each particle gets to ``(n_tracks, 4)``.

    Muons by their range. Of hadrons now and then the shower does, more often at high momentum, and
    each further station filters it again.
    """
    n_tracks = len(particles.kind)
    straggled = particles.p_gev * (1.0 + RANGE_SPREAD * rng.standard_normal(n_tracks))
    by_range = (particles.kind == MUON)[:, None] & (straggled[:, None] > RANGE_GEV)
    comes_through = rng.random(n_tracks) < PUNCH_THROUGH * np.sqrt(particles.p_gev / 10.0)
    n_stations = rng.geometric(1.0 - PUNCH_THROUGH_FURTHER, n_tracks)
    n_stations = np.where(particles.is_hadron & comes_through, n_stations, 0)
    reached: Booleans = by_range | (np.arange(N_STATIONS) < n_stations[:, None])
    return reached


def draw_distances(
    particles: Particles, width_cm: Floats, occupancy: Floats, rng: np.random.Generator
) -> Floats:
    """Return the squared distance of the nearest hit, in squared expected widths ``(n_tracks, 4)``.

    Infinite where there is no hit within the field of interest.
    """
    shape = width_cm.shape
    is_hit = stations_reached(particles, rng) & (rng.random(shape) < HIT_EFFICIENCY)
    tail = np.where(rng.random(len(occupancy)) < TAIL_PART, TAIL_FACTOR, 1.0)
    scale = np.where(particles.kind == MUON, tail, PUNCH_THROUGH_SPREAD)
    # Two coordinates: half the squared distance is exponential.
    own = 2.0 * rng.standard_exponential(shape) * scale[:, None] ** 2
    number = rng.poisson(ACCIDENTAL_HITS * occupancy[:, None] * width_cm / ACCIDENTAL_WIDTH_CM)
    # The nearest of several hits that lie evenly over the area.
    nearest = FIELD_OF_INTEREST**2 * (1.0 - rng.random(shape) ** (1.0 / np.maximum(number, 1)))
    distance = np.minimum(np.where(is_hit, own, np.inf), np.where(number > 0, nearest, np.inf))
    return np.where(distance < FIELD_OF_INTEREST**2, distance, np.inf)


def is_muon(has_hit: Booleans, p_gev: Floats) -> Booleans:
    """Return LHCb's decision ``IsMuon``: M2 and M3, from 6 GeV also M4 or M5, from 10 GeV both."""
    m2, m3, m4, m5 = has_hit.T
    behind = np.where(p_gev < ALL_STATIONS_P_GEV, m4 | m5, m4 & m5)
    decision: Booleans = (p_gev > MIN_P_GEV) & m2 & m3 & ((p_gev < LOOSE_P_GEV) | behind)
    return decision


def is_muon_loose(has_hit: Booleans, p_gev: Floats) -> Booleans:
    """Return ``IsMuonLoose``: two of M2, M3, M4 below 6 GeV, three of the four stations above."""
    low = has_hit[:, :3].sum(axis=1) >= 2
    high = has_hit.sum(axis=1) >= 3
    decision: Booleans = (p_gev > MIN_P_GEV) & np.where(p_gev < LOOSE_P_GEV, low, high)
    return decision


def log_likelihood_muon(distance: Floats) -> Floats:
    """Return the logarithm of the probability that a muon is at least as far from its hits.

    Two coordinates a station, so the sum is chi2 distributed with an even number of degrees of
    freedom, and the probability a finite sum: ``exp(-x) (1 + x + x**2 / 2 + ...)``, x half the chi2.

    Examples
    --------
    >>> log_likelihood_muon(np.array([[2.0, np.inf, np.inf, np.inf]])).round(3)
    array([-1.])
    """
    has_hit = np.isfinite(distance)
    half = np.where(has_hit, distance, 0.0).sum(axis=1) / 2.0
    n_stations = has_hit.sum(axis=1)
    term, total = np.ones(len(half)), np.zeros(len(half))
    for station in range(N_STATIONS):
        total += np.where(station < n_stations, term, 0.0)
        term = term * half / (station + 1.0)
    # Without any hit the sum is empty; 1e-300 only keeps the logarithm finite there.
    logarithm: Floats = np.log(np.maximum(total, 1e-300)) - half
    return logarithm


def log_likelihood_background(distance: Floats) -> Floats:
    """Return the logarithm of the probability that accidental hits are at least as near.

    With n hits that lie evenly over the field of interest, ``u**n / n!`` for the sum u of the covered
    fractions of its area (at most 1).
    """
    has_hit = np.isfinite(distance)
    covered = np.where(has_hit, distance, 0.0).sum(axis=1) / FIELD_OF_INTEREST**2
    n_stations = has_hit.sum(axis=1)
    log_factorial = np.log(np.array([1.0, 1.0, 2.0, 6.0, 24.0]))[n_stations]
    logarithm: Floats = n_stations * np.log(np.maximum(covered, 1e-6)) - log_factorial
    return np.minimum(logarithm, 0.0)


def identify_muons(
    candidates: Candidates, acceptance: Acceptance, rng: np.random.Generator
) -> dict[str, NDArray[np.generic]]:
    """Return the columns of the muon stations; likelihoods are NaN unless the loose decision is yes."""
    width = expected_width_cm(candidates.paths, candidates.p_gev)
    distance = draw_distances(candidates.downstream, width, candidates.occupancy, rng)
    distance = np.where(acceptance.muon[:, None], distance, np.inf)
    has_hit = np.isfinite(distance)
    loose = is_muon_loose(has_hit, candidates.p_gev)
    return {
        "MuonFlag": is_muon(has_hit, candidates.p_gev),
        "MuonLooseFlag": loose,
        "MuonLLbeMuon": np.where(loose, log_likelihood_muon(distance), np.nan),
        "MuonLLbeBCK": np.where(loose, log_likelihood_background(distance), np.nan),
    }
