"""Parquet files, compressed with Zstandard."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow.parquet as pq

from rapidity.data.writers.arrow import make_schema, make_table
from rapidity.data.writers.writer import FORMAT_VERSION, Writer

if TYPE_CHECKING:
    from collections.abc import Mapping
    from contextlib import ExitStack
    from pathlib import Path

    from numpy.typing import NDArray


class ParquetWriter(Writer):
    """Writes one row group a chunk; units and attributes are kept as metadata."""

    def _open(self, temporary: Path, opened: ExitStack) -> None:
        attributes = {"rapidity_format": str(FORMAT_VERSION), **self._attributes}
        self._schema = make_schema(self._columns, attributes)
        self._file = opened.enter_context(pq.ParquetWriter(str(temporary), self._schema, compression="zstd"))

    def _append(self, chunk: Mapping[str, NDArray[Any]], n_rows: int) -> None:
        self._file.write_table(make_table(chunk, self._columns, self._schema))
