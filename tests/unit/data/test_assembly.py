"""Reading sources into one table."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from rapidity.core.errors import ConfigError, DataError, MissingNameError
from rapidity.data import column_types

Read = Any


@pytest.fixture
def two_sources(write_csv: Any) -> list[dict[str, Any]]:
    write_csv("signal.csv", pt=[10.5, 20.5, 30.5], n=[1, 2, 3], w=[0.5, -0.25, 1.0])
    write_csv("background.csv", pt=[5.5, 15.5], n=[4, 5], w=[2.0, 3.0])
    return [{"path": "signal.csv", "class": "signal"}, {"path": "background.csv", "class": "background"}]


def test_rows_keep_their_identity_and_class(read: Read, two_sources: Any) -> None:
    table, features = read(two_sources)
    assert table.classes.names == ("signal", "background")
    assert table.class_index.tolist() == [0, 0, 0, 1, 1]
    assert table.sample.tolist() == [0, 0, 0, 1, 1]
    assert table.source_file.tolist() == [0, 0, 0, 1, 1]
    assert table.source_entry.tolist() == [0, 1, 2, 0, 1]
    assert [name.rsplit("/", 1)[-1] for name in table.files] == ["signal.csv", "background.csv"]
    assert features.columns == ("pt", "n", "w")
    assert table.name_row(3).startswith("entry 0 of ")


def test_columns_are_read_as_float32_unless_an_expression_needs_them(read: Read, two_sources: Any) -> None:
    table, features = read(two_sources, ("n", "double = 2 * pt"))
    assert {name: values.dtype.name for name, values in table.columns.items()} == {
        "n": "float32",
        "pt": "float64",
    }
    assert [feature.name for feature in features.inputs["event"]] == ["n", "double"]


def test_selection_keeps_identity(read: Read, two_sources: Any) -> None:
    table, _ = read(two_sources, ("pt",), selection="pt > 10.5")
    assert table.columns["pt"].tolist() == [20.5, 30.5, 15.5]
    assert table.columns["pt"].dtype == np.float32
    assert set(table.columns) == {"pt"}
    assert table.source_entry.tolist() == [1, 2, 1]
    assert [count.n_selected for count in table.counts] == [2, 1]


def test_selection_that_keeps_nothing_says_how_much_was_read(read: Read, two_sources: Any) -> None:
    with pytest.raises(
        DataError, match=r"'pt > 1000' keeps none .*3 entries of signal.csv; 2 entries of back"
    ):
        read(two_sources, selection="pt > 1000")


def test_selection_that_is_no_condition_is_refused(read: Read, two_sources: Any) -> None:
    with pytest.raises(
        DataError, match=r"'pt' gives 10.5 at entry 0 of .*signal.csv.*compare with something"
    ):
        read(two_sources, selection="pt")


def test_event_weight_is_evaluated_and_not_a_feature(read: Read, two_sources: Any) -> None:
    table, features = read(two_sources, event_weight="2 * w")
    assert table.event_weight is not None
    assert table.event_weight.tolist() == [1.0, -0.5, 2.0, 4.0, 6.0]
    assert features.columns == ("pt", "n")


def test_weight_that_is_nan_names_the_entry(read: Read, two_sources: Any) -> None:
    with pytest.raises(DataError, match=r"event_weight is nan at entry 1 of .*signal.csv.*must be finite"):
        read(two_sources, event_weight="sqrt(w)")


def test_weights_that_sum_to_nothing_are_refused(read: Read, two_sources: Any) -> None:
    with pytest.raises(DataError, match=r"'w \* 0' sums to 0 over the 3 events of class 'signal'"):
        read(two_sources, event_weight="w * 0")


def test_limit_counts_kept_events_and_stops_reading(
    read: Read, write_csv: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(column_types, "MAX_ROWS", 4)
    write_csv("a.csv", x=[1, 1, 2, 2, 3, 4, 5, 6, 7, 8, 9, 10], keep=[1] * 12)
    write_csv("b.csv", x=[1, 2], keep=[1, 1])
    sources = [{"path": "a.csv", "class": "a", "limit": 3}, {"path": "b.csv", "class": "b"}]
    table, _ = read(sources, ("x",), selection="x > 1", drop_duplicates=True)
    assert table.columns["x"].tolist() == [2, 3, 4, 2]
    assert table.source_entry.tolist() == [2, 4, 5, 1]
    assert table.counts[0].n_read == 8


def test_duplicates_are_dropped_within_a_class_only(read: Read, write_csv: Any) -> None:
    write_csv("a.csv", x=[1.0, 1.0, 2.0], tag=[7, 8, 9])
    write_csv("b.csv", x=[1.0, 3.0], tag=[7, 8])
    sources = [{"path": "a.csv", "class": "a"}, {"path": "b.csv", "class": "b"}]
    table, _ = read(sources, ("x",), drop_duplicates=True, spectators=["tag"])
    assert table.columns["x"].tolist() == [1.0, 2.0, 1.0, 3.0]
    assert table.columns["tag"].tolist() == [7, 9, 7, 8]
    assert table.counts[0].n_duplicates == 1


def test_event_cut_by_a_limit_does_not_make_a_later_one_a_duplicate(read: Read, write_csv: Any) -> None:
    write_csv("a.csv", x=[1.0, 2.0])
    write_csv("b.csv", x=[3.0])
    sources = [
        {"path": "a.csv", "class": "a", "limit": 1},
        {"path": "a.csv", "class": "a"},
        {"path": "b.csv", "class": "b"},
    ]
    table, _ = read(sources, drop_duplicates=True)
    assert table.columns["x"].tolist() == [1.0, 2.0, 3.0]


def test_labels_of_a_file_of_their_own_are_joined(read: Read, write_csv: Any) -> None:
    write_csv("tracks.csv", p=[1.0, 2.0, 3.0])
    write_csv("labels.csv", particle=["kaon", "pion", "kaon"])
    table, _ = read([{"path": "tracks.csv", "join": "labels.csv"}], target="particle")
    assert table.classes.names == ("kaon", "pion")
    assert table.class_index.tolist() == [0, 1, 0]


def test_joined_files_of_different_length_are_refused(read: Read, write_csv: Any) -> None:
    write_csv("tracks.csv", p=[1.0, 2.0, 3.0])
    write_csv("labels.csv", particle=["kaon", "pion"])
    with pytest.raises(DataError, match=r"3 entries in .*tracks.csv, 2 in .*labels.csv.*row by row"):
        read([{"path": "tracks.csv", "join": "labels.csv"}], target="particle")


def test_column_in_two_joined_files_is_refused_only_if_used(read: Read, write_csv: Any) -> None:
    write_csv("tracks.csv", p=[1.0, 2.0], index=[0, 1])
    write_csv("labels.csv", particle=["kaon", "pion"], index=[0, 1])
    source = {"path": "tracks.csv", "join": "labels.csv"}
    with pytest.raises(DataError, match=r"'index' .*stands both in .*tracks.csv and .*labels.csv.*exclude"):
        read([source], target="particle")
    table, _ = read([source], exclude=("index",), target="particle")
    assert set(table.columns) == {"p"}


def test_joining_needs_one_file_for_each(read: Read, write_csv: Any) -> None:
    for name in ("t1.csv", "t2.csv", "t3.csv"):
        write_csv(name, p=[1.0])
    write_csv("l1.csv", particle=["kaon"])
    write_csv("l2.csv", particle=["pion"])
    with pytest.raises(DataError, match=r"3 files, but 2 files to join \(l1.csv, l2.csv\)"):
        read([{"path": "t*.csv", "join": "l*.csv"}], target="particle")


def test_joined_chunks_of_any_size_stay_aligned(
    read: Read, write_csv: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(column_types, "MAX_ROWS", 3)
    write_csv("tracks.csv", p=range(10))
    write_csv("labels.csv", particle=["even" if i % 2 == 0 else "odd" for i in range(10)])
    table, _ = read([{"path": "tracks.csv", "join": "labels.csv"}], target="particle")
    assert (table.columns["p"] % 2).tolist() == table.class_index.tolist()


def test_missing_column_says_who_needs_it_and_shows_near_names(read: Read, two_sources: Any) -> None:
    with pytest.raises(
        MissingNameError, match=r"'ptt' \(data.selection\) is not in .*signal.csv.*\n.*'pt'.*inspect"
    ):
        read(two_sources, selection="ptt > 1")


def test_text_as_a_feature_is_refused(read: Read, write_csv: Any) -> None:
    write_csv("a.csv", x=[1, 2], kind=["u", "d"], label=["a", "b"])
    with pytest.raises(DataError, match=r"'kind' of .*a.csv holds text values.*needs a number per event"):
        read([{"path": "a.csv"}], ("x", "kind"), target="label")


def test_all_takes_numeric_columns_without_another_role(read: Read, write_csv: Any) -> None:
    write_csv(
        "a.csv",
        x=[1.5, 2.5],
        n=[1, 2],
        event=[7, 8],
        fold=[0, 1],
        w=[1, 1],
        truth_pt=[1, 2],
        name=["u", "v"],
        label=["a", "b"],
        mass=[3, 4],
    )
    table, features = read(
        [{"path": "a.csv"}],
        exclude=("truth_*",),
        split_columns=("fold", "row_number"),
        target="label",
        event_key=["event"],
        event_weight="w",
        spectators=["mass", "name"],
    )
    assert features.columns == ("x", "n")
    assert table.columns["event"].dtype == np.int64
    assert table.columns["name"].tolist() == ["u", "v"]
    assert set(table.columns) == {"x", "n", "event", "fold", "mass", "name"}
    assert table.event_key == ("event",)


def test_all_must_mean_the_same_in_every_file(read: Read, write_csv: Any) -> None:
    write_csv("a.csv", x=[1.5], y=[1])
    write_csv("b.csv", x=[1.5], z=[1])
    sources = [{"path": "a.csv", "class": "a"}, {"path": "b.csv", "class": "b"}]
    with pytest.raises(DataError, match=r"columns: all` means other columns in .*b.csv.*y, z only in one"):
        read(sources)


def test_excluding_what_is_not_there_is_an_error(read: Read, two_sources: Any) -> None:
    with pytest.raises(MissingNameError, match=r"exclude: 'ptt' matches no column.*'pt'"):
        read(two_sources, exclude=("ptt",))


def test_all_without_any_column_left_is_an_error(read: Read, two_sources: Any) -> None:
    with pytest.raises(DataError, match=r"finds no numeric column .*Columns there: pt, n, w"):
        read(two_sources, exclude=("pt", "n", "w"))


def test_spectators_and_target_are_never_features(read: Read, write_csv: Any) -> None:
    write_csv("a.csv", x=[1.5, 2.5], y=[0, 1])
    with pytest.raises(ConfigError, match=r"'y' is data.target"):
        read([{"path": "a.csv"}], ("x", "y"), target="y")
    with pytest.raises(ConfigError, match=r"x are features and data.spectators"):
        read([{"path": "a.csv"}], ("x",), target="y", spectators=["x"])


def test_class_without_events_is_an_error_unless_allowed(read: Read, two_sources: Any) -> None:
    with pytest.raises(DataError, match=r"no event of class background .*signal \(1\), background \(0\)"):
        read(two_sources, selection="pt > 30")
    table, _ = read(two_sources, selection="pt > 30", require_all_classes=False)
    assert table.classes.names == ("signal", "background")


def test_one_class_only_is_an_error(read: Read, two_sources: Any) -> None:
    with pytest.raises(DataError, match=r"one class only: signal \(3\)"):
        read(two_sources[:1])


def test_file_without_entries_is_an_error(read: Read, tmp_path: Any) -> None:
    np.save(tmp_path / "a.npy", np.empty((0, 2), dtype=np.float32))
    source = {"path": "a.npy", "class": "a", "columns": ["x", "y"]}
    with pytest.raises(DataError, match=r"source a.npy holds no entries"):
        read([source, {**source, "class": "b"}])


def test_source_fixes_its_split(read: Read, two_sources: Any) -> None:
    table, _ = read([{**two_sources[0], "split": "test"}, two_sources[1]])
    assert table.fixed_split.tolist() == [2, 2, 2, -1, -1]


def test_key_beyond_float64_is_read_exactly(read: Read, write_csv: Any) -> None:
    write_csv("a.csv", x=[1.5, 2.5], event=[2**60 + 1, 2**60 + 2], label=["a", "b"])
    table, _ = read([{"path": "a.csv"}], target="label", event_key=["event"])
    assert table.columns["event"].tolist() == [2**60 + 1, 2**60 + 2]


def test_spectator_of_different_kinds_is_refused(read: Read, write_csv: Any) -> None:
    write_csv("a.csv", x=[1.5], tag=["u"])
    write_csv("b.csv", x=[1.5], tag=[1])
    sources = [{"path": "a.csv", "class": "a"}, {"path": "b.csv", "class": "b"}]
    with pytest.raises(
        DataError, match=r"'tag' \(data.spectators\) is text in .*a.csv but a number elsewhere"
    ):
        read(sources, ("x",), spectators=["tag"])
