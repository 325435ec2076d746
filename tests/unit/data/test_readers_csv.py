"""CSV files: layouts, types, missing values, and the line of every mistake."""

from __future__ import annotations

import gzip
from typing import TYPE_CHECKING

import numpy as np
import pytest

from rapidity.core.errors import DataError, MissingNameError
from rapidity.data.readers import open_reader

if TYPE_CHECKING:
    from pathlib import Path

EXACT_KEY = 2**53 + 1  # the first whole number that a float64 cannot hold


def write(folder: Path, text: str | bytes, name: str = "events.csv") -> Path:
    path = folder / name
    content = text.encode() if isinstance(text, str) else text
    path.write_bytes(gzip.compress(content) if name.endswith(".gz") else content)
    return path


def read_all(path, dtypes, **options):
    reader = open_reader(path, **options)
    chunks = list(reader.read(dtypes))
    return {name: np.concatenate([chunk[name] for chunk in chunks]) for name in dtypes}


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.csv", "pt,eta\n1.5,2\n-3e2,4\n"),
        ("a.csv.gz", "pt,eta\n1.5,2\n-3e2,4\n"),
        ("a.tsv", "pt\teta\n1.5\t2\n-3e2\t4\n"),
        ("a.csv", "pt;eta\n1,5;2\n-3e2;4\n"),
        ("a.txt", "pt eta\n 1.5   2\n-3e2 4 \n"),
        ("a.txt", "# made by a program\n# pt eta\n1.5 2\n-3e2 4\n"),
        ("a.csv", "\ufeffpt, eta\r\n1.5, 2\r\n-3e2, 4\r\n"),
        ("a.csv", '"pt","eta"\n"1.5","2"\n"-3e2","4"\n'),
        ("a", "pt,eta\n1.5,2\n-3e2,4"),
    ],
)
def test_layout_is_found(tmp_path, name, text):
    table = read_all(write(tmp_path, text, name), {"eta": np.float32, "pt": np.float32})
    np.testing.assert_array_equal(table["pt"], [1.5, -300])
    np.testing.assert_array_equal(table["eta"], [2, 4])
    assert table["pt"].dtype == np.float32


def test_names_are_given_to_a_file_without_header(tmp_path):
    path = write(tmp_path, "1,2\n3,4\n")
    table = read_all(path, {"b": np.float64}, column_names=["a", "b"])
    np.testing.assert_array_equal(table["b"], [2, 4])


def test_given_names_that_equal_the_header_are_accepted(tmp_path):
    path = write(tmp_path, "a,b\n3,4\n")
    assert read_all(path, {"b": np.float64}, column_names=["a", "b"])["b"].tolist() == [4]


@pytest.mark.parametrize(
    ("text", "names", "message"),
    [
        ("1,2\n3,4\n", None, r"has no header: its first line is 1, 2\. Give the names"),
        ("a,b\n3,4\n", ["x", "y"], r"has a header \(a, b\), but other names are given"),
        ("1,2\n3,4\n", ["x"], r"has 2 columns, but 1 names are given: x"),
        ("a,b,a\n1,2,3\n", None, r"names columns more than once in its header: a\."),
        ("\n \n", None, "holds no lines of data"),
        ("", None, "is empty. Expected events"),
    ],
)
def test_unclear_names_are_refused(tmp_path, text, names, message):
    path = write(tmp_path, text)
    with pytest.raises(DataError, match=message):
        open_reader(path, column_names=names)


def test_kinds_come_from_the_first_values(tmp_path):
    path = write(tmp_path, "n,pt,flag,name,when,empty\n1,2.5,true,a b,2024-01-01,\n2,3,False,,2024-01-02,\n")
    kinds = {name: info.kind for name, info in open_reader(path).columns.items()}
    assert kinds == {
        "n": "integer", "pt": "float64", "flag": "boolean", "name": "text", "when": "text", "empty": "float64"
    }  # fmt: skip


def test_the_number_of_entries_is_not_known_before_reading(tmp_path):
    assert open_reader(write(tmp_path, "a\n1\n")).n_entries is None


def test_empty_cells_are_nan_in_floats_and_empty_in_text(tmp_path):
    path = write(tmp_path, "pt,name,flag\n1,a,true\n,,\nnan,NA,false\n-inf,b,true\n")
    table = read_all(path, {"pt": "f4", "name": object, "flag": "f4"})
    np.testing.assert_array_equal(table["pt"], np.array([1, np.nan, np.nan, -np.inf], "f4"))
    assert table["name"].tolist() == ["a", "", "NA", "b"]
    np.testing.assert_array_equal(table["flag"], [1, np.nan, 0, 1])


@pytest.mark.parametrize("text", [f"{EXACT_KEY}", f"{EXACT_KEY}.0"])
def test_keys_are_read_exactly(tmp_path, text):
    table = read_all(write(tmp_path, f"event\n{text}\n"), {"event": np.int64})
    assert table["event"].tolist() == [EXACT_KEY]


def test_missing_key_names_the_line(tmp_path):
    path = write(tmp_path, "event,pt\n1,2\n,4\n")
    with pytest.raises(
        DataError, match=r"column 'event' of .*events.csv, line 3: found no value, expected a whole"
    ):
        read_all(path, {"event": np.int64})


@pytest.mark.parametrize("n_before", [3, 400_000])
@pytest.mark.parametrize("suffix", ["csv", "csv.gz"])
def test_text_among_numbers_names_line_column_and_value(tmp_path, n_before, suffix):
    path = write(tmp_path, "pt,eta\n" + "1,2\n" * n_before + "3,oops\n5,6\n", f"events.{suffix}")
    expected = rf"column 'eta' of .*events.{suffix}, line {n_before + 2}: found 'oops', expected a number"
    with pytest.raises(DataError, match=expected):
        read_all(path, {"eta": np.float32, "pt": np.float32})


def test_line_is_right_after_comments_and_without_header(tmp_path):
    path = write(tmp_path, "# a comment\n1,2\n3,oops\n")
    with pytest.raises(DataError, match=r"line 3: found 'oops'"):
        read_all(path, {"y": np.float32}, column_names=["x", "y"])


def test_fraction_in_a_key_is_refused(tmp_path):
    path = write(tmp_path, "event\n1\n2.5\n")
    with pytest.raises(DataError, match=r"line 3: found '2.5', expected a"):
        read_all(path, {"event": np.int64})


def test_line_with_too_few_cells_is_named(tmp_path):
    path = write(tmp_path, "a,b\n1,2\n3\n")
    with pytest.raises(DataError, match=r"line 3: found 1 cells, expected 2\. Is the file whole"):
        read_all(path, {"a": np.float32})


def test_missing_column_shows_near_names(tmp_path):
    path = write(tmp_path, "lep_0_pt,met\n1,2\n")
    expected = (
        r"column 'lep0_pt' is not in .*csv \(2 columns\).\n  Closest: 'lep_0_pt'. List all: rapidity inspect"
    )
    with pytest.raises(MissingNameError, match=expected):
        open_reader(path).read({"lep0_pt": np.float32})


def test_bytes_that_are_no_text_are_refused(tmp_path):
    path = write(tmp_path, b"name,pt\n\xff\xfe,1\n")
    with pytest.raises(DataError, match=r"events.csv"):
        read_all(path, {"name": object})


@pytest.mark.parametrize("n_lost", [9, 2000])
def test_truncated_gzip_is_refused(tmp_path, n_lost):
    rng = np.random.default_rng(1)
    text = "pt\n" + "".join(f"{value:.6f}\n" for value in rng.random(100_000))
    path = write(tmp_path, text, "events.csv.gz")
    path.write_bytes(path.read_bytes()[:-n_lost])
    with pytest.raises(DataError, match=r"events.csv.gz is truncated: the compressed data end in the middle"):
        read_all(path, {"pt": np.float32})


def test_short_truncated_gzip_is_refused(tmp_path):
    path = write(tmp_path, "pt\n1\n2\n", "events.csv.gz")
    path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(DataError, match="is truncated"):
        open_reader(path)


def test_damaged_gzip_is_refused(tmp_path):
    path = write(tmp_path, "pt\n1\n2\n", "events.csv.gz")
    path.write_bytes(path.read_bytes()[:10] + b"\xff" * 30)
    with pytest.raises(DataError, match="cannot be decompressed"):
        open_reader(path)


@pytest.mark.parametrize("n_rows", [0, 1, 7, 20])
def test_chunks_have_the_size_asked_for(tmp_path, n_rows):
    path = write(tmp_path, "a,b\n" + "".join(f"{row},x{row}\n" for row in range(n_rows)))
    chunks = list(open_reader(path).read({"a": np.float32, "b": object}, chunk_size=7))
    sizes = [len(chunk["a"]) for chunk in chunks]
    assert sizes == ([7] * (n_rows // 7) + [n_rows % 7] * (n_rows % 7 > 0) or [0])
    assert np.concatenate([chunk["a"] for chunk in chunks]).tolist() == list(range(n_rows))


def test_columns_come_in_the_order_asked_for_and_can_be_read_again(tmp_path):
    reader = open_reader(write(tmp_path, "a,b\n1,2\n"))
    for _ in range(2):
        (chunk,) = reader.read({"b": np.float32, "a": np.float32})
        assert list(chunk) == ["b", "a"]


def test_values_may_be_changed_by_the_caller(tmp_path):
    (chunk,) = open_reader(write(tmp_path, "a\n1\n")).read({"a": np.float32})
    chunk["a"] += 1
    assert chunk["a"].tolist() == [2]


def test_index_column_of_pandas_gets_a_name(tmp_path):
    assert list(open_reader(write(tmp_path, ",pt\n0,1.5\n")).columns) == ["unnamed_0", "pt"]
