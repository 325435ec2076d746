"""Parquet files."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from rapidity.core.errors import DataError
from rapidity.data.inspection import inspect_file
from rapidity.data.readers import open_reader


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "events.parquet"
    table = pa.table(
        {
            "pt": pa.array([1.5, None, 3.5, 4.5, 5.5]),
            "event": pa.array([2**53 + 1, 2, 3, 4, 5]),
            "n_jets": pa.array([1, 2, None, 4, 5], pa.uint8()),
            "flag": pa.array([True, None, False, True, True]),
            "name": pa.array(["a", "b", None, "a", "a"]),
            "process": pa.array(["s", "b", "s", "s", "b"]).dictionary_encode(),
            "jets": pa.array([[1.0], [], [2.0], [], []]),
            "pair": pa.array([[1.0, 2.0]] * 5, pa.list_(pa.float32(), 2)),
            "when": pa.array([0] * 5, pa.timestamp("s")),
        }
    )
    pq.write_table(table, path, row_group_size=3)
    return path


def read_all(path, dtypes, chunk_size=2):
    chunks = list(open_reader(path).read(dtypes, chunk_size))
    return {name: np.concatenate([chunk[name] for chunk in chunks]) for name in dtypes}


def test_kinds(path):
    reader = open_reader(path)
    assert reader.n_entries == 5
    assert {name: info.kind for name, info in reader.columns.items()} == {
        "pt": "float64", "event": "integer", "n_jets": "integer", "flag": "boolean", "name": "text",
        "process": "text", "jets": "jagged", "pair": "array", "when": "unreadable",
    }  # fmt: skip


@pytest.mark.parametrize("chunk_size", [1, 2, 100])
def test_values_and_missing_values(path, chunk_size):
    dtypes = {"flag": "f4", "pt": "f4", "n_jets": "f8", "event": "i8", "name": object, "process": object}
    table = read_all(path, dtypes, chunk_size)
    np.testing.assert_array_equal(table["pt"], [1.5, np.nan, 3.5, 4.5, 5.5])
    np.testing.assert_array_equal(table["n_jets"], [1, 2, np.nan, 4, 5])
    np.testing.assert_array_equal(table["flag"], [1, np.nan, 0, 1, 1])
    assert table["event"].tolist() == [2**53 + 1, 2, 3, 4, 5]
    assert table["name"].tolist() == ["a", "b", "", "a", "a"]
    assert table["process"].tolist() == ["s", "b", "s", "s", "b"]


def test_missing_value_in_a_key_names_the_entry(path):
    with pytest.raises(
        DataError, match=r"column 'n_jets' of .*events.parquet, entry 2: found no value, expected a whole"
    ):
        read_all(path, {"n_jets": "i8"})


def test_text_asked_for_as_number_names_the_entry(path):
    with pytest.raises(DataError, match=r"column 'name' of .*, entry 0: found 'a', expected a number"):
        read_all(path, {"name": "f4"})


@pytest.mark.parametrize("name", ["jets", "pair", "when"])
def test_what_is_no_single_number_is_refused(path, name):
    with pytest.raises(DataError, match=rf"column '{name}' of .* cannot be read: "):
        open_reader(path).read({name: "f4"})


def test_empty_table_gives_one_empty_chunk(tmp_path):
    pq.write_table(pa.table({"pt": pa.array([], pa.float64())}), tmp_path / "a.parquet")
    (chunk,) = open_reader(tmp_path / "a.parquet").read({"pt": np.float32})
    assert chunk["pt"].shape == (0,)


def test_truncated_file_is_refused(path):
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(DataError, match=r"events.parquet cannot be read as Parquet, perhaps it is truncated"):
        open_reader(path)


def test_damaged_values_are_refused(path):
    content = bytearray(path.read_bytes())
    content[4:60] = b"\xff" * 56
    path.write_bytes(bytes(content))
    with pytest.raises(DataError, match=r"events.parquet is damaged"):
        read_all(path, {"pt": "f4", "event": "i8"})


@pytest.mark.parametrize(
    ("metadata", "labels"),
    [
        ({"class_names": '["gluon", "quark"]'}, ("gluon", "quark")),
        ({"class_names": "gluon, quark"}, ()),
        ({"class_names": "2"}, ()),
        (None, ()),
    ],
)
def test_names_of_codes_are_read_and_codes_stay_numbers(tmp_path, metadata, labels):
    schema = pa.schema([pa.field("y", pa.int64(), metadata=metadata)])
    pq.write_table(pa.table({"y": [0, 1, 1, 1]}, schema=schema), tmp_path / "a.parquet")
    reader = open_reader(tmp_path / "a.parquet")
    assert (reader.columns["y"].kind, reader.columns["y"].labels) == ("integer", labels)
    shown = ("1 (quark)", "0 (gluon)") if labels else ("1", "0")
    for read_all in (False, True):
        summary = inspect_file(tmp_path / "a.parquet", read_all=read_all)
        assert tuple(name for name, _ in summary.class_balance.classes) == shown
