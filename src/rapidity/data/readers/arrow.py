"""Arrow types and arrays in the terms of the readers (for CSV and Parquet)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from rapidity.core.jagged import Jagged
from rapidity.data.readers.conversion import array_dtype
from rapidity.data.readers.nested_lists import buffer_values, is_list

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from rapidity.data.readers.reader import ColumnKind


def column_kind(arrow_type: Any) -> ColumnKind:
    """Return the kind of a column of this Arrow type."""
    types = pa.types
    kinds: tuple[tuple[Any, ColumnKind], ...] = (
        (types.is_float32, "float32"),
        (types.is_float16, "float32"),
        (types.is_floating, "float64"),
        (types.is_decimal, "float64"),
        (types.is_null, "float64"),
        (types.is_integer, "integer"),
        (types.is_boolean, "boolean"),
        (types.is_string, "text"),
        (types.is_large_string, "text"),
        (types.is_string_view, "text"),
        (types.is_fixed_size_list, "array"),
        (_is_text_dictionary, "text"),
    )
    if is_list(arrow_type):
        return _list_kind(arrow_type)
    for belongs, kind in kinds:
        if belongs(arrow_type):
            return kind
    return "unreadable"


def _list_kind(arrow_type: Any) -> ColumnKind:
    inner = arrow_type.value_type
    if is_list(inner):
        return "unreadable" if _list_kind(inner) == "unreadable" else "doubly jagged"
    kind = column_kind(inner)
    return "doubly jagged" if kind == "array" else "unreadable" if kind == "unreadable" else "jagged"


def value_dtype(arrow_type: Any) -> str | None:
    """Return NumPy's name of the type of the numbers in lists; None if they hold none."""
    inner = arrow_type.value_type
    if pa.types.is_boolean(inner):
        return "uint8"
    is_number = pa.types.is_integer(inner) or pa.types.is_floating(inner)
    return array_dtype(np.dtype(inner.to_pandas_dtype())) if is_number else None


def to_jagged(array: Any) -> Jagged:
    """Return lists of numbers; numbers that are missing are masked, of missing lists it has no idea."""
    offsets = buffer_values(array.offsets).astype(np.int64)
    values = array.values.slice(int(offsets[0]), int(offsets[-1] - offsets[0]))
    is_missing = buffer_values(values.is_null().cast(pa.uint8())).astype(bool) if values.null_count else None
    if pa.types.is_boolean(values.type):
        values = values.cast(pa.uint8())
    numbers = buffer_values(values)
    if is_missing is not None:
        numbers = np.ma.MaskedArray(numbers, mask=is_missing)
    return Jagged(numbers, offsets - offsets[0])


def array_shape(arrow_type: Any) -> tuple[tuple[int, ...], str | None]:
    """Return shape and NumPy type of one event of a (nested) fixed-size list; ``()`` and None of others."""
    shape: tuple[int, ...] = ()
    while pa.types.is_fixed_size_list(arrow_type):
        shape = (*shape, arrow_type.list_size)
        arrow_type = arrow_type.value_type
    is_number = pa.types.is_integer(arrow_type) or pa.types.is_floating(arrow_type)
    return shape, array_dtype(np.dtype(arrow_type.to_pandas_dtype())) if shape and is_number else None


def _is_text_dictionary(arrow_type: Any) -> bool:
    return pa.types.is_dictionary(arrow_type) and column_kind(arrow_type.value_type) == "text"


def to_numpy(array: Any) -> NDArray[Any]:
    """Return the values of an Arrow array; a missing number is NaN or masked, a missing text empty."""
    # Not `array.to_numpy`: where pandas is installed that imports it, which takes most of a second.
    arrow_type = array.type
    if column_kind(arrow_type) == "text":
        return _text_to_numpy(array)
    if pa.types.is_boolean(arrow_type):
        array = array.cast(pa.uint8())
    elif pa.types.is_null(arrow_type) or pa.types.is_decimal(arrow_type):
        array = array.cast(pa.float64())
    values = buffer_values(array)
    if array.null_count == 0:
        return values
    is_missing = buffer_values(array.is_null().cast(pa.uint8())).astype(bool)
    if values.dtype.kind == "f":
        return np.where(is_missing, values.dtype.type(np.nan), values)
    return np.ma.MaskedArray(values, mask=is_missing)


def _text_to_numpy(array: Any) -> NDArray[Any]:
    """Return text as an array of str; equal texts (class names) share one object."""
    encoded = array if pa.types.is_dictionary(array.type) else array.dictionary_encode()
    texts = np.array([*encoded.dictionary.to_pylist(), ""], dtype=object)
    n_texts = len(texts) - 1
    codes = buffer_values(encoded.indices)
    if array.null_count:
        codes = np.where(buffer_values(array.is_null().cast(pa.uint8())), n_texts, codes)
    named: NDArray[Any] = texts[codes]
    return named
