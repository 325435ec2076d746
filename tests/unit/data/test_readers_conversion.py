"""Conversion of values to the dtype asked for."""

from __future__ import annotations

import numpy as np
import pytest

from rapidity.core.errors import DataError
from rapidity.data.readers.conversion import Place, convert
from rapidity.data.readers.pickled_values import PickledObject, read_pickled

PLACE = Place("pt", "a.h5", lambda row: f"entry {row}")
FLOAT, KEY, TEXT = np.dtype("f4"), np.dtype("i8"), np.dtype(object)


@pytest.mark.parametrize("dtype", ["u1", "u8", "i2", "?", "f2", ">f8"])
def test_every_number_becomes_a_float(dtype):
    converted = convert(np.array([0, 1], dtype=dtype), FLOAT, PLACE)
    assert converted.dtype == FLOAT
    assert converted.tolist() == [0, 1]


def test_masked_values_are_nan_empty_or_refused():
    values = np.ma.MaskedArray([1, 2], mask=[False, True])
    np.testing.assert_array_equal(convert(values, FLOAT, PLACE), [1, np.nan])
    assert convert(values, TEXT, PLACE).tolist() == ["1", ""]
    with pytest.raises(
        DataError, match=r"column 'pt' of a.h5, entry 1: found no value, expected a whole number"
    ):
        convert(values, KEY, PLACE)


def test_numbers_beyond_float32_become_infinite():
    assert convert(np.array([1e300, -1e300]), FLOAT, PLACE).tolist() == [np.inf, -np.inf]


@pytest.mark.parametrize("value", [1.5, np.nan, np.inf, 2.0**60])
def test_floats_that_are_no_exact_whole_number_are_refused_as_key(value):
    with pytest.raises(DataError, match=r"entry 1: found .*, expected a whole number that fits into int64"):
        convert(np.array([1.0, value]), KEY, PLACE)


def test_text_that_spells_numbers_is_read():
    assert convert(np.array(["1.5", " 2 "]), FLOAT, PLACE).tolist() == [1.5, 2]
    assert convert(np.array([b"9007199254740993"]), KEY, PLACE).tolist() == [2**53 + 1]


def test_numbers_become_text():
    assert convert(np.array([1, 2]), TEXT, PLACE).tolist() == ["1", "2"]
    assert convert(np.array([True]), TEXT, PLACE).tolist() == ["True"]


def test_pickles_are_not_run():
    import os
    import pickle

    content = pickle.dumps({"harmless": [1.5, "text", None, True]}["harmless"])
    assert read_pickled(content) == [1.5, "text", None, True]

    class Attack:
        def __reduce__(self):
            return (os.system, ("echo attacked > attacked.txt",))

    assert isinstance(read_pickled(pickle.dumps(Attack())), PickledObject)


@pytest.mark.parametrize("protocol", range(6))
def test_repeated_texts_are_found_in_every_protocol(protocol):
    import pickle

    name = "pt"
    assert read_pickled(pickle.dumps([name, "eta", name, ("a", 1)], protocol)) == [
        "pt",
        "eta",
        "pt",
        ("a", 1),
    ]


def test_broken_pickle_is_refused():
    with pytest.raises(DataError, match="text stored by pandas cannot be read"):
        read_pickled(b"(lp0\nVpt")
