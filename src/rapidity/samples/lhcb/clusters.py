"""Clusters of the ECAL beside the track: how well they match, how deep they are, radiated photons.

Sizes of cells: LHCb, JINST 3 (2008) S08005; what is matched: Int. J. Mod. Phys. A 30 (2015) 1530022,
arXiv:1412.6352.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from rapidity.samples.lhcb.geometry import cell_size_mm

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from rapidity.samples.lhcb.calorimeter import Deposits
    from rapidity.samples.lhcb.candidates import Candidates
    from rapidity.samples.lhcb.geometry import Acceptance

    Floats = NDArray[np.float64]
    Booleans = NDArray[np.bool_]

# Position of a cluster relative to the width of a cell. Chosen: an electromagnetic shower of 10 GeV is
# located to 2 mm in the inner section; a hadronic one is an interaction length wide.
PHOTON_SPREAD, HADRON_SPREAD, EXPECTED_SPREAD = 0.08, 0.35, 0.10
TRACK_ERROR_MM = 3.0
MAX_CHI2_2D = 1000.0
"""Clusters further off are not the track's; chosen."""
NEIGHBOUR_CHI2 = 300.0
"""Mean chi2 of the nearest other cluster in an average event; chosen."""

MIN_PHOTON_ET_GEV = 0.075
"""Of a radiated photon that is looked for; chosen."""
PHOTON_FOUND, PHOTON_BY_ACCIDENT = 0.85, 0.05
"""How often such a photon is found, and how often there is one of another track. Chosen."""
MAX_BREM_CHI2 = 25.0
EXPECTED_PHOTON_RATE = 0.50
"""Part of the electrons with a photon: what the likelihood assumes; that of the sample, rounded."""


def match_clusters(
    candidates: Candidates, deposits: Deposits, acceptance: Acceptance, rng: np.random.Generator
) -> dict[str, Floats]:
    """Return ``Calo2dFitQuality``, ``Calo3dFitQuality``, ``EcalShowerLongitudinalParameter``.

    NaN where no cluster is near: an ionising particle often makes none, and the nearest of a neighbour
    takes its place in two dimensions.
    """
    n_tracks = len(candidates.p_gev)
    cell = cell_size_mm(candidates.paths)
    spread = np.where(deposits.is_electromagnetic, PHOTON_SPREAD, HADRON_SPREAD)
    # A neighbour draws the cluster away from the track, by up to a cell.
    pull = deposits.neighbour_fraction * rng.uniform(0.0, 1.0, n_tracks)
    width = np.hypot(spread * cell, TRACK_ERROR_MM)
    along = width * rng.standard_normal(n_tracks) + pull * cell * rng.choice([-1.0, 1.0], n_tracks)
    across = width * rng.standard_normal(n_tracks)
    expected = np.hypot(EXPECTED_SPREAD * cell, TRACK_ERROR_MM)
    chi2_own = (along**2 + across**2) / expected**2
    chi2_other = NEIGHBOUR_CHI2 / candidates.occupancy * rng.standard_exponential(n_tracks)
    has_cluster = acceptance.ecal & (deposits.ecal_gev > 0)
    chi2 = np.where(has_cluster, np.minimum(chi2_own, chi2_other), chi2_other)
    chi2 = np.where(acceptance.ecal & (chi2 < MAX_CHI2_2D), chi2, np.nan)
    # Where the line of flight meets the cluster: an offset along it becomes a depth.
    depth = deposits.depth_mm + along / np.maximum(candidates.paths.slope_behind, 0.01)
    return {
        "Calo2dFitQuality": chi2,
        "Calo3dFitQuality": np.where(
            has_cluster, chi2_own + _energy_chi2(candidates.p_gev, deposits), np.nan
        ),
        "EcalShowerLongitudinalParameter": np.where(has_cluster, depth, np.nan),
    }


def _energy_chi2(p_gev: Floats, deposits: Deposits) -> Floats:
    """Return how far the energy is from the momentum of an electron, in squared standard deviations."""
    energy = deposits.ecal_gev
    resolution = np.sqrt(0.10**2 * energy + (0.015 * energy) ** 2 + 0.1**2 + (0.006 * p_gev) ** 2)
    return ((energy - p_gev) / resolution) ** 2


def find_radiated_photons(
    candidates: Candidates, acceptance: Acceptance, rng: np.random.Generator
) -> dict[str, Floats]:
    """Return ``BremDLLbeElectron``: whether a photon lies where one radiated before the magnet would.

    The difference of the likelihoods of what was found: a photon and its chi2 (two degrees of freedom
    for one of the track, evenly spread up to 25 for one of another), or none.
    """
    n_tracks = len(candidates.p_gev)
    sine = candidates.paths.slope / np.sqrt(1.0 + candidates.paths.slope**2)
    is_radiated = candidates.photon_gev * sine > MIN_PHOTON_ET_GEV
    is_found = is_radiated & (rng.random(n_tracks) < PHOTON_FOUND)
    is_other = rng.random(n_tracks) < 1.0 - np.exp(-PHOTON_BY_ACCIDENT * candidates.occupancy)
    # Radiation in several places blurs the direction a little: 1.3 instead of 1.
    own = np.where(is_found, 2.0 * 1.3 * rng.standard_exponential(n_tracks), np.inf)
    other = np.where(is_other, MAX_BREM_CHI2 * rng.random(n_tracks), np.inf)
    chi2 = np.minimum(own, other)
    is_there = chi2 < MAX_BREM_CHI2
    near = np.where(is_there, chi2, 0.0)
    of_electron = EXPECTED_PHOTON_RATE * np.exp(-near / 2) / 2 + PHOTON_BY_ACCIDENT / MAX_BREM_CHI2
    with_photon = np.log(of_electron / (PHOTON_BY_ACCIDENT / MAX_BREM_CHI2))
    without = np.log((1.0 - EXPECTED_PHOTON_RATE) / (1.0 - PHOTON_BY_ACCIDENT))
    difference = np.where(is_there, with_photon, without)
    return {"BremDLLbeElectron": np.where(acceptance.brem, difference, np.nan)}
