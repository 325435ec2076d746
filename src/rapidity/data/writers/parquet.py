"""Parquet files, compressed with Zstandard unless told otherwise."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq

from rapidity.data.writers.arrow import make_schema, make_table
from rapidity.data.writers.writer import FORMAT_VERSION, OutputColumn, Writer

if TYPE_CHECKING:
    from collections.abc import Mapping
    from contextlib import ExitStack
    from pathlib import Path

ROW_GROUP_ROWS = 65_536
"""Fewest rows of a row group (but of the last): smaller ones compress badly and are slow to read."""


class ParquetWriter(Writer):
    """Writes units and attributes as metadata, codes of classes as dictionaries, jagged columns as lists."""

    def __init__(
        self,
        path: Path,
        columns: Mapping[str, OutputColumn],
        attributes: Mapping[str, str],
        compression: str = "zstd",
    ) -> None:
        super().__init__(path, columns, attributes)
        self._compression = compression
        self._waiting: list[Any] = []
        self._n_waiting = 0

    def _open(self, temporary: Path, opened: ExitStack) -> None:
        attributes = {"rapidity_format": str(FORMAT_VERSION), **self._attributes}
        self._schema = make_schema(self._columns, attributes, has_dictionaries=True)
        self._file = opened.enter_context(
            pq.ParquetWriter(str(temporary), self._schema, compression=self._compression)
        )
        opened.push(self._end)

    def describe(self, attributes: Mapping[str, str]) -> None:
        """Add texts about the whole file; they go into its end."""
        super().describe(attributes)
        self._file.add_key_value_metadata(dict(attributes))

    def _append(self, chunk: Mapping[str, Any], n_rows: int) -> None:
        self._waiting.append(make_table(chunk, self._columns, self._schema))
        self._n_waiting += n_rows
        if self._n_waiting >= ROW_GROUP_ROWS:
            self._write()

    def _write(self) -> None:
        table = pa.concat_tables(self._waiting)
        self._file.write_table(table, row_group_size=max(table.num_rows, 1))
        self._waiting, self._n_waiting = [], 0

    def _end(self, kind: type[BaseException] | None, _error: object, _trace: object) -> None:
        if kind is None and self._waiting:
            self._write()
