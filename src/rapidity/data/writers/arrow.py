"""Columns as Arrow tables (for CSV and Parquet)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from rapidity.data.writers.writer import OutputColumn, name_classes

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray


def make_schema(columns: Mapping[str, OutputColumn], attributes: Mapping[str, str]) -> Any:
    """Return the Arrow schema, with what is known of each column as its metadata."""
    fields = [_make_field(name, column) for name, column in columns.items()]
    return pa.schema(fields, metadata={key: str(value) for key, value in attributes.items()} or None)


def make_table(chunk: Mapping[str, NDArray[Any]], columns: Mapping[str, OutputColumn], schema: Any) -> Any:
    """Return the rows as an Arrow table; codes of classes become their names."""
    arrays = [
        pa.array(_values(chunk[name], column), type=schema.field(name).type)
        for name, column in columns.items()
    ]
    return pa.Table.from_arrays(arrays, schema=schema)


def _values(values: NDArray[Any], column: OutputColumn) -> Any:
    if column.class_names is not None:
        return name_classes(values, column.class_names)
    dtype = np.dtype(column.dtype)
    return values.astype(str).tolist() if dtype.kind in "OUS" else np.asarray(values, dtype=dtype)


def _make_field(name: str, column: OutputColumn) -> Any:
    dtype = np.dtype(column.dtype)
    is_text = column.class_names is not None or dtype.kind in "OUS"
    metadata = {"unit": column.unit, "source_branch": column.source_branch}
    stated = {key: value for key, value in metadata.items() if value is not None}
    return pa.field(name, pa.string() if is_text else pa.from_numpy_dtype(dtype), metadata=stated or None)
