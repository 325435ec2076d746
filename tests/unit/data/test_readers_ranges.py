"""Ranges of entries that can be read apart, in every format."""

from __future__ import annotations

import h5py
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import uproot
from hypothesis import given
from hypothesis import strategies as st

from rapidity.data.readers import open_reader
from rapidity.data.readers.ranges import common_borders, cut_ranges


@given(st.integers(0, 200), st.integers(1, 50), st.lists(st.integers(1, 199), max_size=8))
def test_ranges_cover_all_entries_once_and_begin_at_borders(n_entries, n_wanted, borders):
    allowed = sorted({0, *(border for border in borders if border < n_entries)})
    for ranges in (cut_ranges(n_entries, n_wanted), cut_ranges(n_entries, n_wanted, allowed)):
        assert [entry for start, stop in ranges for entry in range(start, stop)] == list(range(n_entries))
        assert all(start < stop for start, stop in ranges)
    assert all(start in allowed for start, _ in cut_ranges(n_entries, n_wanted, allowed))


def test_borders_are_those_of_all_columns():
    assert common_borders([[0, 10, 20, 30], [0, 15, 20, 30]], 12).tolist() == [0, 20, 30]


def test_small_blocks_may_be_cut():
    assert common_borders([[0, 10, 20, 30]], 40) is None


@pytest.mark.parametrize("table", ["tree", "ntuple"])
def test_root_files_are_cut_between_baskets_and_clusters(tmp_path, table):
    with uproot.recreate(tmp_path / "a.root") as file:
        make = file.mktree if table == "tree" else file.mkrntuple
        target = make("events", {"x": np.dtype("f8")} if table == "tree" else {"x": np.arange(100.0)})
        for _ in range(5 if table == "tree" else 4):
            target.extend({"x": np.arange(100.0)})
    reader = open_reader(tmp_path / "a.root")
    assert reader.n_entries == 500
    assert reader.entry_ranges(150) == [(0, 200), (200, 400), (400, 500)]
    assert reader.entry_ranges(1000) == [(0, 500)]


def test_parquet_is_cut_between_row_groups(tmp_path):
    pq.write_table(pa.table({"x": np.arange(500)}), tmp_path / "a.parquet", row_group_size=120)
    assert open_reader(tmp_path / "a.parquet").entry_ranges(200) == [(0, 240), (240, 480), (480, 500)]


def test_hdf5_is_cut_anywhere(tmp_path):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["x"] = np.arange(500)
    assert open_reader(tmp_path / "a.h5").entry_ranges(300) == [(0, 300), (300, 500)]
