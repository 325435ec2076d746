"""Reading some of the entries of a file, of every format."""

from __future__ import annotations

import awkward as ak
import numpy as np
import pytest

from rapidity.core.errors import DataError
from rapidity.data.readers import open_reader

from .jagged_files import (
    DOUBLE,
    FLOAT,
    N_EVENTS,
    as_lists,
    make_lists,
    read_all,
    write_columnar,
    write_lists,
    write_ntuple,
    write_tree,
)


@pytest.fixture
def tree_file(tmp_path):
    return write_tree(tmp_path / "tree.root")


@pytest.mark.parametrize("entries", [(0, 60), (3, 8), (7, 40), (39, 41), (59, 60), (20, 20), range(5, 50)])
@pytest.mark.parametrize(
    ("write", "suffix", "name"),
    [
        (write_tree, "root", "Jet_pt"),
        (write_ntuple, "root", "jets.pt"),
        (write_lists, "parquet", "jet_pt"),
        (write_columnar, "h5", "jet_pt"),
    ],
)
def test_range_of_entries_is_read(tmp_path, write, suffix, name, entries):
    path = write(tmp_path / f"events.{suffix}")
    start, stop = (entries.start, entries.stop) if isinstance(entries, range) else entries
    found = read_all(path, {name: DOUBLE, "met": "f8"}, 16, entries)
    assert found["met"].tolist() == list(range(start, stop))
    assert as_lists(found[name]) == ak.to_list(make_lists()[start:stop])


def write_flat(path, suffix):
    values = np.arange(N_EVENTS, dtype="f8")
    if suffix == "csv":
        path.write_text("\n".join(["met,other", *(f"{value},1" for value in values)]) + "\n")
    elif suffix == "npy":
        np.save(path, values)
    elif suffix == "npz":
        np.savez_compressed(path, met=values, other=values)
    return path


@pytest.mark.parametrize("suffix", ["csv", "npy", "npz"])
@pytest.mark.parametrize("entries", [(0, 60), (13, 37), (59, 60), (4, 4)])
def test_range_of_entries_of_flat_files_is_read(tmp_path, suffix, entries):
    path = write_flat(tmp_path / f"met.{suffix}", suffix)
    assert read_all(path, {"met": "f8"}, 5, entries)["met"].tolist() == list(range(*entries))


@pytest.mark.parametrize("name", ["a.idx", "a.idx.gz"])
def test_range_of_entries_of_an_idx_file_is_read(write_idx, name):
    path = write_idx(name, np.arange(N_EVENTS, dtype="u1"))
    assert read_all(path, {"label": "i8"}, 7, (11, 50))["label"].tolist() == list(range(11, 50))


@pytest.mark.parametrize("entries", [(-1, 5), (5, 2), (0, N_EVENTS + 1), range(0, 10, 2)])
def test_impossible_range_of_entries_is_refused(tree_file, entries):
    expected = (
        r"entries .* of tree 'events' of .* were asked for, expected \(start, stop\).*<= 60 \(its number"
    )
    with pytest.raises(DataError, match=expected):
        open_reader(tree_file).read({"met": "f4"}, entries=entries)


def test_csv_file_with_fewer_entries_than_asked_for_is_refused(tmp_path):
    path = write_flat(tmp_path / "a.csv", "csv")
    with pytest.raises(
        DataError, match=r"entries \(50, 70\) of .*a\.csv were asked for, but it has 60 entries"
    ):
        list(open_reader(path).read({"met": "f8"}, entries=(50, 70)))


def test_place_of_a_bad_value_counts_from_the_start_of_the_file(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("n\n" + "1\n" * 20 + "1.5\n")
    with pytest.raises(DataError, match=r"line 22: found '1\.5'"):
        list(open_reader(path).read({"n": "i8"}, entries=(15, 21)))


def test_no_entries_make_one_empty_jagged_chunk(tree_file):
    (chunk,) = open_reader(tree_file).read({"Jet_pt": FLOAT}, entries=(5, 5))
    assert len(chunk["Jet_pt"]) == 0
    assert chunk["Jet_pt"].dtype == np.float32
