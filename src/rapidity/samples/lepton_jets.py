"""Events with one charged lepton and jets: selection, and the columns of the ntuple."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from rapidity.core.jagged import Jagged
from rapidity.physics.kinematics import azimuth
from rapidity.samples.detector.flavour_tagging import (
    BOTTOM,
    CHARM,
    draw_scores,
    find_flavours,
    pass_working_points,
)
from rapidity.samples.detector.jets import MAX_ETA, cluster_jets, overlaps_lepton, smear_jets
from rapidity.samples.detector.leptons import reconstruct_leptons
from rapidity.samples.detector.missing_momentum import VISIBLE_MAX_ETA, measure_missing_momentum
from rapidity.samples.sample import SampleColumn
from rapidity.samples.top_pairs import OTHER, find_origins, find_top_pairs

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from rapidity.samples.detector.leptons import Leptons
    from rapidity.samples.particles import FourVectors, Record
    from rapidity.samples.sample import EventColumns
    from rapidity.samples.top_pairs import TopPairs

    Floats = NDArray[np.float64]
    Integers = NDArray[np.int64]

MISSING = -999.0
NEUTRINOS = (12, 14, 16)
LEPTON_MIN_PT_GEV = 27.0
JET_MIN_PT_GEV = 25.0
JET_MAX_ETA = 2.5
TAGGED = 2
"""Working points that a b-tagged jet passes: 85 and 77 %."""
EXTRA_JET_MIN_PT_GEV = 15.0
"""Of true jets, which additional b and c jets are counted among."""

_KINEMATICS = {"pt": "GeV", "eta": "", "phi": "rad", "mass": "GeV"}
TRUTH = ("higgs", "leptonic_top", "hadronic_top", "neutrino")


def _objects(collection: str, units: dict[str, str], codes: Sequence[str]) -> dict[str, SampleColumn]:
    """Return the columns of a collection: numbers with units, then integers."""
    numbers = {
        f"{collection}_{name}": SampleColumn(unit, "float32", collection) for name, unit in units.items()
    }
    return numbers | {f"{collection}_{name}": SampleColumn("", "int32", collection) for name in codes}


COLUMNS = {
    "met_pt": SampleColumn("GeV", "float32"),
    "met_phi": SampleColumn("rad", "float32"),
    **_objects("jet", {**_KINEMATICS, "btag": ""}, ("btag_points", "truth_flavour", "truth_origin")),
    **_objects("lepton", _KINEMATICS, ("charge", "flavour")),
    "truth_extra_b": SampleColumn("", "int32"),
    "truth_extra_c": SampleColumn("", "int32"),
    **{
        f"truth_{particle}_{name}": SampleColumn(unit, "float32")
        for particle in TRUTH
        for name, unit in _KINEMATICS.items()
    },
}
"""Column -> what is written, in the order of the file."""


def reconstruct_lepton_jets_events(
    record: Record, rng: np.random.Generator, *, min_jets: int, min_b_jets: int
) -> tuple[EventColumns, Integers]:
    """Return the columns of the selected events, and their indices among the events given.

    Exactly one identified lepton above 10 GeV, which has 27 GeV or more; `min_jets` jets above 25 GeV within
    2.5 in pseudorapidity, `min_b_jets` of them tagged at the working point of 77 %: the thresholds of ATLAS,
    Phys. Rev. D 97 (2018) 072016, arXiv:1712.08895. The random numbers are drawn before jets are counted,
    so that the events of a tighter selection are among those of a looser one.
    """
    stable = record.stable
    is_visible = ~np.isin(np.abs(stable.pdg_id), NEUTRINOS) & (np.abs(stable.eta) < VISIBLE_MAX_ETA)
    visible = stable.take(is_visible)
    leptons, is_used = reconstruct_leptons(visible, rng)
    has_lepton = select_leptons(leptons)
    lepton = leptons.keep_events(has_lepton)
    others = visible.take(~is_used).keep_events(has_lepton)
    truth = find_top_pairs(record).keep_events(has_lepton)
    decayed = record.take(record.status < 0).keep_events(has_lepton)

    true_jets = cluster_jets(others)
    is_jet = (np.abs(true_jets.eta) < MAX_ETA) & ~overlaps_lepton(true_jets, lepton)
    true_jets = true_jets.take(is_jet)
    jets = smear_jets(true_jets, rng)
    missing_x, missing_y = measure_missing_momentum(others, lepton, true_jets, jets, rng)
    flavour, origin = find_flavours(true_jets, decayed), find_origins(true_jets, truth.quarks)
    rows = _order(jets, (jets.pt > JET_MIN_PT_GEV) & (np.abs(jets.eta) < JET_MAX_ETA))
    hard = jets.take(rows)
    score = draw_scores(flavour[rows], hard.pt, rng)

    points = pass_working_points(score)
    n_tagged = np.bincount(hard.event[points >= TAGGED], minlength=hard.n_events)
    is_kept = (hard.counts >= min_jets) & (n_tagged >= min_b_jets)
    columns: EventColumns = {
        "met_pt": np.hypot(missing_x, missing_y),
        "met_phi": azimuth(missing_x, missing_y),
        **_describe_jets(hard, score, points, flavour[rows], origin[rows]),
        **_describe_leptons(lepton),
        **_count_extra_jets(true_jets, flavour, origin),
        **_describe_truth(truth),
    }
    kept = np.flatnonzero(is_kept)
    return {name: columns[name][kept] for name in COLUMNS}, np.flatnonzero(has_lepton)[kept]


def select_leptons(leptons: Leptons) -> NDArray[np.bool_]:
    """Return which events have exactly one lepton, of 27 GeV or more ``(n_events,)``."""
    n_hard = np.bincount(leptons.event[leptons.pt > LEPTON_MIN_PT_GEV], minlength=leptons.n_events)
    result: NDArray[np.bool_] = (leptons.counts == 1) & (n_hard == 1)
    return result


def _order(jets: FourVectors, is_wanted: NDArray[np.bool_]) -> Integers:
    """Return the wanted rows event by event, the hardest jet first."""
    rows = np.flatnonzero(is_wanted)
    return rows[np.lexsort((-jets.pt[rows], jets.event[rows]))]


def _describe_jets(
    jets: FourVectors, score: Floats, points: Integers, flavour: Integers, origin: Integers
) -> EventColumns:
    values = {
        "pt": jets.pt,
        "eta": jets.eta,
        "phi": jets.phi,
        "mass": jets.mass,
        "btag": score,
        "btag_points": points,
        "truth_flavour": flavour,
        "truth_origin": origin,
    }
    return {f"jet_{name}": Jagged(column, jets.offsets) for name, column in values.items()}


def _describe_leptons(leptons: Leptons) -> EventColumns:
    values = {
        "pt": leptons.pt,
        "eta": leptons.eta,
        "phi": leptons.phi,
        "mass": leptons.mass_gev,
        "charge": leptons.charge,
        "flavour": leptons.flavour,
    }
    return {f"lepton_{name}": Jagged(column, leptons.offsets) for name, column in values.items()}


def _count_extra_jets(true_jets: FourVectors, flavour: Integers, origin: Integers) -> EventColumns:
    """Return how many true b and c jets of each event come from no top quark, W or Higgs boson."""
    is_inside = (true_jets.pt > EXTRA_JET_MIN_PT_GEV) & (np.abs(true_jets.eta) < JET_MAX_ETA)
    is_extra = is_inside & (origin == OTHER)
    return {
        f"truth_extra_{name}": np.bincount(
            true_jets.event[is_extra & (flavour == quark)], minlength=true_jets.n_events
        )
        for name, quark in (("b", BOTTOM), ("c", CHARM))
    }


def _describe_truth(truth: TopPairs) -> EventColumns:
    """Return the momenta of the heavy particles and of the neutrino; -999 in events without one."""
    columns: EventColumns = {}
    for particle in TRUTH:
        vectors = truth.particles[particle]
        for name in _KINEMATICS:
            values = np.full(vectors.n_events, MISSING)
            values[vectors.event] = getattr(vectors, name)
            columns[f"truth_{particle}_{name}"] = values
    return columns
