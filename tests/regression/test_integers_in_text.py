"""Event keys in text files: 7.000e+00 was refused as no number, and 2**64 ended in an OverflowError."""

from __future__ import annotations

import numpy as np
import pytest

from rapidity.core.errors import DataError
from rapidity.data.readers.conversion import Place, convert

PLACE = Place("event", "a.csv")


def to_integers(*texts):
    return convert(np.array(texts, dtype=object), np.dtype(np.int64), PLACE).tolist()


def test_whole_numbers_in_every_notation_are_exact():
    texts = ("7", "-7.0", "7.000e+00", "9007199254740993.0", "9.007199254740993e15", str(2**63 - 1))
    assert to_integers(*texts) == [7, -7, 7, 2**53 + 1, 2**53 + 1, 2**63 - 1]


@pytest.mark.parametrize("text", ["7.5", "7.5e0", str(2**63), "1e400", "1e999999", "nan", "inf", "seven"])
def test_anything_else_is_refused_with_its_place(text):
    with pytest.raises(
        DataError, match=rf"'event' of a\.csv, row 1: found '{text}', expected a whole number"
    ):
        to_integers("1", text)
