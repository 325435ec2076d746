"""From the classes of some tracks to their 49 columns."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from rapidity.samples.lhcb.calorimeter import deposit_energy
from rapidity.samples.lhcb.calorimeter_likelihood import likelihood_differences
from rapidity.samples.lhcb.candidates import Candidates, draw_candidates
from rapidity.samples.lhcb.clusters import find_radiated_photons, match_clusters
from rapidity.samples.lhcb.columns import finish_columns
from rapidity.samples.lhcb.combination import combine
from rapidity.samples.lhcb.geometry import ECAL_Z_M, Acceptance, find_acceptance
from rapidity.samples.lhcb.ghost_probability import ghost_probability
from rapidity.samples.lhcb.muon import identify_muons
from rapidity.samples.lhcb.rich import identify
from rapidity.samples.lhcb.tracking import distance_to_axis, is_in_inner_tracker

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    Columns = dict[str, NDArray[np.generic]]

MEV = 1000.0
NOISE = 1e-5
"""Of calorimeter energies in MeV and likelihoods: the public file has such digits where a calorimeter saw
nothing, and around the few values that a histogram gives."""


def simulate_tracks(
    class_index: NDArray[np.int64], rng: np.random.Generator
) -> dict[str, NDArray[np.float64]]:
    """Return the columns of one track for each entry of `class_index`, in the order of the file.

    Parameters
    ----------
    class_index
        Index into `rapidity.samples.lhcb.columns.CLASSES` ``(n_tracks,)``.

    Returns
    -------
    Column name -> float64 ``(n_tracks,)``, with -999 where a detector gave nothing.
    """
    candidates = draw_candidates(class_index, rng)
    acceptance = find_acceptance(candidates.paths)
    columns: Columns = {
        **_track_columns(candidates, rng),
        **_flags(acceptance),
        **identify(candidates, acceptance, rng),
        **_calorimeter_columns(candidates, acceptance, rng),
        **_all_with_noise(find_radiated_photons(candidates, acceptance, rng), rng),
        **identify_muons(candidates, acceptance, rng),
    }
    return finish_columns({**columns, **combine(columns)})


def _track_columns(candidates: Candidates, rng: np.random.Generator) -> Columns:
    fit, paths = candidates.fit, candidates.paths
    return {
        "TrackP": candidates.p_gev * MEV,
        "TrackPt": candidates.pt_gev * MEV,
        "TrackNDoFSubdetector1": fit.ndof_velo,
        "TrackNDoFSubdetector2": fit.ndof_t,
        "TrackQualitySubdetector1": fit.chi2_velo,
        "TrackQualitySubdetector2": fit.chi2_t,
        "TrackNDoF": fit.ndof,
        "TrackQualityPerNDoF": fit.chi2_per_ndof,
        "TrackDistanceToZ": distance_to_axis(paths, candidates.impact_mm, candidates.pt_gev, rng),
        "GhostProbability": ghost_probability(fit, candidates.p_gev, is_in_inner_tracker(paths)),
    }


def _flags(acceptance: Acceptance) -> Columns:
    return {
        "FlagSpd": acceptance.preshower,
        "FlagPrs": acceptance.preshower,
        "FlagEcal": acceptance.ecal,
        "FlagHcal": acceptance.hcal,
        "FlagBrem": acceptance.brem,
        "FlagRICH1": acceptance.rich1,
        "FlagRICH2": acceptance.rich2,
        "FlagMuon": acceptance.muon,
    }


def _calorimeter_columns(candidates: Candidates, acceptance: Acceptance, rng: np.random.Generator) -> Columns:
    paths = candidates.paths
    tangent = np.hypot(paths.x_at(ECAL_Z_M), paths.y_at(ECAL_Z_M)) / ECAL_Z_M
    sine = np.maximum(tangent / np.sqrt(1.0 + tangent**2), 0.01)
    deposits = deposit_energy(candidates.downstream, sine, candidates.occupancy, rng)
    columns: Columns = {
        "SpdE": deposits.spd_mev,
        "PrsE": _with_noise(deposits.preshower_mev, rng),
        "EcalE": _with_noise(deposits.ecal_gev * MEV, rng),
        # Beside the HCAL it measures nothing, as for the track of the public file that misses it.
        "HcalE": _with_noise(np.where(acceptance.hcal, deposits.hcal_gev, 0.0) * MEV, rng),
        **_all_with_noise(likelihood_differences(deposits, candidates.p_gev), rng),
    }
    is_seen = {
        name: acceptance.preshower if name.startswith(("Spd", "Prs")) else acceptance.ecal for name in columns
    }
    seen = {name: np.where(is_seen[name], values, np.nan) for name, values in columns.items()}
    return {**seen, **match_clusters(candidates, deposits, acceptance, rng)}


def _with_noise(values: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.float64]:
    return values + NOISE * rng.standard_normal(len(values))


def _all_with_noise(columns: Mapping[str, NDArray[np.float64]], rng: np.random.Generator) -> Columns:
    return {name: _with_noise(values, rng) for name, values in columns.items()}
