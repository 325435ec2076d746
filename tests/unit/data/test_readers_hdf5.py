"""HDF5 files: the project's columns, compound and plain datasets, pandas in both formats."""

from __future__ import annotations

import json

import h5py
import numpy as np
import pandas as pd
import pytest

from rapidity.core.errors import DataError, MissingNameError
from rapidity.data.readers import list_tables, open_reader

TEXT = h5py.string_dtype()


def read_all(path, dtypes, chunk_size=2, **options):
    chunks = list(open_reader(path, **options).read(dtypes, chunk_size))
    return {name: np.concatenate([chunk[name] for chunk in chunks]) for name in dtypes}


@pytest.fixture
def path(tmp_path):
    return tmp_path / "events.h5"


@pytest.fixture
def columnar_file(path):
    with h5py.File(path, "w") as file:
        group = file.create_group("events")
        group.attrs["rapidity_format"] = 1
        group["pt"] = np.array([1.5, 2.5, 3.5])
        group["pt"].attrs["unit"] = "GeV"
        group["event"] = np.array([2**53 + 1, 2, 3])
        group["is_good"] = np.array([True, False, True])
        group["class"] = np.array([0, 1, 0], dtype="i1")
        group["class"].attrs["class_names"] = np.array(["signal", "background"], dtype=TEXT)
        group["source_file"] = np.array(["a", "ü", ""], dtype=TEXT)
        group["jets_pt"] = np.zeros((3, 4))
        group["sum_of_weights"] = np.array([7.0])
    return path


def test_group_of_columns(columnar_file):
    reader = open_reader(columnar_file)
    assert reader.where == f"'events' of {columnar_file}"
    assert reader.n_entries == 3
    kinds = {name: info.kind for name, info in reader.columns.items()}
    assert kinds == {
        "pt": "float64", "event": "integer", "is_good": "boolean", "class": "text", "source_file": "text",
        "jets_pt": "array",
    }  # fmt: skip
    assert reader.columns["pt"].unit == "GeV"
    table = read_all(
        columnar_file,
        {"pt": "f4", "event": "i8", "is_good": "f4", "class": object, "source_file": object},
    )
    assert table["pt"].tolist() == [1.5, 2.5, 3.5]
    assert table["pt"].dtype == np.float32
    assert table["event"].tolist() == [2**53 + 1, 2, 3]
    assert table["is_good"].tolist() == [1, 0, 1]
    assert table["class"].tolist() == ["signal", "background", "signal"]
    assert table["source_file"].tolist() == ["a", "ü", ""]


def test_several_values_per_event_are_refused(columnar_file):
    expected = r"column 'jets_pt' of 'events' of .* \(float64\[4\]\) cannot be read: it holds several values"
    with pytest.raises(DataError, match=expected):
        open_reader(columnar_file).read({"jets_pt": np.float32})


def test_missing_column_says_which_table_to_inspect(columnar_file):
    with pytest.raises(
        MissingNameError, match=r"Closest: 'pt'\. List all: rapidity inspect .*events.h5:events"
    ):
        open_reader(columnar_file).read({"ptt": np.float32})


def test_datasets_at_the_top_are_a_table(path):
    with h5py.File(path, "w") as file:
        file["pt"] = [1.0, 2.0]
        file["eta"] = [3.0, 4.0]
    assert [table.name for table in list_tables(path)] == ["/"]
    assert read_all(path, {"eta": "f4"})["eta"].tolist() == [3, 4]


def test_compound_dataset(path):
    rows = np.array([(1, 2.5, b"a", (1, 2)), (3, 4.5, b"b", (3, 4))],
                    dtype=[("n", "u4"), ("pt", "f8"), ("name", "S3"), ("pair", "f4", 2)])  # fmt: skip
    with h5py.File(path, "w") as file:
        file["Signal"] = rows
        file["Signal"].attrs["units"] = json.dumps({"pt": "GeV"})
    reader = open_reader(path)
    assert [info.kind for info in reader.columns.values()] == ["integer", "float64", "text", "array"]
    assert reader.columns["pt"].unit == "GeV"
    table = read_all(path, {"name": object, "pt": "f4", "n": "f4"}, dataset="/Signal", chunk_size=1)
    assert table["name"].tolist() == ["a", "b"]
    assert table["pt"].tolist() == [2.5, 4.5]
    assert table["n"].tolist() == [1, 3]


def test_plain_dataset_with_names_in_an_attribute(path):
    with h5py.File(path, "w") as file:
        file["X"] = np.arange(6.0).reshape(3, 2)
        file["X"].attrs["columns"] = np.array(["pt", "eta"], dtype=TEXT)
    assert read_all(path, {"eta": "f4"})["eta"].tolist() == [1, 3, 5]


def test_plain_dataset_with_names_of_the_user_beside_its_target(path):
    with h5py.File(path, "w") as file:
        file["X"] = np.arange(6.0).reshape(3, 2)
        file["y"] = [0, 1, 0]
    table = read_all(path, {"eta": "f4", "y": "i8"}, column_names=["pt", "eta"])
    assert table["eta"].tolist() == [1, 3, 5]
    assert table["y"].tolist() == [0, 1, 0]
    assert list(open_reader(path, dataset="X", column_names=["pt", "eta"]).columns) == ["pt", "eta"]


def test_plain_dataset_without_names_says_what_to_do(path):
    with h5py.File(path, "w") as file:
        file["X"] = np.arange(6.0).reshape(3, 2)
    with pytest.raises(DataError, match="give the names of its columns with `columns:`"):
        open_reader(path).read({"X": np.float32})


def test_wrong_number_of_names_is_refused(path):
    with h5py.File(path, "w") as file:
        file["X"] = np.arange(6.0).reshape(3, 2)
    with pytest.raises(
        DataError, match=r"3 column names are given, but 0 arrays have that many columns: X \(3, 2\)"
    ):
        open_reader(path, column_names=["a", "b", "c"])


def test_jagged_dataset_is_listed_and_refused(path):
    with h5py.File(path, "w") as file:
        file.create_dataset("jets", (2,), dtype=h5py.vlen_dtype(np.float32))
        file["pt"] = [1.0, 2.0]
    assert open_reader(path).columns["jets"].kind == "jagged"
    with pytest.raises(DataError, match="a varying number of values per event"):
        open_reader(path).read({"jets": np.float32})


def test_enumeration_gives_its_names(path):
    colours = h5py.enum_dtype({"red": 3, "blue": 5}, basetype="i1")
    with h5py.File(path, "w") as file:
        file.create_dataset("colour", data=np.array([5, 3], "i1"), dtype=colours)
    assert read_all(path, {"colour": object})["colour"].tolist() == ["blue", "red"]


def test_text_asked_for_as_number_names_the_entry(columnar_file):
    expected = r"column 'source_file' of 'events' of .*, entry 0: found 'a', expected a number"
    with pytest.raises(DataError, match=expected):
        read_all(columnar_file, {"source_file": "f4"})


def test_file_without_tables_says_so(path):
    with h5py.File(path, "w") as file:
        file["x"] = 1.0
    with pytest.raises(DataError, match="holds no table that can be read"):
        open_reader(path)


def test_truncated_file_is_refused(columnar_file):
    columnar_file.write_bytes(columnar_file.read_bytes()[:-500])
    with pytest.raises(DataError, match=r"events.h5 is truncated\. Copy or write it again"):
        open_reader(columnar_file)


@pytest.fixture
def frame():
    return pd.DataFrame(
        {
            "pt": [1.5, np.nan, 3.5],
            "small": np.array([1, 2, 3], dtype="f4"),
            "event": [2**53 + 1, 2, 3],
            "flag": [True, False, True],
            "name": ["a", "ü", "a"],
            "eta": [0.5, 1.5, 2.5],
        }
    )


@pytest.mark.parametrize("layout", ["fixed", "table"])
@pytest.mark.parametrize("text", ["object", "str"])
def test_pandas_file(path, frame, layout, text):
    frame = frame.astype({"name": text})
    frame.to_hdf(path, key="events", format=layout)
    reader = open_reader(path)
    assert list(reader.columns) == list(frame.columns)
    assert reader.n_entries == 3
    table = read_all(
        path, {"pt": "f8", "event": "i8", "name": object, "eta": "f4", "flag": "f4", "small": "f4"}
    )
    np.testing.assert_array_equal(table["pt"], frame["pt"])
    assert table["event"].tolist() == frame["event"].tolist()
    assert table["name"].tolist() == ["a", "ü", "a"]
    assert table["eta"].tolist() == [0.5, 1.5, 2.5]
    assert table["flag"].tolist() == [1, 0, 1]


def test_pandas_file_with_missing_text(path, frame):
    frame["name"] = frame["name"].astype(object)
    frame.loc[1, "name"] = None
    with pytest.warns(pd.errors.PerformanceWarning):
        frame.to_hdf(path, key="events", format="fixed")
    assert read_all(path, {"name": object})["name"].tolist() == ["a", "", "a"]


def test_pandas_data_columns_and_categories(path, frame):
    frame["process"] = pd.Categorical(["signal", "background", None])
    frame.to_hdf(path, key="events", format="table", data_columns=["event", "process"])
    table = read_all(path, {"process": object, "event": "i8", "pt": "f4"})
    assert table["process"].tolist() == ["signal", "background", ""]
    assert table["event"].tolist() == frame["event"].tolist()


def test_two_frames_in_one_file_are_listed(path, frame):
    numbers = frame[["pt", "eta"]]
    numbers.to_hdf(path, key="signal", format="fixed")
    numbers.to_hdf(path, key="background", format="table")
    assert {table.name: table.layout for table in list_tables(path)} == {
        "signal": "pandas",
        "background": "pandas",
    }


def test_pandas_column_of_objects_is_never_unpickled(path):
    frame = pd.DataFrame({"pt": [1.0, 2.0], "things": [{"a": 1}, {"b": 2}]})
    with pytest.warns(pd.errors.PerformanceWarning):
        frame.to_hdf(path, key="events", format="fixed")
    with pytest.raises(DataError, match=r"Write .*format='table', or as Parquet"):
        read_all(path, {"things": object})
