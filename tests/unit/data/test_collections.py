"""Which jagged columns are one collection, and that their counts agree."""

from __future__ import annotations

import numpy as np
import pytest

from rapidity.core.errors import DataError
from rapidity.core.jagged import Jagged
from rapidity.data.collections import (
    OBJECTS_AT_ONCE,
    PIXELS_AT_ONCE,
    align_counts,
    events_at_once,
    find_collections,
    find_columns,
    iterate_chunks,
    pick_rows,
    share_offsets,
)
from rapidity.data.readers.reader import ColumnInfo


def jagged(*names: str, **collections: str) -> dict[str, ColumnInfo]:
    told = {name: ColumnInfo(name, "jagged", "float[]", collection=of) for name, of in collections.items()}
    return {name: ColumnInfo(name, "jagged", "float[]") for name in names} | told


def jets(*events: list[float]) -> Jagged:
    return Jagged.from_counts(np.concatenate([*map(np.array, events)]), np.array([*map(len, events)]))


@pytest.mark.parametrize(
    ("columns", "objects", "expected"),
    [
        (jagged("Jet_pt", "Jet_eta", "mu.pt"), {}, {"Jet_pt": "Jet", "Jet_eta": "Jet", "mu.pt": "mu"}),
        (jagged("weights"), {}, {"weights": "weights"}),
        (jagged("_x"), {}, {"_x": "_x"}),
        (jagged(jetpt="jet", jeteta="jet"), {}, {"jetpt": "jet", "jeteta": "jet"}),
        # Each with a branch of counts of its own, as uproot writes them.
        (jagged(mu_pt="mu_pt", mu_q="mu_q"), {}, {"mu_pt": "mu", "mu_q": "mu"}),
        # An object names its collection, and the other columns of the same group follow.
        (
            jagged("jet_pt", "jet_eta", "jet_tag", "mu_pt"),
            {"jets": {"pt": "jet_pt", "eta": "jet_eta"}},
            {"jet_pt": "jets", "jet_eta": "jets", "jet_tag": "jets", "mu_pt": "mu"},
        ),
        # Two objects take columns of one group: they differ, and the others stay by themselves.
        (
            jagged("lep_ept", "lep_mpt", "lep_n"),
            {"electrons": {"pt": "lep_ept"}, "muons": {"pt": "lep_mpt"}},
            {"lep_ept": "electrons", "lep_mpt": "muons", "lep_n": "lep"},
        ),
        # Objects that share a column are one collection, whatever comes later.
        (
            jagged("a_pt", "b_eta", "c_phi"),
            {"x": {"pt": "a_pt"}, "y": {"eta": "b_eta"}, "z": {"pt": "a_pt", "eta": "b_eta", "phi": "c_phi"}},
            {"a_pt": "x", "b_eta": "x", "c_phi": "x"},
        ),
        # An object of plain columns names nothing.
        (jagged("jet_pt"), {"lepton": {"pt": "lep_pt"}}, {"jet_pt": "jet"}),
    ],
)
def test_columns_find_their_collection(columns, objects, expected) -> None:
    plain = {"met": ColumnInfo("met", "float32", "float")}
    assert find_collections([columns | plain], objects) == expected


def arrays(**lengths: int) -> dict[str, ColumnInfo]:
    return {
        name: ColumnInfo(name, "array", "float[]", shape=(length,), dtype="float32")
        for name, length in lengths.items()
    }


@pytest.mark.parametrize(
    ("columns", "objects", "expected"),
    [
        (arrays(lep_pt=2, lep_eta=2), {}, {"lep_pt": "lep", "lep_eta": "lep"}),
        (arrays(lep_pt=2, lep_cov=3), {}, {"lep_pt": "lep_2", "lep_cov": "lep_3"}),
        (jagged("lep_pt") | arrays(lep_cov=3), {}, {"lep_pt": "lep", "lep_cov": "lep_3"}),
        (
            arrays(lep_pt=2, lep_eta=2, lep_q=2, lep_cov=3),
            {"leptons": {"pt": "lep_pt", "eta": "lep_eta"}},
            {"lep_pt": "leptons", "lep_eta": "leptons", "lep_q": "leptons", "lep_cov": "lep_3"},
        ),
        ({"image": ColumnInfo("image", "array", "float[][]", shape=(8, 8), dtype="float32")}, {}, {}),
    ],
)
def test_fixed_arrays_are_collections_of_one_length(columns, objects, expected) -> None:
    assert find_collections([columns], objects, with_arrays=True) == expected
    only_jagged = {name: of for name, of in expected.items() if columns[name].kind == "jagged"}
    assert find_collections([columns], {}) == only_jagged


def test_what_the_first_file_says_counts() -> None:
    files = [jagged(jet_pt="jet"), jagged("mu_pt", jet_pt="other")]
    assert find_collections(files, {}) == {"jet_pt": "jet", "mu_pt": "mu"}


def test_columns_of_a_collection_share_their_offsets() -> None:
    chunk = {"met": np.zeros(2), "jet_pt": jets([1, 2], [3]), "jet_eta": jets([4, 5], [6])}
    aligned = align_counts(chunk, {"jet_pt": "jets", "jet_eta": "jets"}, "a.root")
    assert aligned["jet_pt"].offsets is aligned["jet_eta"].offsets
    assert aligned["met"] is chunk["met"]


def test_differing_counts_name_file_and_entry() -> None:
    chunk = {"jet_pt": jets([1, 2], [3], [4]), "jet_eta": jets([1, 2], [3], [4, 5])}
    message = (
        r"collection 'jets' of a.root, entry 102: 1 in 'jet_pt' but 2 in 'jet_eta'.* "
        r"object of its own in data.objects"
    )
    with pytest.raises(DataError, match=message):
        align_counts(chunk, {"jet_pt": "jets", "jet_eta": "jets"}, "a.root", first_entry=100)


def test_different_collections_may_differ() -> None:
    chunk = {"jet_pt": jets([1, 2], [3]), "mu_pt": jets([], [3])}
    aligned = align_counts(chunk, {"jet_pt": "jets", "mu_pt": "muons"}, "a.root")
    assert aligned["mu_pt"].counts.tolist() == [0, 1]


@pytest.mark.parametrize(
    "rows", [None, slice(1, 3), np.array([2, 0, 2]), np.array([True, False, True, False])]
)
def test_picked_rows_are_those_of_each_column(rows) -> None:
    shared = share_offsets(
        {"met": np.arange(4.0), "jet_pt": jets([1, 2], [], [3], [4]), "jet_eta": jets([5, 6], [], [7], [8])},
        {"jet_pt": "jets", "jet_eta": "jets"},
    )
    picked = pick_rows(shared, ["jet_eta", "met", "jet_pt"], rows)
    assert list(picked) == ["jet_eta", "met", "jet_pt"]
    assert picked["jet_pt"].offsets is picked["jet_eta"].offsets
    numbers = np.arange(4) if rows is None else np.arange(4)[rows]
    assert picked["met"].tolist() == numbers.tolist()
    by_event = {0: [1, 2], 1: [], 2: [3], 3: [4]}
    assert picked["jet_pt"].counts.tolist() == [len(by_event[row]) for row in numbers]
    assert picked["jet_pt"].content.tolist() == [value for row in numbers for value in by_event[row]]


@pytest.mark.parametrize("rows", [None, slice(2, 9), np.array([7, 1, 3]), np.arange(10) % 2 == 0])
def test_chunks_are_all_rows_once(rows) -> None:
    columns = {"x": np.arange(10.0), "y": Jagged.from_counts(np.arange(45.0), np.arange(10))}
    chunks = list(iterate_chunks(columns, ["x", "y"], rows, most=2))
    assert all(len(chunk["x"]) <= 2 for _, chunk in chunks)
    expected = columns["x"] if rows is None else columns["x"][rows]
    assert np.concatenate([chunk["x"] for _, chunk in chunks]).tolist() == expected.tolist()
    assert [part.stop for part, _ in chunks][-1] == len(expected)
    assert np.concatenate([chunk["y"].counts for _, chunk in chunks]).tolist() == expected.tolist()


def test_large_images_come_in_smaller_chunks() -> None:
    """A chunk of 32,768 images was held at once where they were scored, whatever the bound on memory."""
    images = np.broadcast_to(np.float32(0), (100_000, 3, 125, 125))
    assert events_at_once({"jet": images}, ["jet"]) == PIXELS_AT_ONCE // (3 * 125 * 125)
    assert events_at_once({"jet": images, "pt": images[:, 0, 0, 0]}, ["pt"]) == 32_768


def test_events_with_many_objects_come_in_smaller_chunks() -> None:
    tracks = Jagged.from_counts(np.zeros(200_000, np.float32), np.full(200, 1000))
    assert (
        events_at_once({"track_pt": tracks, "met": np.zeros(200)}, ["track_pt", "met"])
        == OBJECTS_AT_ONCE // 1000
    )
    assert events_at_once({"met": np.zeros(200)}, ["met"], 64) == 64


def test_columns_are_found_before_their_kind_is_known() -> None:
    assert find_columns("event % 10", {}) == ("event",)
    assert find_columns("count(jet_pt) % 2 + event", {}) == ("jet_pt", "event")
