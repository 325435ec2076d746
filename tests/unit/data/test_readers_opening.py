"""Which reader opens a file, and what is said about files that are missing or something else."""

from __future__ import annotations

import gzip

import h5py
import numpy as np
import pytest

from rapidity.core.errors import DataError, MissingNameError
from rapidity.data.readers import FORMATS, find_files, list_tables, open_reader

PNG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"


@pytest.fixture
def hdf5_file(tmp_path):
    path = tmp_path / "events.h5"
    with h5py.File(path, "w") as file:
        file["Signal"] = np.zeros(2, dtype=[("pt", "f4")])
        file["Background"] = np.zeros(3, dtype=[("pt", "f4")])
    return path


@pytest.mark.parametrize("suffix", [suffix for kind in FORMATS.values() for suffix in kind.suffixes])
def test_picture_under_any_name_is_refused(tmp_path, suffix):
    path = tmp_path / f"events{suffix}"
    path.write_bytes(PNG)
    with pytest.raises(
        DataError, match=rf"events{suffix} is not what its name says: found a PNG picture, expected"
    ):
        open_reader(path)


def test_hdf5_named_root_says_how_to_rename_it(hdf5_file):
    path = hdf5_file.rename(hdf5_file.with_suffix(".root"))
    with pytest.raises(DataError, match=r"found an HDF5 file, expected ROOT\..*rename it to end in \.h5"):
        open_reader(path)


def test_text_named_parquet_is_refused(tmp_path):
    path = tmp_path / "events.parquet"
    path.write_text("pt\n1\n")
    with pytest.raises(DataError, match="found text, expected Parquet"):
        open_reader(path)


def test_unknown_name_is_no_hindrance(hdf5_file):
    path = hdf5_file.rename(hdf5_file.with_suffix(".output"))
    assert open_reader(path, dataset="Signal").n_entries == 2


def test_unknown_binary_file_lists_what_can_be_read(tmp_path):
    path = tmp_path / "events.bin"
    path.write_bytes(bytes(range(256)))
    with pytest.raises(DataError, match=r"is binary data of no known format\. Readable are: \.csv"):
        open_reader(path)


def test_gzipped_hdf5_is_to_be_unpacked(hdf5_file):
    path = hdf5_file.with_suffix(".h5.gz")
    path.write_bytes(gzip.compress(hdf5_file.read_bytes()))
    with pytest.raises(DataError, match=r"is a gzipped HDF5 file\. Unpack it first: gunzip"):
        open_reader(path)


def test_csv_whose_first_column_is_called_root(tmp_path):
    path = tmp_path / "events.csv"
    path.write_text("root_s,pt\n1,2\n")
    assert list(open_reader(path).columns) == ["root_s", "pt"]


def test_missing_file_shows_near_names(tmp_path):
    (tmp_path / "training.csv").touch()
    with pytest.raises(DataError, match=r"file .*trainig.csv does not exist\. Closest: training.csv\."):
        open_reader(tmp_path / "trainig.csv")


def test_missing_file_shows_its_folder_where_no_name_is_near(tmp_path):
    (tmp_path / "a.csv").touch()
    with pytest.raises(DataError, match=r"does not exist\. In .*: a.csv\."):
        open_reader(tmp_path / "something_else.root")


def test_folder_instead_of_file(tmp_path):
    (tmp_path / "a.csv").touch()
    with pytest.raises(DataError, match=r"is a folder, not a file; it holds: a.csv\. Name a file, or a glob"):
        open_reader(tmp_path)


def test_several_tables_and_none_named_are_listed(hdf5_file):
    expected = (
        r"holds 2 tables.*none is named: 'Background' \(compound dataset, 3 entries\), 'Signal'.*`dataset:`"
    )
    with pytest.raises(DataError, match=f"(?s){expected}"):
        open_reader(hdf5_file)


def test_unknown_table_shows_near_names(hdf5_file):
    expected = (
        r"dataset 'signl' is not in .*events.h5 \(2 tables\)\. Closest: 'Signal'\. List all: rapidity inspect"
    )
    with pytest.raises(MissingNameError, match=expected):
        open_reader(hdf5_file, dataset="signl")


def test_tree_for_hdf5_is_corrected(hdf5_file):
    with pytest.raises(DataError, match=r"`tree: Signal` does not fit .*, an HDF5 file: use `dataset:`"):
        open_reader(hdf5_file, tree="Signal")


def test_tree_for_csv_is_refused(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("pt\n1\n")
    with pytest.raises(DataError, match="such a file is one table"):
        open_reader(path, tree="nominal")


def test_tables_are_listed(hdf5_file):
    assert [(table.name, table.n_entries) for table in list_tables(hdf5_file)] == [
        ("Background", 3),
        ("Signal", 2),
    ]


def test_globs_are_sorted_and_patterns_keep_their_order(tmp_path):
    for name in ("b2.csv", "b10.csv", "a.csv", "sub/b3.csv"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    found = find_files(["b*.csv", "a.csv", "b2.csv"], tmp_path)
    assert [path.name for path in found] == ["b10.csv", "b2.csv", "a.csv"]
    assert [path.name for path in find_files("**/b*.csv", tmp_path)] == ["b10.csv", "b2.csv", "b3.csv"]


def test_file_name_with_brackets_is_taken_literally(tmp_path):
    (tmp_path / "a[1].csv").touch()
    assert find_files("a[1].csv", tmp_path) == [tmp_path / "a[1].csv"]


def test_glob_that_finds_nothing_shows_the_folder(tmp_path):
    (tmp_path / "signal.root").touch()
    with pytest.raises(DataError, match=r"no file matches .*sig\*\.csv\. .*signal.root"):
        find_files("sig*.csv", tmp_path)


def test_missing_folder_is_named(tmp_path):
    with pytest.raises(DataError, match=r"there is no folder .*data/2024, only "):
        find_files("data/2024/a.csv", tmp_path)
