"""Values given as text: numbers, lists, files."""

from __future__ import annotations

import numpy as np
import pytest

from rapidity.core.errors import ConfigError, DataError, MissingNameError
from rapidity.workflow.named_values import read_named_values


def read(text):
    """Return the one value of ``x=<text>``."""
    return read_named_values([f"x={text}"], "--input")["x"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [("0.5", 0.5), ("-1e-3", -1e-3), ("1,2,3", [1, 2, 3]), ("-1,", None), (" 7 ", 7.0), ("4,5", [4, 5])],
)
def test_numbers(text, expected):
    if expected is None:
        with pytest.raises(DataError, match="neither a number nor a file"):
            read(text)
        return
    assert np.array_equal(read(text), expected)
    assert read(text).shape == np.shape(expected)


def test_array_file(tmp_path):
    np.save(tmp_path / "x.npy", np.arange(6).reshape(2, 3))
    found = read(tmp_path / "x.npy")
    assert found.dtype == np.float64
    assert np.array_equal(found, np.arange(6).reshape(2, 3))


@pytest.mark.parametrize(
    ("content", "column", "expected"),
    [
        ("1\n2\n\n3\n", "", [1, 2, 3]),
        ("# energies\nE\n1.5\n2\n", "", [1.5, 2]),
        ("a,b\n1,2\n3,4\n", ":b", [2, 4]),
        ("a; b\n1; 2\n3; 4\n", ":a", [1, 3]),
        ("1 2\n3 4\n", ":1", [2, 4]),
        ("a\tb\n1\tnan\n", ":b", [np.nan]),
    ],
)
@pytest.mark.parametrize("suffix", [".csv", ".txt"])
def test_column_of_a_text_file(tmp_path, content, column, expected, suffix):
    (tmp_path / f"x{suffix}").write_text(content)
    assert np.array_equal(read(f"{tmp_path / 'x'}{suffix}{column}"), expected, equal_nan=True)


@pytest.mark.parametrize(
    ("name", "content", "error", "message"),
    [
        (
            "absent.npy",
            None,
            DataError,
            r"--input x: '.*absent.npy' is neither a number nor a file",
        ),
        ("x.npy", b"not an array", DataError, r"cannot be read as an array of NumPy"),
        ("x.npy", b"", DataError, r"cannot be read as an array of NumPy"),
        ("x.csv", b"", DataError, r"holds no numbers"),
        ("x.csv", b"a,b\n1,2\n", DataError, r"has 2 columns \(a, b\). Say which: .*x.csv:a"),
        (
            "x.csv:mas",
            b"mass,b\n1,2\n",
            MissingNameError,
            r"no column 'mas'. Closest: mass. Columns",
        ),
        ("x.csv", b"a\n1\nmany\n", DataError, r"line 3 of .*x.csv has 'many' where a number should be"),
        ("x.csv:b", b"a,b\n1,2\n3\n", DataError, r"line 3 of .*x.csv has nothing where a number should be"),
        ("x.csv", b"\xff\xfe\x00", DataError, r"cannot be read as text"),
        ("x.root", b"", DataError, r"has the suffix '.root'; values are read from .npy"),
    ],
)
def test_bad_files_are_said(tmp_path, name, content, error, message):
    if content is not None:
        (tmp_path / name.partition(":")[0]).write_bytes(content)
    with pytest.raises(error, match=message):
        read(tmp_path / name)


def test_array_of_words_is_refused(tmp_path):
    np.save(tmp_path / "x.npy", np.array(["a"]))
    with pytest.raises(DataError, match="holds no array of numbers"):
        read(tmp_path / "x.npy")
    np.save(tmp_path / "o.npy", np.array([{}], object))
    with pytest.raises(DataError, match="cannot be read as an array of NumPy"):
        read(tmp_path / "o.npy")


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        (["x"], r"--input 'x' is not NAME=VALUE, say --input w0=0.5"),
        (["=1"], r"'=1' is not NAME=VALUE"),
        (["x="], r"'x=' is not NAME=VALUE"),
        (["x=1", "x=2"], r"--input x is given twice"),
    ],
)
def test_bad_texts_are_said(texts, message):
    with pytest.raises(ConfigError, match=message):
        read_named_values(texts, "--input")
