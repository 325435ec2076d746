"""Conversion of values as a file holds them to the dtype that was asked for, without silent loss."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np

from rapidity.core.errors import DataError
from rapidity.core.jagged import Jagged

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

_ZERO_DECIMALS = re.compile(r"\.0*$")
_INTEGERS_END = 2**63
_EXACT_INTEGERS_END = 2.0**53
"""Above this, float64 no longer tells neighbouring integers apart."""


@dataclass(frozen=True)
class Place:
    """Where values stand, for messages.

    Attributes
    ----------
    name_row
        Turns the number of a row into words for people: ``entry 7``, ``line 9``.
    """

    column: str
    where: str
    name_row: Callable[[int], str] = "row {}".format

    def refuse(self, row: int, value: object, expected: str) -> NoReturn:
        """Raise the error about one value."""
        found = "no value" if value is None or value is np.ma.masked else repr(value)
        place = f"column '{self.column}' of {self.where}, {self.name_row(row)}"
        message = f"{place}: found {found}, expected {expected}"
        raise DataError(message)


def array_dtype(dtype: np.dtype[Any]) -> str | None:
    """Return the type in which the numbers of an array column are kept: their own; None if they are none.

    Half precision becomes float32, truth values uint8, longer floats float64.

    Examples
    --------
    >>> array_dtype(np.dtype(">i2")), array_dtype(np.dtype("f2")), array_dtype(np.dtype("U3"))
    ('int16', 'float32', None)
    """
    if dtype.kind == "f":
        return "float32" if dtype.itemsize <= 4 else "float64"
    return "uint8" if dtype.kind == "b" else dtype.name if dtype.kind in "iu" else None


def convert(values: NDArray[Any], dtype: np.dtype[Any], place: Place) -> NDArray[Any]:
    """Return the values as `dtype`: a float, an integer, object (text as str), or arrays of numbers.

    A masked value becomes NaN in a float column, the empty string in a text column, and is a
    DataError in an integer column. Numbers too large for a float32 become infinite.

    Examples
    --------
    >>> convert(np.array([1, 2], dtype=np.uint8), np.dtype("f4"), Place("n_jets", "a.h5"))
    array([1., 2.], dtype=float32)
    """
    if dtype.subdtype is not None:
        return _to_arrays(values, dtype.base, place)
    if dtype.kind == "O":
        return _to_text(values)
    if values.dtype.kind in "OUS":
        values = _parse_text(values, dtype, place)
    if dtype.kind == "f":
        return _to_float(values, dtype)
    if dtype.kind in "iu":
        return _to_integer(values, dtype, place)
    return np.ma.getdata(values).astype(dtype)


def convert_jagged(values: Jagged, dtype: np.dtype[Any], place: Place) -> Jagged:
    """Return a jagged column with numbers of type `dtype`; `place` names the events.

    NaN stays. A value that is missing inside an event (masked) is a DataError, also in a float column.

    Examples
    --------
    >>> jets = Jagged.from_counts(np.array([1, 2, 3], np.uint8), np.array([2, 1]))
    >>> convert_jagged(jets, np.dtype("f4"), Place("n_tracks", "a.root")).content
    array([1., 2., 3.], dtype=float32)
    """

    def name_event(index: int) -> str:
        event = int(np.searchsorted(values.offsets, index, side="right")) - 1
        return f"{place.name_row(event)}, value {index - int(values.offsets[event])}"

    inside = Place(place.column, place.where, name_event)
    if np.ma.is_masked(values.content):
        first = int(np.flatnonzero(np.ma.getmaskarray(values.content))[0])
        inside.refuse(first, None, "a number. Leave missing values out of the list, or write NaN.")
    content = np.ma.getdata(values.content)
    if content.dtype == dtype:
        return Jagged(content, values.offsets)
    return Jagged(convert(content, dtype, inside), values.offsets)


def _to_arrays(values: NDArray[Any], dtype: np.dtype[Any], place: Place) -> NDArray[Any]:
    """Return numbers ``(n_events, ...)`` as `dtype`, without a copy where they have it already."""
    numbers = np.ma.getdata(values)
    if numbers.dtype == dtype:
        return np.asarray(numbers)
    with np.errstate(invalid="ignore", over="ignore"):
        converted: NDArray[Any] = numbers.astype(dtype)
    if not np.can_cast(numbers.dtype, dtype) and dtype.kind in "iu":
        # Compared in the type that was found: -1 is not what uint8 makes of it.
        changed = converted.astype(numbers.dtype) != numbers
        if changed.any():
            first = tuple(int(index) for index in np.argwhere(changed)[0])
            place.refuse(first[0], numbers[first].item(), f"whole numbers that fit into {dtype}.")
    return converted


def _to_float(values: NDArray[Any], dtype: np.dtype[Any]) -> NDArray[Any]:
    with np.errstate(over="ignore"):
        converted = np.ma.getdata(values).astype(dtype)
    if np.ma.is_masked(values):
        converted[np.ma.getmaskarray(values)] = np.nan
    return converted


def _to_integer(values: NDArray[Any], dtype: np.dtype[Any], place: Place) -> NDArray[Any]:
    if np.ma.is_masked(values):
        index = int(np.flatnonzero(np.ma.getmaskarray(values))[0])
        place.refuse(index, None, "a whole number (a column with missing values cannot be a key).")
    data = np.ma.getdata(values)
    if data.dtype.kind == "f":
        bad = ~((np.abs(data) <= _EXACT_INTEGERS_END) & (data == np.round(data)))
    elif data.dtype.kind in "iu":
        limits = np.iinfo(dtype)
        bad = (data > limits.max) | (data < limits.min)
    else:
        bad = np.zeros(len(data), dtype=bool)
    if bad.any():
        index = int(np.flatnonzero(bad)[0])
        place.refuse(index, data[index].item(), f"a whole number that fits into {dtype}.")
    return data.astype(dtype)


def _to_text(values: NDArray[Any]) -> NDArray[Any]:
    if values.dtype.kind == "S":
        data = np.char.decode(np.ma.getdata(values), "utf-8", "replace").astype(object)
    elif values.dtype.kind == "U":
        data = np.ma.getdata(values).astype(object)
    else:
        data = np.array([_to_str(value) for value in np.ma.getdata(values).tolist()], dtype=object)
    if np.ma.is_masked(values):
        data[np.ma.getmaskarray(values)] = ""
    return data


def _to_str(value: object) -> str:
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return "" if value is None else str(value)


def _parse_text(values: NDArray[Any], dtype: np.dtype[Any], place: Place) -> NDArray[Any]:
    """Return the numbers that a text column spells out (exactly, for integers)."""
    parse, wanted = (_parse_integer, "whole number") if dtype.kind in "iu" else (float, "number")
    numbers = []
    for index, text in enumerate(_to_text(values).tolist()):
        try:
            numbers.append(parse(text))
        except ValueError:
            place.refuse(index, text or None, f"a {wanted}. Correct the file, or leave the column out.")
    return np.array(numbers, dtype=np.int64 if dtype.kind in "iu" else np.float64)


def _parse_integer(text: str) -> int:
    # Programs that know only floats write the event number 7 as 7.0 or 7.000e+00.
    try:
        number: int | Decimal = int(_ZERO_DECIMALS.sub("", text))
    except ValueError:
        number = _parse_decimal(text)
    if not -_INTEGERS_END <= number < _INTEGERS_END or number != int(number):
        raise ValueError(text)
    return int(number)


def _parse_decimal(text: str) -> Decimal:
    try:
        number = Decimal(text)
    except InvalidOperation as error:
        raise ValueError(text) from error
    if not number.is_finite():
        raise ValueError(text)
    return number
