"""Columns as Arrow tables (for CSV and Parquet)."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from rapidity.data.writers.writer import OutputColumn, name_classes

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray


def make_schema(
    columns: Mapping[str, OutputColumn], attributes: Mapping[str, str], *, has_dictionaries: bool = False
) -> Any:
    """Return the Arrow schema, with what is known of each column as its metadata.

    Parameters
    ----------
    has_dictionaries
        Whether codes of classes are kept as dictionaries (Parquet), else as text.
    """
    fields = [
        pa.field(name, _arrow_type(column, has_dictionaries), metadata=_facts(column) or None)
        for name, column in columns.items()
    ]
    return pa.schema(fields, metadata={key: str(value) for key, value in attributes.items()} or None)


def _facts(column: OutputColumn) -> dict[str, str]:
    """Return what is stored beside a column; a dictionary of texts does not keep the order of the codes."""
    names = {} if column.class_names is None else {"class_names": json.dumps(column.class_names)}
    return column.facts | names


def make_table(chunk: Mapping[str, Any], columns: Mapping[str, OutputColumn], schema: Any) -> Any:
    """Return the rows as an Arrow table; codes of classes become their names."""
    arrays = [_make_array(chunk[name], column, schema.field(name).type) for name, column in columns.items()]
    return pa.Table.from_arrays(arrays, schema=schema)


def _arrow_type(column: OutputColumn, has_dictionaries: bool) -> Any:
    dtype = np.dtype(column.dtype)
    if column.class_names is not None:
        return pa.dictionary(pa.int32(), pa.string()) if has_dictionaries else pa.string()
    value_type = pa.string() if dtype.kind in "OUS" else pa.from_numpy_dtype(dtype)
    if column.is_jagged:
        return pa.list_(value_type)
    for length in reversed(column.shape):
        value_type = pa.list_(value_type, length)
    return value_type


def _make_array(values: Any, column: OutputColumn, arrow_type: Any) -> Any:
    if pa.types.is_dictionary(arrow_type):
        codes = pa.array(values, pa.int32(), mask=values < 0)
        return pa.DictionaryArray.from_arrays(codes, pa.array(column.class_names, pa.string()))
    if column.is_jagged:
        content = pa.array(np.asarray(values.content, column.dtype))
        return pa.ListArray.from_arrays(pa.array(values.offsets.astype(np.int32)), content)
    if column.shape:
        array = pa.array(np.ascontiguousarray(values, column.dtype).reshape(-1))
        for length in reversed(column.shape):
            array = pa.FixedSizeListArray.from_arrays(array, length)
        return array
    return pa.array(_values(values, column), type=arrow_type)


def _values(values: NDArray[Any], column: OutputColumn) -> Any:
    if column.class_names is not None:
        return name_classes(values, column.class_names)
    dtype = np.dtype(column.dtype)
    return values.astype(str).tolist() if dtype.kind in "OUS" else np.asarray(values, dtype=dtype)
