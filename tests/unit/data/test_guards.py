"""Checks of the events before training."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from rapidity.config.data import Guards
from rapidity.config.preparation import Preparation
from rapidity.core.classes import ClassSet
from rapidity.core.errors import DataError
from rapidity.data.features import FeatureSet, make_features
from rapidity.data.guards import GUARDS, groups, run_guards, separating_feature
from rapidity.data.guards.separating_feature import class_aucs
from rapidity.data.guards.truth_like_name import looks_like_truth
from rapidity.data.split import SplitTable

MakeTable = Any


@pytest.fixture
def guard(make_table: MakeTable) -> Any:
    """Return `run_guards` on some columns, with all guards off but those given."""

    def run(
        columns: dict[str, Any], codes: Any, levels: dict[str, str], names: Any = None, **fields: Any
    ) -> Any:
        table = make_table(columns, **fields)
        features = FeatureSet({"event": make_features(names or tuple(columns), "event", columns, {})})
        off = dict.fromkeys(GUARDS, "off")
        return run_guards(
            SplitTable(table, np.asarray(codes, np.int8)), features, Guards.model_validate(off | levels)
        )

    return run


def test_equal_events_in_two_splits_are_found(guard: Any) -> None:
    columns = {"x": [1.0, 2.0, 1.0, 4.0], "y": [np.nan, 2.0, np.nan, 4.0]}
    expected = (
        r"duplicates: 2 of 4 events .*\(entry 0 of a.csv \(train\) and entry 2 of a.csv \(test\)\).*drop_dup"
    )
    with pytest.raises(DataError, match=expected):
        guard(columns, [0, 0, 2, 1], {"duplicates": "error"})
    assert guard(columns, [0, 0, 0, 1], {"duplicates": "error"}) == []


def test_equal_events_of_two_classes_are_no_leak(guard: Any) -> None:
    assert guard({"x": [1.0, 1.0]}, [0, 2], {"duplicates": "error"}, class_index=np.array([0, 1])) == []


def test_warning_does_not_stop(guard: Any) -> None:
    columns = {"x": [1.0, 2.0, 1.0, 4.0]}
    (finding,) = guard(columns, [0, 0, 2, 1], {"duplicates": "warn"})
    assert (finding.guard, finding.level) == ("duplicates", "warn")
    assert guard(columns, [0, 0, 2, 1], {}) == []


def test_feature_that_separates_is_found_even_by_being_missing(guard: Any, rng: np.random.Generator) -> None:
    classes = np.arange(300) % 3
    columns = {
        "good": rng.normal(size=300) + classes,
        "low": np.where(classes == 0, -1.0, rng.random(300)),
        "nan": np.where(classes == 2, np.nan, rng.random(300)),
    }
    fields = {"class_index": classes, "classes": ClassSet(("a", "b", "c"))}
    expected = (
        r"separating_feature: 'low' \(AUC 0.00000 for class a\), 'nan' \(AUC 1.00000 for class c\) alone"
    )
    with pytest.raises(DataError, match=expected):
        guard(columns, np.zeros(300), {"separating_feature": "error"}, **fields)


def test_large_classes_are_sampled_and_that_is_said(
    guard: Any, rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(separating_feature, "MAX_EVENTS_OF_CLASS", 50)
    classes = (np.arange(400) % 4 == 0).astype(np.int64)
    columns = {"x": classes + 0.1 * rng.random(400)}
    with pytest.raises(DataError, match="from 100 of 400 events"):
        guard(columns, np.zeros(400), {"separating_feature": "error"}, class_index=classes)


def test_auc_counts_ties_half_and_takes_weights() -> None:
    values, classes = np.array([0.0, 1.0, 1.0, 2.0]), np.array([0, 0, 1, 1])
    assert class_aucs(values, classes, np.ones(2)).tolist() == [0.125, 0.875]
    doubled = class_aucs(np.append(values, [0.0, 1.0]), np.append(classes, [0, 0]), np.ones(2))
    np.testing.assert_allclose(class_aucs(values, classes, np.array([2.0, 1.0])), doubled)
    assert class_aucs(values, np.zeros(4, np.int64), np.ones(2)).tolist() == [0.5, 0.5]


@pytest.mark.parametrize(
    "name",
    [
        "truth_pt",
        "isTrue",
        "mc_channel",
        "mcWeight",
        "MCweight",
        "EvtWeight",
        "gen_pt",
        "GenPart_pt",
        "pdgId",
        "lep_pdg",
        "Label",
        "is_signal",
        "isSignal",
        "issignal",
        "jet_isB",
        "isUDS",
        "hadronFlavour",
        "class",
        "evttruth",
    ],
)
def test_names_like_truth(name: str) -> None:
    assert looks_like_truth(name)


@pytest.mark.parametrize(
    "name",
    [
        "DER_mass_MMC",
        "PRI_jet_num",
        "is_isolated",
        "isTight",
        "generic_tag",
        "agent",
        "weighted_width",
        "pt_weighted_eta",
        "classifier_score",
        "TrackP",
        "RICH_DLLbeKaon",
        "FlagMuon",
        "dEdxTPC",
        "NclusterPIDTPC",
        "jet_btag",
        "lepton_flavour == 13",
        "signal_to_noise",
        "GhostProbability",
        "mt",
        "x1",
    ],
)
def test_names_unlike_truth(name: str) -> None:
    assert not looks_like_truth(name)


def test_truth_inside_an_expression_is_found(guard: Any) -> None:
    columns = {"gen_pt": [1.0, 2.0], "x": [1.0, 2.0]}
    (finding,) = guard(columns, [0, 1], {"truth_like_name": "warn"}, names=("response = x / gen_pt",))
    assert "'gen_pt' among the features" in finding.message


def test_constant_feature_is_found(guard: Any) -> None:
    columns = {"x": [1.0, 2.0], "same": [3.5, 3.5], "nan": [np.nan, np.nan], "half": [np.nan, 1.0]}
    (finding,) = guard(columns, [0, 1], {"constant_feature": "warn"})
    assert "'same' (always 3.5), 'nan' (always nan) never changes over 2 events" in finding.message


def test_repeated_key_across_splits_is_the_error(guard: Any) -> None:
    fields = {"event_key": ("run", "event"), "sample": np.array([0, 0, 0, 1])}
    columns = {"x": [1.0, 2.0, 3.0, 4.0], "run": [1, 1, 1, 1], "event": [7, 8, 7, 8]}
    levels = {"repeated_event": "error"}
    expected = (
        r"repeated_event: 2 of 4 events have the same key \(run, event\).*entry 0 .*train.*entry 2 .*test"
    )
    with pytest.raises(DataError, match=expected):
        guard(columns, [0, 0, 2, 1], levels, names=("x",), **fields)
    (finding,) = guard(columns, [0, 0, 0, 1], levels, names=("x",), **fields)
    assert finding.level == "warn"
    assert "is not unique: 2 of 4 events" in finding.message
    assert guard(columns, [0, 0, 2, 1], {}, names=("x",), **fields) == []


def test_all_errors_are_reported_together(guard: Any) -> None:
    columns = {"x": [1.0, 1.0, 1.0, 1.0], "truth": [0.0, 1.0, 0.0, 1.0]}
    levels = {"duplicates": "error", "separating_feature": "error", "constant_feature": "error"}
    with pytest.raises(
        DataError, match=r"(?s)3 problems found.*constant_feature: .*separating_feature: .*duplicates: "
    ):
        guard(columns, [0, 0, 1, 2], levels)


def test_finding_is_plain_for_json(guard: Any) -> None:
    (finding,) = guard({"x": [1.0, 1.0]}, [0, 1], {"constant_feature": "warn"})
    assert finding.to_dict().keys() == {"guard", "level", "message"}


def test_sentinel_that_nobody_stated_is_found(guard: Any) -> None:
    columns = {"pt": np.array([31.5, -999.0, 40.25, 27.0, -999.0, 55.5, 38.0, 61.0], dtype=np.float32)}
    (finding,) = guard(columns, [0] * 8, {"unstated_sentinel": "warn"})
    assert "'pt' (-999 in 2 events)" in finding.message


def test_sentinel_that_is_stated_is_fine(make_table: MakeTable) -> None:
    columns = {"pt": np.array([31.5, -999.9, 40.25, 27.0, -999.9, 55.5, 38.0, 61.0], dtype=np.float32)}
    table = make_table(columns)
    features = FeatureSet({"event": make_features(("pt", "pt > 0"), "event", columns, {})})
    preparation = Preparation.model_validate({"missing": {"sentinels": [-999.9]}})
    splits = SplitTable(table, np.zeros(8, np.int8))
    assert run_guards(splits, features, Guards(constant_feature="off"), preparation) == []


def test_many_events_are_grouped_part_by_part(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(1)
    distinct = rng.integers(0, 2**64, 4000, dtype=np.uint64)
    hashes = np.concatenate([distinct, distinct[:30], distinct[5:7]])
    codes = rng.integers(0, 3, len(hashes)).astype(np.int8)
    whole = groups.find_shared_groups(hashes, codes)
    assert whole.n_repeated == 62
    monkeypatch.setattr(groups, "EVENTS_ORDERED_AT_ONCE", 100)
    assert groups.find_shared_groups(hashes, codes) == whole


def test_equal_events_of_other_targets_are_no_leak(guard: Any) -> None:
    columns, energy = {"x": [1.0, 1.0]}, {"energy": np.array([5.0, 6.0])}
    levels, same = {"duplicates": "error"}, {"class_index": [0, 0]}
    assert guard(columns, [0, 2], levels, targets=energy, **same) == []
    message = r"2 of 2 events equal, in class, in the targets and in the only column of"
    with pytest.raises(DataError, match=message):
        guard(columns, [0, 2], levels, targets={"energy": np.array([5.0, 5.0])}, **same)
