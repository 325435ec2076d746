"""Parquet columns of lists within lists: arrays where they have one shape, read without Python objects."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from rapidity.core.errors import DataError
from rapidity.data.readers import nested_lists, open_reader
from rapidity.data.readers.conversion import Place

SHAPE = (3, 4, 5)
DOUBLE = pa.float64()
LINE = [1.0] * 5


@pytest.fixture
def images(rng):
    """Return 25 arrays ``(3, 4, 5)``, float64."""
    return rng.random((25, *SHAPE))


def to_lists(images, inner=pa.list_, number=DOUBLE, outer=pa.list_):
    """Return arrays as lists of lists of lists; `inner` makes the type of the lists of numbers."""
    return pa.array(images.tolist(), outer(pa.list_(inner(number))))


@pytest.fixture
def save(tmp_path):
    def write(values, **options):
        pq.write_table(
            pa.table({"X_jets": values, "pt": np.arange(len(values))}), tmp_path / "a.parquet", **options
        )
        return tmp_path / "a.parquet"

    return write


def read(path, dtype=np.float32, chunk_size=7, entries=None):
    wanted = {"X_jets": np.dtype((dtype, SHAPE))}
    return np.concatenate([chunk["X_jets"] for chunk in open_reader(path).read(wanted, chunk_size, entries)])


@pytest.mark.parametrize(
    "kind",
    [
        {},
        {"inner": pa.large_list, "outer": pa.large_list},
        {"inner": lambda number: pa.list_(number, 5)},
        {"number": pa.float32()},
    ],
)
@pytest.mark.parametrize("chunk_size", [1, 7, 100])
def test_nested_lists_of_one_shape_are_arrays(save, images, kind, chunk_size):
    path = save(to_lists(images, **kind), row_group_size=10)
    info = open_reader(path).columns["X_jets"]
    assert (info.kind, info.shape) == ("array", SHAPE)
    assert info.dtype == ("float32" if kind.get("number") == pa.float32() else "float64")
    np.testing.assert_array_equal(read(path, chunk_size=chunk_size), images.astype(np.float32))


def test_some_entries_of_a_file(save, images):
    path = save(to_lists(images), row_group_size=10)
    np.testing.assert_array_equal(read(path, np.float64, entries=(8, 23)), images[8:23])


def test_two_axes_are_an_image_of_one_channel(save):
    path = save(pa.array(np.arange(48.0).reshape(4, 3, 4).tolist()))
    assert open_reader(path).columns["X_jets"].shape == (3, 4)


def test_numbers_are_not_copied(images):
    array = to_lists(images)
    part = array.slice(4, 9)
    found = nested_lists.to_regular_array(part, SHAPE, Place("x", "a"))
    np.testing.assert_array_equal(found, images[4:13])
    whole = nested_lists.to_regular_array(array, SHAPE, Place("x", "a"))
    assert np.shares_memory(found, whole)


def test_lists_of_different_lengths_stay_lists(save):
    info = open_reader(save(pa.array([[[1.0, 2.0], [3.0]], [[1.0], [2.0]]]))).columns["X_jets"]
    assert info.kind == "doubly jagged"
    assert info.why_no_array == "lists of different lengths (1 and 2) in entry 0"


def test_an_empty_file_says_nothing_of_shapes(save):
    path = save(pa.array([], pa.list_(pa.list_(pa.float64()))))
    assert open_reader(path).columns["X_jets"].kind == "doubly jagged"


def change(images, entry, value):
    listed = images.tolist()
    listed[entry] = value
    return pa.array(listed, pa.list_(pa.list_(pa.list_(pa.float64()))))


@pytest.mark.parametrize(
    ("value", "found"),
    [
        (np.zeros((3, 4, 6)).tolist(), r"found an array of shape \(3, 4, 6\), expected"),
        (np.zeros((2, 4, 5)).tolist(), r"found an array of shape \(2, 4, 5\), expected"),
        (
            [[LINE] * 4, [LINE] * 4, [LINE] * 3],
            "found lists of different lengths .3 and 4.",
        ),
        (
            [[LINE] * 4, [LINE] * 4, [[1.0, None, 1.0, 1.0, 1.0]] * 4],
            r"found a number that is missing",
        ),
        ([[LINE] * 4, None, [LINE] * 4], r"found a list that is missing"),
        (None, r"found a list that is missing"),
        ([], r"found an array of shape \(0, 0, 0\)"),
    ],
)
def test_an_entry_of_another_shape_is_named(save, images, value, found):
    path = save(change(images, 21, value), row_group_size=10)
    with pytest.raises(DataError, match=rf"column 'X_jets' of .*a.parquet, entry 21: {found}") as caught:
        read(path)
    assert "numbers of shape (3, 4, 5), as in the first entry" in str(caught.value)


def test_the_first_entries_of_different_shape_are_named(save, images):
    info = open_reader(save(change(images, 3, np.zeros((3, 5, 5)).tolist()))).columns["X_jets"]
    assert info.why_no_array == "shape (3, 5, 5) in entry 3, but (3, 4, 5) in entry 0"
