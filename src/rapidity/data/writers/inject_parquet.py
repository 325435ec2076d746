"""A copy of a Parquet file with more columns, row by row beside the others."""

from __future__ import annotations

from itertools import zip_longest
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq

from rapidity.data.writers.arrow import make_schema, make_table
from rapidity.data.writers.injection import Injector

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from contextlib import ExitStack
    from pathlib import Path

    from numpy.typing import NDArray

_ROWS_AT_ONCE = 65_536


class ParquetInjector(Injector):
    """Reads the rows of the input again and writes them with the new columns behind.

    Types, nullability, metadata and compression of the columns stay as they are; the row groups become
    those of the new rows.
    """

    def check(self) -> None:
        """Do nothing: every Parquet file takes more columns."""

    def _open(self, temporary: Path, opened: ExitStack) -> None:
        source = opened.enter_context(pq.ParquetFile(self.source.path, pre_buffer=False))
        old = source.schema_arrow
        self._added = make_schema(self._columns, {})
        metadata = {**(old.metadata or {}), **{key.encode(): text for key, text in self._attributes.items()}}
        self._schema = pa.schema([*old, *self._added], metadata=metadata)
        self._batches = source.iter_batches(batch_size=_ROWS_AT_ONCE)
        self._waiting = old.empty_table()
        self._file = opened.enter_context(
            pq.ParquetWriter(
                str(temporary), self._schema, compression=_compression(source, self._added.names)
            )
        )

    def _append(self, chunk: Mapping[str, NDArray[Any]], n_rows: int) -> None:
        parts = [self._waiting]
        while sum(part.num_rows for part in parts) < n_rows:
            parts.append(pa.Table.from_batches([next(self._batches)]))
        together = pa.concat_tables(parts)
        rows, self._waiting = together.slice(0, n_rows), together.slice(n_rows)
        added = make_table(chunk, self._columns, self._added)
        self._file.write_table(
            pa.Table.from_arrays([*rows.columns, *added.columns], schema=self._schema), row_group_size=n_rows
        )

    def compare(self, temporary: Path) -> None:
        """Compare all columns of the input with those of the copy."""
        with pq.ParquetFile(self.source.path, pre_buffer=False) as source, pq.ParquetFile(temporary) as copy:
            names = source.schema_arrow.names
            first_row = 0
            pairs = zip_longest(_portions(source, names), _portions(copy, names))
            for before, after in pairs:
                if before is None or after is None or not _equal(before, after):
                    self.lost(f"rows from {first_row} on differ")
                first_row += before.num_rows


def _portions(file: Any, names: list[str]) -> Iterator[Any]:
    """Yield the rows of some columns, as many at a time whatever the row groups are."""
    waiting = None
    for batch in file.iter_batches(batch_size=_ROWS_AT_ONCE, columns=names):
        rows = pa.Table.from_batches([batch]).select(names)
        waiting = rows if waiting is None else pa.concat_tables([waiting, rows])
        while waiting.num_rows >= _ROWS_AT_ONCE:
            yield waiting.slice(0, _ROWS_AT_ONCE)
            waiting = waiting.slice(_ROWS_AT_ONCE)
    if waiting is not None and waiting.num_rows:
        yield waiting


def _equal(before: Any, after: Any) -> bool:
    """Compare two tables; for Arrow NaN differs from NaN, here it does not."""
    return all(
        one.equals(other) or _as_texts(one).equals(_as_texts(other))
        for one, other in zip(before.columns, after.columns, strict=True)
    )


def _as_texts(values: Any) -> Any:
    """Return values as texts that tell all different ones apart."""
    if pa.types.is_floating(values.type):
        return values.cast(pa.string())
    return pa.chunked_array([pa.array([str(value.as_py()) for value in values], pa.string())])


def _compression(source: Any, added: list[str]) -> dict[str, str]:
    """Return the compression of each column, for the new ones Zstandard."""
    kinds = dict.fromkeys(added, "ZSTD")
    if source.metadata.num_row_groups:
        group = source.metadata.row_group(0)
        for number in range(group.num_columns):
            column = group.column(number)
            kinds[column.path_in_schema] = (
                "NONE" if column.compression == "UNCOMPRESSED" else column.compression
            )
    return kinds
