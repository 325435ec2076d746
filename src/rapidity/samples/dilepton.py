"""Events with two charged leptons: selection, and the 26 features."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from rapidity.samples.detector.jets import MAX_ETA, MIN_PT_GEV, cluster_jets, overlaps_lepton, smear_jets
from rapidity.samples.detector.leptons import reconstruct_leptons
from rapidity.samples.detector.missing_momentum import VISIBLE_MAX_ETA, measure_missing_momentum
from rapidity.samples.particles import COMPONENTS, opening_angle, pair_mass

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from rapidity.samples.detector.leptons import Leptons
    from rapidity.samples.particles import FourVectors, Particles

    Floats = NDArray[np.float64]

MISSING = -999.0
NEUTRINOS = (12, 14, 16)
LEADING_MIN_PT_GEV = 20.0
MIN_PAIR_MASS_GEV = 12.0


def _four_vector(name: str) -> dict[str, str]:
    return {f"{name}_{component}": "GeV" for component in COMPONENTS}


COLUMNS = {
    **_four_vector("lepton0"),
    **_four_vector("lepton1"),
    **_four_vector("jet0"),
    **_four_vector("jet1"),
    "Njets": "",
    "HT_all": "GeV",
    "MissingEnergy": "GeV",
    "lepton0_mass": "GeV",
    "lepton1_mass": "GeV",
    "jet0_mass": "GeV",
    "jet1_mass": "GeV",
    "combined_leptons_mass": "GeV",
    "angle_between_jets": "rad",
    "angle_between_leptons": "rad",
}
"""Feature -> unit, in the order of the file."""


def reconstruct_dilepton_events(
    particles: Particles, rng: np.random.Generator
) -> tuple[Floats, NDArray[np.int64]]:
    """Return the features ``(n_selected, 26)`` and the indices of the selected events.

    Exactly two identified leptons above 10 GeV, of opposite charge, the leading one above 20 GeV,
    and a mass of the pair above 12 GeV: the common beginning of the H -> WW analyses, with the
    lepton thresholds of CMS in arXiv:1312.1129. Their further cuts (missing momentum, momentum of
    the pair, Z mass, b jets) are left to whoever uses the sample.
    """
    is_visible = ~np.isin(np.abs(particles.pdg_id), NEUTRINOS)
    is_visible &= np.abs(particles.eta) < VISIBLE_MAX_ETA
    visible = particles.take(is_visible)
    leptons, is_used = reconstruct_leptons(visible, rng)
    is_selected = select_events(leptons)
    pair = leptons.keep_events(is_selected)
    others = visible.take(~is_used).keep_events(is_selected)

    true_jets = cluster_jets(others)
    is_jet = (np.abs(true_jets.eta) < MAX_ETA) & ~overlaps_lepton(true_jets, pair)
    true_jets = true_jets.take(is_jet)
    jets = smear_jets(true_jets, rng)
    missing_x, missing_y = measure_missing_momentum(others, pair, true_jets, jets, rng)
    hard_jets = jets.take(jets.pt > MIN_PT_GEV)
    features = compute_features(pair, hard_jets, np.hypot(missing_x, missing_y))
    return features, np.flatnonzero(is_selected)


def select_events(leptons: Leptons) -> NDArray[np.bool_]:
    """Return which events pass the selection on their leptons ``(n_events,)``."""
    selected = leptons.counts == 2
    is_pair = selected[leptons.event]
    first, second = (np.flatnonzero(is_pair)[start::2] for start in (0, 1))
    passes = (
        (leptons.charge[first] == -leptons.charge[second])
        & (np.maximum(leptons.pt[first], leptons.pt[second]) > LEADING_MIN_PT_GEV)
        & (pair_mass(leptons, first, second) > MIN_PAIR_MASS_GEV)
    )
    result = np.zeros(leptons.n_events, dtype=bool)
    result[leptons.event[first[passes]]] = True
    return result


def compute_features(leptons: Leptons, jets: FourVectors, missing_momentum: Floats) -> Floats:
    """Return the features ``(n_events, 26)`` of events with exactly two leptons each."""
    order = np.lexsort((-leptons.pt, leptons.event))
    first, second = order[0::2], order[1::2]
    jet_rows = _leading_rows(jets, n_leading=2)
    columns: dict[str, Floats] = {}
    for name, rows in (("lepton0", first), ("lepton1", second)):
        for component in COMPONENTS:
            columns[f"{name}_{component}"] = getattr(leptons, component)[rows]
        columns[f"{name}_mass"] = leptons.mass_gev[rows]
    for name, rows in (("jet0", jet_rows[0]), ("jet1", jet_rows[1])):
        for component in (*COMPONENTS, "mass"):
            columns[f"{name}_{component}"] = _take_or_missing(getattr(jets, component), rows)
    columns["Njets"] = jets.counts.astype(np.float64)
    columns["HT_all"] = leptons.sum_by_event(leptons.pt) + jets.sum_by_event(jets.pt)
    columns["MissingEnergy"] = missing_momentum
    columns["combined_leptons_mass"] = pair_mass(leptons, first, second)
    columns["angle_between_leptons"] = opening_angle(leptons, first, second)
    both = jet_rows[1] >= 0
    angle = np.full(jets.n_events, MISSING)
    angle[both] = opening_angle(jets, jet_rows[0][both], jet_rows[1][both])
    columns["angle_between_jets"] = angle
    return np.stack([columns[name] for name in COLUMNS], axis=1)


def _leading_rows(jets: FourVectors, n_leading: int) -> list[NDArray[np.int64]]:
    """Return, for the hardest, second hardest, ... jet of each event, its row, or -1 if there is none."""
    order = np.lexsort((-jets.pt, jets.event))
    result = []
    for rank in range(n_leading):
        has_jet = jets.counts > rank
        rows = np.full(jets.n_events, -1, dtype=np.int64)
        rows[has_jet] = order[jets.offsets[:-1][has_jet] + rank]
        result.append(rows)
    return result


def _take_or_missing(values: Floats, rows: NDArray[np.int64]) -> Floats:
    result = np.full(len(rows), MISSING)
    result[rows >= 0] = values[rows[rows >= 0]]
    return result
