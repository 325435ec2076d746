"""Writers: round trips through the readers, files that appear whole or not at all."""

from __future__ import annotations

import re
import subprocess
import sys

import h5py
import numpy as np
import pyarrow.parquet as pq
import pytest

from rapidity.core.errors import DataError
from rapidity.data.readers import open_reader
from rapidity.data.writers import (
    FORMAT_VERSION,
    WRITABLE_SUFFIXES,
    OutputColumn,
    open_writer,
    write_compound_hdf5,
)

COLUMNS = {
    "source_file": object,
    "source_entry": np.int64,
    "score": OutputColumn(np.float32, unit="GeV", source_branch="m_score"),
    "weight": np.float64,
    "is_good": np.bool_,
    "class": OutputColumn(np.int8, class_names=("signal", "background")),
}


def make_chunk(first, n_rows):
    rows = np.arange(first, first + n_rows)
    return {
        "source_file": np.array([f'a "quoted", naïve\tname {row % 2}' for row in rows], dtype=object),
        "source_entry": rows + 2**53,
        "score": np.where(rows % 3 == 0, np.nan, np.float32(0.1) * rows).astype(np.float32),
        "weight": -1.0 / (rows + 3),
        "is_good": rows % 2 == 0,
        "class": (rows % 2).astype(np.int8),
    }


def write_chunks(path, columns, chunks):
    with open_writer(path, columns=columns) as writer:
        for chunk in chunks:
            writer.write(chunk)


def read_all(path, dtypes):
    chunks = list(open_reader(path).read(dtypes))
    return {name: np.concatenate([chunk[name] for chunk in chunks]) for name in dtypes}


@pytest.mark.parametrize("suffix", WRITABLE_SUFFIXES)
def test_what_was_written_is_read_back_exactly(tmp_path, suffix):
    path = tmp_path / f"scores{suffix}"
    chunks = [make_chunk(0, 5), make_chunk(5, 0), make_chunk(5, 7)]
    with open_writer(path, columns=COLUMNS, attributes={"model": "m"}) as writer:
        for chunk in chunks:
            writer.write(chunk)
        assert not path.exists()
    assert writer.n_entries == 12
    assert list(open_reader(path).columns) == list(COLUMNS)
    expected = {name: np.concatenate([chunk[name] for chunk in chunks]) for name in COLUMNS}
    dtypes = {"source_file": object, "source_entry": "i8", "score": "f4", "weight": "f8", "is_good": "i8"}
    found = read_all(path, {**dtypes, "class": object})
    for name in ("source_file", "source_entry", "score", "weight", "is_good"):
        np.testing.assert_array_equal(found[name], expected[name])
    assert found["class"].tolist() == ["signal", "background"] * 6


@pytest.mark.parametrize("suffix", WRITABLE_SUFFIXES)
def test_table_without_rows_is_read_back(tmp_path, suffix):
    path = tmp_path / f"scores{suffix}"
    with open_writer(path, columns=COLUMNS):
        pass
    assert read_all(path, {"score": "f4"})["score"].shape == (0,)


def test_hdf5_has_the_projects_layout(tmp_path):
    with open_writer(tmp_path / "a.h5", columns=COLUMNS, attributes={"model": "m"}) as writer:
        writer.write(make_chunk(0, 3))
    with h5py.File(tmp_path / "a.h5") as file:
        group = file["events"]
        assert group.attrs["rapidity_format"] == FORMAT_VERSION
        assert group.attrs["model"] == "m"
        assert group["score"].attrs["unit"] == "GeV"
        assert group["score"].attrs["source_branch"] == "m_score"
        assert group["score"].dtype == np.float32
        assert group["score"].chunks is not None
        assert group["class"][:].tolist() == [0, 1, 0]
        assert group["class"].attrs["names"].tolist() == ["signal", "background"]


def test_parquet_keeps_units_and_version(tmp_path):
    with open_writer(tmp_path / "a.parquet", columns=COLUMNS, attributes={"model": "m"}) as writer:
        writer.write(make_chunk(0, 3))
    schema = pq.read_schema(tmp_path / "a.parquet")
    assert schema.metadata[b"rapidity_format"] == str(FORMAT_VERSION).encode()
    assert schema.metadata[b"model"] == b"m"
    columns = open_reader(tmp_path / "a.parquet").columns
    assert columns["score"].unit == "GeV"
    assert columns["class"].labels == ("signal", "background")
    assert columns["score"].labels == ()


def test_unknown_class_becomes_empty(tmp_path):
    column = OutputColumn(np.int8, class_names=("signal", "background"))
    for suffix in WRITABLE_SUFFIXES:
        path = tmp_path / f"a{suffix}"
        with open_writer(path, columns={"class": column, "n": "i8"}) as writer:
            writer.write({"class": np.array([-1, 1], dtype="i1"), "n": np.arange(2)})
        assert read_all(path, {"class": object})["class"].tolist() == ["", "background"]


@pytest.mark.parametrize("suffix", WRITABLE_SUFFIXES)
def test_error_leaves_the_earlier_file_alone(tmp_path, suffix):
    path = tmp_path / f"scores{suffix}"
    path.write_text("earlier")
    with pytest.raises(DataError, match="does not fit"):
        write_chunks(path, COLUMNS, [make_chunk(0, 5), {}])
    assert path.read_text() == "earlier"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("change", ["missing", "unknown", "length"])
def test_chunk_that_does_not_fit_is_refused(tmp_path, change):
    chunk = make_chunk(0, 5)
    if change == "missing":
        del chunk["score"]
    elif change == "unknown":
        chunk["other"] = np.zeros(5)
    else:
        chunk["score"] = np.zeros(4)
    with (
        pytest.raises(
            DataError, match=r"a chunk for .*a.csv does not fit: found .* expected equally many rows of"
        ),
        open_writer(tmp_path / "a.csv", columns=COLUMNS) as writer,
    ):
        writer.write(chunk)


def test_unknown_suffix_lists_the_known_ones(tmp_path):
    with pytest.raises(DataError, match=r"no format for '.xlsx'\. Give it one of: .csv, .csv.gz, .parquet"):
        open_writer(tmp_path / "a.xlsx", columns=COLUMNS)


def test_no_column_is_refused(tmp_path):
    with pytest.raises(DataError, match="no column is asked for"):
        open_writer(tmp_path / "a.csv", columns={})


# Programs of their own: the limit counts for every file that a process writes, the log of the tests included.
SMALL_DISK = """
import resource, sys
import numpy as np
from rapidity.core.errors import DataError
from rapidity.data.writers import open_writer, write_compound_hdf5
# No file may grow beyond 20 kB: the nearest thing to a full disk that a test may have.
resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, resource.getrlimit(resource.RLIMIT_FSIZE)[1]))
x = np.random.default_rng(1).random(200_000)
"""
WRITING_PROGRAM = (
    SMALL_DISK
    + """
try:
    with open_writer(sys.argv[1], columns={"x": "f8"}) as writer:
        for part in np.split(x, 20):
            writer.write({"x": part})
except DataError as error:
    sys.exit(str(error))
"""
)


def run_program(program, argument):
    command = [sys.executable, "-c", program, str(argument)]
    return subprocess.run(command, check=False, capture_output=True, text=True)


@pytest.mark.parametrize("suffix", WRITABLE_SUFFIXES)
def test_full_disk_is_one_clear_error(tmp_path, suffix):
    path = tmp_path / f"scores{suffix}"
    path.write_text("earlier")
    done = run_program(WRITING_PROGRAM, path)
    assert done.returncode == 1
    assert re.fullmatch(r"cannot write .*scores.*: .* Nothing was changed there\.\n", done.stderr)
    assert path.read_text() == "earlier"
    assert list(tmp_path.iterdir()) == [path]


TWO_FAILURES_PROGRAM = (
    SMALL_DISK
    + """
try:
    with open_writer(sys.argv[1] + "/a.h5", columns={"x": "f8"}) as writer:
        writer.write({"x": x})
except DataError:
    try:
        write_compound_hdf5(sys.argv[1] + "/b.h5", {"Signal": {"x": x}}, {})
    except DataError:
        sys.exit(2)
"""
)


def test_process_survives_a_full_disk_under_hdf5(tmp_path):
    # The HDF5 library crashed the interpreter at its end when it could not write its last bytes.
    done = run_program(TWO_FAILURES_PROGRAM, tmp_path)
    assert done.returncode == 2, done.stderr
    assert list(tmp_path.iterdir()) == []


def test_compound_datasets(tmp_path):
    path = tmp_path / "sample.h5"
    signal = {
        "pt": np.array([1.5, 2.5], dtype="f4"),
        "event_number": np.array([1, 2]),
        "name": np.array(["a", "b"]),
    }
    write_compound_hdf5(
        path,
        {"Signal": signal, "Background": {"pt": np.zeros(3)}},
        {"seed": 1, "generator": "none"},
        units={"pt": "GeV", "mass": "GeV"},
    )
    with h5py.File(path) as file:
        assert file.attrs["rapidity_format"] == FORMAT_VERSION
        assert file.attrs["seed"] == 1
        assert file["Signal"].dtype["pt"] == np.float32
    reader = open_reader(path, dataset="Signal")
    assert reader.columns["pt"].unit == "GeV"
    (chunk,) = reader.read({"name": object, "event_number": "i8", "pt": "f4"})
    assert chunk["name"].tolist() == ["a", "b"]
    assert chunk["event_number"].tolist() == [1, 2]
    assert open_reader(path, dataset="Background").n_entries == 3


def test_compound_columns_of_different_length_are_refused(tmp_path):
    columns = {"pt": np.zeros(2), "eta": np.zeros(3)}
    with pytest.raises(
        DataError, match=r"dataset 'Signal' for .* cannot be written: found pt \(2\), eta \(3\)"
    ):
        write_compound_hdf5(tmp_path / "a.h5", {"Signal": columns}, {})
    assert list(tmp_path.iterdir()) == []
