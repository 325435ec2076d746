"""CSV files, gzipped where the name ends in ``.gz``."""

from __future__ import annotations

import csv
import gzip
import io
from typing import TYPE_CHECKING, Any

import pyarrow.csv as pc

from rapidity.data.writers.arrow import make_schema, make_table
from rapidity.data.writers.writer import Writer

if TYPE_CHECKING:
    from collections.abc import Mapping
    from contextlib import ExitStack
    from pathlib import Path

    from numpy.typing import NDArray

_GZIP_LEVEL = 6


class CsvWriter(Writer):
    """Writes comma-separated text with a header; numbers so that reading gives exactly the same ones.

    A missing number is ``nan``. CSV has no room for units and other attributes.
    """

    def _open(self, temporary: Path, opened: ExitStack) -> None:
        self._schema = make_schema(self._columns, {})
        self._stream = opened.enter_context(
            gzip.GzipFile(temporary, "wb", compresslevel=_GZIP_LEVEL)
            if self.path.suffix.lower() == ".gz"
            else temporary.open("wb")
        )
        header = io.StringIO()
        csv.writer(header, lineterminator="\n").writerow(self._columns)
        self._stream.write(header.getvalue().encode())

    def _append(self, chunk: Mapping[str, NDArray[Any]], n_rows: int) -> None:
        table = make_table(chunk, self._columns, self._schema)
        pc.write_csv(table, self._stream, pc.WriteOptions(include_header=False, quoting_style="needed"))
