"""Parquet files: one table each."""

from __future__ import annotations

import itertools
import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq

from rapidity.core.errors import DataError
from rapidity.data.readers.arrow import array_shape, column_kind, to_jagged, to_numpy, value_dtype
from rapidity.data.readers.base import TableReader
from rapidity.data.readers.nested_lists import (
    find_shape,
    is_list,
    is_nested,
    number_dtype,
    to_regular_array,
)
from rapidity.data.readers.reader import ColumnInfo, TableInfo

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from rapidity.core.jagged import Jagged

ENTRIES_LOOKED_AT = 16
"""Nested lists are arrays if those of so many first entries have one shape."""


def list_tables(path: Path) -> list[TableInfo]:
    """Return the one table of the file."""
    with _open(path) as file:
        return [TableInfo("", "Parquet", file.metadata.num_rows)]


def open_table(path: Path, table: str | None, column_names: Sequence[str] | None) -> ParquetReader:
    """Open the file; a Parquet file is one table, and names its columns itself."""
    return ParquetReader(path)


class ParquetReader(TableReader):
    """The table of a Parquet file."""

    def __init__(self, path: Path) -> None:
        with _open(path) as file:
            columns = _describe_columns(file)
            n_entries = file.metadata.num_rows
        super().__init__(path, columns=columns, n_entries=n_entries)

    def _block_borders(self, n_wanted: int) -> list[int]:
        with _open(self.path) as file:
            sizes = [file.metadata.row_group(number).num_rows for number in range(file.num_row_groups)]
        return [0, *itertools.accumulate(sizes)]

    def _raw_chunks(
        self, names: Sequence[str], chunk_size: int, start: int, stop: int | None
    ) -> Iterator[dict[str, Any]]:
        end = (self._n_entries or 0) if stop is None else stop
        with _open(self.path) as file:
            groups, first = _find_row_groups(file.metadata, start, end)
            try:
                batches = file.iter_batches(batch_size=chunk_size, row_groups=groups, columns=list(names))
                for batch in batches:
                    part = batch.slice(max(start - first, 0), max(end - max(start, first), 0))
                    if part.num_rows:
                        yield {name: self._to_values(part, name, max(start, first)) for name in names}
                    first += batch.num_rows
            except (pa.ArrowException, OSError) as error:
                message = f"{self.path} is damaged: {error}. Write it again, or copy it again."
                raise DataError(message) from error

    def _to_values(self, batch: Any, name: str, entry: int) -> NDArray[Any] | Jagged:
        array = batch.column(name)
        if self._columns[name].kind == "array":
            return to_regular_array(array, self._columns[name].shape, self._place(name, entry))
        if not is_list(array.type):
            return to_numpy(array)
        if array.null_count:
            row = array.is_null().to_pylist().index(True)
            self._place(name, entry).refuse(row, None, "a list (an empty one where there are no objects).")
        return to_jagged(array)


def _find_row_groups(metadata: Any, start: int, stop: int) -> tuple[list[int], int]:
    """Return the row groups that hold entries `start` to `stop`, and the first entry of the first."""
    groups: list[int] = []
    first = begin = 0
    for number in range(metadata.num_row_groups):
        end = begin + metadata.row_group(number).num_rows
        if begin < stop and start < end:
            first = first if groups else begin
            groups.append(number)
        begin = end
    return groups, first


def _open(path: Path) -> Any:
    try:
        # Without pre-buffering, a large row group is read column chunk by column chunk.
        return pq.ParquetFile(path, pre_buffer=False)
    except (pa.ArrowException, OSError) as error:
        message = (
            f"{path} cannot be read as Parquet, perhaps it is truncated: {error}. Copy or write it again."
        )
        raise DataError(message) from error


def _describe_columns(file: Any) -> dict[str, ColumnInfo]:
    """Describe all columns; what the first entries are like says whether nested lists are arrays."""
    columns = {field.name: _describe(field) for field in file.schema_arrow}
    nested = [field.name for field in file.schema_arrow if is_nested(field.type)]
    if not nested or not file.metadata.num_rows:
        return columns
    try:
        first = next(file.iter_batches(batch_size=ENTRIES_LOOKED_AT, columns=nested))
    except (pa.ArrowException, OSError):  # reading will say what is wrong
        return columns
    for name in nested:
        array = first.column(name)
        shape, problem = find_shape(array)
        found = {"why_no_array": problem} if shape is None or not all(shape) else {
            "kind": "array", "shape": shape, "dtype": number_dtype(array.type),
            "type_name": f"lists of {number_dtype(array.type)}[{', '.join(map(str, shape))}]",
        }  # fmt: skip
        columns[name] = replace(columns[name], **found)
    return columns


def _describe(field: Any) -> ColumnInfo:
    metadata = field.metadata or {}
    unit = metadata.get(b"unit", b"").decode() or None
    shape, dtype = array_shape(field.type)
    kind = column_kind(field.type)
    return ColumnInfo(
        field.name,
        kind,
        str(field.type),
        unit,
        labels=_stated_names(metadata) if kind in {"text", "integer"} else (),
        shape=shape,
        dtype=value_dtype(field.type) if kind == "jagged" else dtype,
        collection=metadata.get(b"collection", b"").decode() or None,
    )


def _stated_names(metadata: Mapping[bytes, bytes]) -> tuple[str, ...]:
    """Return the names of the codes 0, 1, ... that the file states (JSON); none where that is no list."""
    try:
        names = json.loads(metadata.get(b"class_names", b"[]"))
    except ValueError:  # also of bytes that are no text
        return ()
    return tuple(map(str, names)) if isinstance(names, list) else ()
