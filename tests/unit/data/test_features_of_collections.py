"""Jagged columns from files to features, selections, weights, splits and guards."""

from __future__ import annotations

from typing import Any

import awkward as ak
import numpy as np
import pytest
import uproot

from rapidity.config.data import Guards
from rapidity.config.preparation import Preparation
from rapidity.core.errors import ConfigError, DataError, MissingNameError
from rapidity.core.jagged import Jagged
from rapidity.data.features import FeatureSet, evaluate_feature, make_features
from rapidity.data.guards import run_guards
from rapidity.data.preparation import FittedPreparation, fit_preparation
from rapidity.data.split import TrainRows, split_events

N_EVENTS = 60
JETS = {"pt": "jet_pt", "eta": "jet_eta", "phi": "jet_phi", "mass": "jet_m"}
COLLECTIONS = {"jet_pt": "jets", "jet_eta": "jets", "jet_phi": "jets", "jet_m": "jets"}


@pytest.fixture
def jet_events() -> dict[str, Any]:
    """Return events with 0 to 4 jets, beside columns of one value an event."""
    rng = np.random.default_rng(8)
    counts = np.arange(N_EVENTS) % 5
    n_jets = int(counts.sum())
    values = {
        "jet_pt": rng.exponential(40.0, n_jets),
        "jet_eta": rng.normal(0.0, 2.0, n_jets),
        "jet_phi": rng.uniform(-np.pi, np.pi, n_jets),
        "jet_m": rng.exponential(5.0, n_jets),
    }
    jets = {name: ak.unflatten(column.astype(np.float32), counts) for name, column in values.items()}
    return {
        **jets,
        "jet_charge": ak.unflatten(rng.integers(-1, 2, n_jets).astype(np.int32), counts),
        "met": rng.exponential(20.0, N_EVENTS).astype(np.float32),
        "event": np.arange(N_EVENTS),
        "label": np.arange(N_EVENTS) // 5 % 2,
    }


@pytest.fixture
def write_root(tmp_path: Any, jet_events: dict[str, Any]) -> Any:
    """Return a writer of ROOT files of `jet_events` with some columns changed."""

    def write(name: str = "a.root", **changed: Any) -> dict[str, Any]:
        events = jet_events | changed
        with uproot.recreate(tmp_path / name) as file:
            file["events"] = {column: values for column, values in events.items() if values is not None}
        return {"path": name}

    return write


def make(texts: list[str], columns: Any = (), **objects: Any) -> FeatureSet:
    listed = make_features(texts, "inputs.event.columns", columns, objects or {"jets": JETS}, COLLECTIONS)
    return FeatureSet({"event": listed}, objects or {"jets": JETS}, COLLECTIONS)


def test_features_of_objects_are_read_chunk_by_chunk(
    write_root: Any, read: Any, jet_events: dict[str, Any], monkeypatch: Any
) -> None:
    monkeypatch.setattr("rapidity.data.column_types.MAX_ROWS", 7)
    texts = ["jet_pt[0]", "count(jet_pt > 30)", "m = mass(jets[0], jets[1])", "met / sum(jet_pt)"]
    table, features = read(
        [write_root()], texts, target="label", objects={"jets": JETS}, selection="count(jet_pt) >= 1"
    )
    kept = ak.num(jet_events["jet_pt"]) >= 1
    assert table.n_events == 48
    assert features.collections["jet_charge"] == "jets"
    assert table.columns["jet_pt"].dtype == np.float32
    assert table.columns["jet_pt"].offsets is table.columns["jet_m"].offsets
    assert "jet_charge" not in table.columns
    pt = jet_events["jet_pt"][kept]
    leading, n_hard, mass, ratio = (evaluate_feature(feature, table.columns) for feature in features.all)
    np.testing.assert_array_equal(leading, ak.firsts(pt).to_numpy())
    np.testing.assert_array_equal(n_hard, ak.sum(pt > 30, axis=1).to_numpy())
    np.testing.assert_array_equal(np.isnan(mass), ak.num(pt) < 2)
    expected = jet_events["met"][kept] / ak.sum(ak.values_astype(pt, np.float64), axis=1)
    np.testing.assert_allclose(ratio, expected.to_numpy(), rtol=1e-12)


def test_whole_numbers_of_objects_are_exact(write_root: Any, read: Any) -> None:
    table, _ = read([write_root()], ["sum(jet_charge)"], target="label")
    assert table.columns["jet_charge"].dtype == np.float64


def test_all_columns_leave_those_of_objects_out(write_root: Any, read: Any) -> None:
    _, features = read([write_root()], target="label")
    assert [feature.name for feature in features.all] == ["event", "met"]


def test_fixed_arrays_are_objects_as_well(tmp_path: Any, read: Any) -> None:
    rng = np.random.default_rng(2)
    events = {"lep_pt": rng.normal(size=(20, 2)).astype(np.float32), "lep_q": rng.integers(-1, 2, (20, 2))}
    with uproot.recreate(tmp_path / "a.root") as file:
        file.mktree("events", {"lep_pt": "2 * float32", "lep_q": "2 * int64", "label": "int64"}).extend(
            {**events, "label": np.arange(20) % 2}
        )
    texts = ["lep_pt[1]", "sum(lep_pt)", "max(lep_pt[lep_q > 0])"]
    table, features = read([{"path": "a.root"}], texts, target="label", selection="lep_pt[0] > -1")
    kept = events["lep_pt"][:, 0] > -1
    assert features.collections == {"lep_pt": "lep", "lep_q": "lep"}
    second, total, hardest = (evaluate_feature(feature, table.columns) for feature in features.all)
    np.testing.assert_array_equal(second, events["lep_pt"][kept, 1])
    np.testing.assert_allclose(total, events["lep_pt"][kept].sum(axis=1, dtype=np.float64), rtol=1e-6)
    assert np.isnan(hardest).tolist() == (events["lep_q"][kept] <= 0).all(axis=1).tolist()
    with pytest.raises(ConfigError, match=r"'lep_pt': has a value for each object of the collection 'lep'"):
        read([{"path": "a.root"}], ["lep_pt"], target="label")


def test_files_of_different_types_are_read_alike(write_root: Any, read: Any, jet_events: Any) -> None:
    other = write_root("b.root", jet_pt=ak.values_astype(jet_events["jet_pt"], np.float64))
    table, _ = read([write_root(), other], ["sum(jet_pt)"], target="label")
    assert table.columns["jet_pt"].dtype == np.float64
    assert len(table.columns["jet_pt"]) == 2 * N_EVENTS


def test_a_column_that_is_jagged_in_one_file_only_is_refused(write_root: Any, read: Any) -> None:
    plain = write_root("b.root", jet_pt=np.ones(N_EVENTS, np.float32))
    message = (
        r"column 'jet_pt' of .*b.root holds float32 values .* needs a varying number of numbers per event"
    )
    with pytest.raises(DataError, match=message):
        read([write_root(), plain], ["sum(jet_pt)"], target="label")


def test_counts_that_differ_are_refused_with_file_and_entry(
    write_root: Any, read: Any, jet_events: Any
) -> None:
    eta = jet_events["jet_eta"].to_list()
    eta[43].append(0.5)
    source = write_root(jet_eta=ak.values_astype(ak.Array(eta), np.float32))
    message = r"collection 'jets' of .*a.root, entry 43: 4 in 'jet_eta' but 3 in 'jet_phi'"
    with pytest.raises(DataError, match=message):
        read([source], ["min_delta_r(jets)"], target="label", objects={"jets": JETS})


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        (
            {"columns": ["jet_pt"]},
            r"inputs.event.columns, 'jet_pt': has a value for each object of .*'jet'.*\[0\]",
        ),
        ({"columns": ["jet_pt > 20"]}, r"'jet_pt > 20': has a value for each .*any, all or count"),
        ({"selection": "jet_pt > 20"}, r"data.selection 'jet_pt > 20': has a value for each object"),
        ({"event_weight": "jet_pt"}, r"data.event_weight 'jet_pt': has a value for each object"),
    ],
)
def test_one_value_an_event_is_asked_for(write_root: Any, read: Any, keys: Any, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        read([write_root()], target="label", **({"columns": ["met"]} | keys))


@pytest.mark.parametrize(
    ("texts", "keys", "message"),
    [
        (
            ["count(jet_ptt)"],
            {},
            r"column 'jet_ptt' \(inputs\.event, feature 'count\(jet_ptt\)'\) is not in",
        ),
        (["x = jet_ptt[0]"], {}, r"column 'jet_ptt' .* is not in .*\n  Closest: 'jet_pt'"),
        (
            ["met"],
            {"selection": "count(jet_ptt > 30) > 1"},
            r"column 'jet_ptt' \(data\.selection\) is not in",
        ),
        (["met"], {"event_weight": "sum(weights)"}, r"column 'weights' \(data\.event_weight\) is not in"),
        (
            ["kinematics(jets, 2)"],
            {"objects": {"jets": JETS | {"pt": "jet_ptt"}}},
            r"column 'jet_ptt' \(.*\) is not in .*\n  Closest: 'jet_pt'",
        ),
    ],
)
def test_a_column_that_is_not_there_is_named_before_its_use_is(
    write_root: Any, read: Any, texts: list[str], keys: Any, message: str
) -> None:
    """It was said that `jet_ptt` has one value an event already."""
    with pytest.raises(MissingNameError, match=message):
        read([write_root()], texts, target="label", **keys)


@pytest.mark.parametrize(
    ("keys", "purpose"),
    [
        ({"spectators": ["jet_pt"]}, "data.spectators"),
        ({"event_key": ["jet_pt"]}, "data.event_key"),
        ({"target": "jet_pt"}, "data.target"),
    ],
)
def test_roles_of_one_value_refuse_jagged_columns(
    write_root: Any, read: Any, keys: Any, purpose: str
) -> None:
    message = rf"column 'jet_pt' of .* holds jagged values .* but {purpose} needs a number"
    with pytest.raises(DataError, match=message):
        read([write_root()], ["met"], **({"target": "label"} | keys))


def test_selection_and_weight_may_use_objects(write_root: Any, read: Any, jet_events: Any) -> None:
    table, _ = read(
        [write_root()],
        ["met"],
        target="label",
        selection="any(jet_pt > 30)",
        event_weight="1 + count(jet_pt)",
    )
    kept = ak.any(jet_events["jet_pt"] > 30, axis=1).to_numpy()
    assert table.source_entry.tolist() == np.flatnonzero(kept).tolist()
    assert table.event_weight.tolist() == (1.0 + ak.num(jet_events["jet_pt"]).to_numpy()[kept]).tolist()


def test_events_are_split_by_an_expression_over_objects(write_root: Any, read: Any) -> None:
    config = Preparation.model_validate(
        {"split": {"by": "count(jet_pt)", "validation": [0], "test": [4]}}
    ).split
    table, features = read([write_root()], ["met"], split_columns=("jet_pt",), target="label")
    splits = split_events(table, config, {}, features.collections)
    assert splits.validation.rows.tolist() == list(range(0, N_EVENTS, 5))
    assert splits.test.rows.tolist() == list(range(4, N_EVENTS, 5))


def test_a_split_needs_one_value_an_event(write_root: Any, read: Any) -> None:
    table, features = read([write_root()], ["met"], split_columns=("jet_pt",), target="label")
    by_objects = Preparation.model_validate({"split": {"by": "jet_pt", "validation": [0], "test": [1]}}).split
    with pytest.raises(ConfigError, match=r"preparation.split.by 'jet_pt': has a value for each object"):
        split_events(table, by_objects, {}, features.collections)
    by_column = Preparation.model_validate({"split": {"column": "jet_pt"}}).split
    with pytest.raises(DataError, match=r"column 'jet_pt' \(preparation.split\) holds a varying number"):
        split_events(table, by_column, {}, features.collections)


def test_equal_events_are_dropped_only_if_all_objects_are(
    write_root: Any, read: Any, jet_events: Any
) -> None:
    twice = {
        name: ak.concatenate([values[:20], values[:20]]) if isinstance(values, ak.Array)
        else np.concatenate([values[:20], values[:20]])
        for name, values in jet_events.items()
    }  # fmt: skip
    changed = twice["jet_pt"].to_list()
    changed[39][3] += 1.0
    twice["jet_pt"] = ak.values_astype(ak.Array(changed), np.float32)
    table, _ = read([write_root(**twice)], ["sum(jet_pt)"], target="label", drop_duplicates=True)
    # Events without jets, four in each half, look alike but are not taken for the same.
    assert table.counts[0].n_kept == 8 + 16 + 1


def fit(make_table: Any, columns: Any, texts: list[str], **keys: Any) -> FittedPreparation:
    table = make_table(columns)
    train = TrainRows(table, np.arange(table.n_events))
    return fit_preparation(Preparation.model_validate(keys), make(texts, columns), train)


def jagged(*events: list[float]) -> Jagged:
    content = np.array([value for event in events for value in event], np.float32)
    return Jagged.from_counts(content, np.array([*map(len, events)]))


def test_missing_objects_are_an_error_that_says_so(make_table: Any) -> None:
    columns = {"jet_pt": jagged([50, 30], [20], [70, 10])}
    message = (
        r"'jet_pt\[1\]' is nan in 1 of 3 events, first in entry 1 of a.csv \(as where an event has no such "
        r"object\)(?s:.*)nan: missing"
    )
    with pytest.raises(DataError, match=message):
        fit(make_table, columns, ["jet_pt[1]"])


def test_missing_objects_are_filled_and_flagged(make_table: Any) -> None:
    columns = {"jet_pt": jagged([50, 30], [20], [70, 10])}
    missing = {"nan": "missing", "fill": "mean", "indicator": True}
    preparation = fit(make_table, columns, ["jet_pt[1]"], missing=missing, scale="none")
    assert preparation.apply(columns)["event"].tolist() == [[30, 0], [20, 1], [10, 0]]


def test_a_sentinel_of_an_object_is_missing_where_it_matters(make_table: Any) -> None:
    columns = {"jet_pt": jagged([50, 30], [40, -999], [-999, 10], [70])}
    texts = ["jet_pt[0]", "sum(jet_pt)", "max(jet_pt[jet_pt > 0])", "count(jet_pt > 20)", "any(jet_pt < 0)"]
    missing = {"sentinels": [-999], "fill": -5, "indicator": True}
    preparation = fit(make_table, columns, texts, missing=missing, scale="none")
    assert preparation.ranges == {"jet_pt": (10.0, 70.0)}
    prepared = preparation.apply(columns)["event"]
    names = preparation.feature_names("event")
    found = {name: prepared[:, index].tolist() for index, name in enumerate(names)}
    assert found == {
        "jet_pt[0]": [50, 40, -5, 70],
        "missing(jet_pt[0])": [0, 0, 1, 0],
        "sum(jet_pt)": [80, -5, -5, 70],
        "missing(sum(jet_pt))": [0, 1, 1, 0],
        "max(jet_pt[jet_pt > 0])": [50, 40, 10, 70],
        "count(jet_pt > 20)": [2, 1, 0, 1],
        # A condition may well look for the sentinel, so it sees it.
        "any(jet_pt < 0)": [0, 1, 1, 0],
    }


def test_preparation_does_not_depend_on_the_chunks(make_table: Any) -> None:
    rng = np.random.default_rng(3)
    counts = rng.integers(0, 6, 500)
    columns = {name: Jagged.from_counts(rng.normal(size=counts.sum()), counts) for name in COLLECTIONS}
    texts = ["min_delta_r(jets)", "jet_pt[-1]", "mean(jet_m)"]
    preparation = fit(make_table, columns, texts, missing={"nan": "missing", "indicator": True})
    whole = preparation.apply(columns)["event"]
    rows = rng.permutation(500)
    np.testing.assert_array_equal(preparation.apply(columns, rows, chunk_size=7)["event"], whole[rows])


def test_preparation_comes_back_exactly(make_table: Any) -> None:
    columns = {"jet_pt": jagged([50, 30], [20], [70, 10]), "met": np.array([1.0, 2.0, 4.0], np.float32)}
    preparation = fit(make_table, columns, ["sum(jet_pt)", "met"])
    assert preparation.collections == {"jet_pt": "jets"}
    again = FittedPreparation.from_dict(preparation.to_dict())
    assert again == preparation
    np.testing.assert_array_equal(again.apply(columns)["event"], preparation.apply(columns)["event"])


def test_preparation_of_an_earlier_format_is_read(make_table: Any) -> None:
    preparation = fit(make_table, {"met": np.array([1.0, 2.0, 4.0], np.float32)}, ["met"])
    stored = preparation.to_dict()
    del stored["collections"]
    assert FittedPreparation.from_dict({**stored, "format_version": 2}) == preparation


def test_guards_look_at_objects(make_table: Any) -> None:
    pt = [[50.0, -999.0], [20.0], [50.0, -999.0], [20.0], [31.0, -999.0], [8.0], [9.0, -999.0], [6.0], [5.0]]
    split = Preparation.model_validate({"split": {"train": 0.5, "validation": 0.5, "test": 0}}).split
    table = make_table(
        {"jet_pt": jagged(*pt, *pt, [1.0], [2.0])},
        class_index=[0] * 18 + [1, 1],
        fixed_split=np.array([*np.repeat([0, 1], 9), 0, 1], np.int8),
    )
    features = make(["sum(jet_pt)"], ["jet_pt"])
    listed = run_guards(split_events(table, split), features, Guards(duplicates="warn"))
    findings = {found.guard: found.message for found in listed}
    assert "'jet_pt' (-999 in 4 objects)" in findings["unstated_sentinel"]
    assert "18 of 20 events equal" in findings["duplicates"]
