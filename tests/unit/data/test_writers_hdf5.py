"""HDF5 chunk by chunk: what is written past the library is what the library would have written."""

from __future__ import annotations

import h5py
import numpy as np
import pandas as pd
import pytest

from rapidity.core.errors import DataError
from rapidity.data.writers import OutputColumn, open_writer

N_ROWS = 40_000
COLUMNS = {
    "x": OutputColumn(np.float32, unit="GeV", source_branch="x_"),
    "n": OutputColumn(np.int8),
    "is_good": OutputColumn(np.bool_),
    "jets": OutputColumn(np.float64, shape=(7,), expression="jets / 1000", collection="jet"),
    "image": OutputColumn(np.uint8, shape=(3, 2)),
    "class": OutputColumn(np.int32, class_names=("signal", "background")),
}


@pytest.fixture(scope="module")
def rows():
    rng = np.random.default_rng(1)
    return {
        "x": rng.normal(size=N_ROWS).astype(np.float32),
        "n": rng.integers(-5, 5, N_ROWS).astype(np.int8),
        "is_good": rng.random(N_ROWS) < 0.5,
        "jets": rng.random((N_ROWS, 7)),
        "image": rng.integers(0, 255, (N_ROWS, 3, 2)).astype(np.uint8),
        "class": (np.arange(N_ROWS) % 3 == 0).astype(np.int32),
    }


def write(path, rows, step, n_rows=N_ROWS, columns=COLUMNS, **options):
    with open_writer(path, columns=columns, **options) as writer:
        for start in range(0, n_rows, step):
            stop = min(start + step, n_rows)
            writer.write({name: values[start:stop] for name, values in rows.items() if name in columns})
        writer.describe({"said": "at the end"})


@pytest.mark.parametrize("compression", ["none", "gzip", "lzf"])
@pytest.mark.parametrize(("step", "n_rows"), [(7001, N_ROWS), (N_ROWS, N_ROWS), (16_384, 32_768), (3, 10)])
def test_rows_come_back_whatever_the_pieces(tmp_path, rows, compression, step, n_rows):
    write(tmp_path / "a.h5", rows, step, n_rows, compression=compression)
    with h5py.File(tmp_path / "a.h5") as file:
        group = file["events"]
        assert list(group) == list(COLUMNS)
        assert group.attrs["said"] == "at the end"
        for name, values in rows.items():
            assert group[name].dtype == values.dtype
            np.testing.assert_array_equal(group[name][()], values[:n_rows])
            # A small file takes no more room than it needs.
            assert group[name].chunks[0] <= n_rows


def test_attributes_say_what_a_column_is(tmp_path, rows):
    write(tmp_path / "a.h5", rows, 100, 200)
    with h5py.File(tmp_path / "a.h5") as file:
        assert dict(file["events/x"].attrs) == {"unit": "GeV", "source_branch": "x_"}
        assert dict(file["events/jets"].attrs) == {"expression": "jets / 1000", "collection": "jet"}


def test_equal_rows_make_equal_files(tmp_path, rows):
    write(tmp_path / "a.h5", rows, 7001, compression="gzip")
    write(tmp_path / "b.h5", rows, 16_384, compression="gzip")
    assert (tmp_path / "a.h5").read_bytes() == (tmp_path / "b.h5").read_bytes()


def test_names_of_very_many_files_find_room(tmp_path):
    names = tuple(f"/a/folder/with/a/long/name/file_{number}.root" for number in range(6000))
    columns = {"source_file": OutputColumn(np.int32, class_names=names)}
    write(tmp_path / "a.h5", {"source_file": np.arange(10)}, 10, 10, columns)
    with h5py.File(tmp_path / "a.h5") as file:
        assert len(file["events/source_file"].attrs["names"]) == 6000


def test_compound_datasets_are_those_of_the_classes(tmp_path, rows):
    write(tmp_path / "a.h5", rows, 7001, layout="compound", compression="gzip")
    with h5py.File(tmp_path / "a.h5") as file:
        assert list(file) == ["background", "signal"]
        for code, name in enumerate(("signal", "background")):
            is_here = rows["class"] == code
            np.testing.assert_array_equal(file[name]["jets"], rows["jets"][is_here])
            np.testing.assert_array_equal(file[name]["is_good"], rows["is_good"][is_here])
        assert file.attrs["said"] == "at the end"


def test_without_classes_there_is_one_compound_dataset(tmp_path, rows):
    columns = {name: column for name, column in COLUMNS.items() if name != "class"}
    write(tmp_path / "a.h5", rows, 100, 200, columns, layout="compound")
    with h5py.File(tmp_path / "a.h5") as file:
        np.testing.assert_array_equal(file["events"]["x"], rows["x"][:200])


def test_pandas_reads_its_layout(tmp_path, rows):
    write(tmp_path / "a.h5", rows, 7001, layout="pandas", compression="gzip")
    frame = pd.read_hdf(tmp_path / "a.h5", "events")
    assert list(frame)[:5] == ["x", "n", "is_good", "jets_0", "jets_1"]
    np.testing.assert_array_equal(frame["image_2_1"], rows["image"][:, 2, 1])
    np.testing.assert_array_equal(frame["class"], rows["class"])
    assert frame["x"].dtype == np.float32


def test_pandas_does_not_read_lzf(tmp_path, rows):
    with pytest.raises(DataError, match="lzf, which pandas does not read"):
        write(tmp_path / "a.h5", rows, 10, 10, layout="pandas", compression="lzf")


@pytest.mark.parametrize("name", ["a/b", "."])
def test_a_class_that_is_no_name_of_a_dataset(tmp_path, name):
    columns = {"class": OutputColumn(np.int32, class_names=(name,)), "x": OutputColumn(np.float32)}
    with pytest.raises(DataError, match="cannot be the name of a dataset"):
        write(tmp_path / "a.h5", {}, 10, 10, columns, layout="compound")
