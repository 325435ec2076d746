"""Arrow types and arrays in the terms of the readers (for CSV and Parquet)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

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
        (types.is_list, "jagged"),
        (types.is_large_list, "jagged"),
        (_is_text_dictionary, "text"),
    )
    for belongs, kind in kinds:
        if belongs(arrow_type):
            return kind
    return "unreadable"


def _is_text_dictionary(arrow_type: Any) -> bool:
    return pa.types.is_dictionary(arrow_type) and column_kind(arrow_type.value_type) == "text"


def to_numpy(array: Any) -> NDArray[Any]:
    """Return the values of an Arrow array; a missing float is NaN, any other missing value is masked."""
    arrow_type = array.type
    if pa.types.is_null(arrow_type) or pa.types.is_decimal(arrow_type):
        array = array.cast(pa.float64())
    if pa.types.is_floating(array.type) or array.null_count == 0:
        values: NDArray[Any] = array.to_numpy(zero_copy_only=False)
        return values
    is_missing = array.is_null().to_numpy(zero_copy_only=False)
    if column_kind(arrow_type) == "text":
        return np.ma.MaskedArray(array.to_numpy(zero_copy_only=False), mask=is_missing)
    filled = array.fill_null(False if pa.types.is_boolean(arrow_type) else 0)
    return np.ma.MaskedArray(filled.to_numpy(zero_copy_only=False), mask=is_missing)
