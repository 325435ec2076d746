"""CSV files: text with one event a line, also gzipped, with any of the usual delimiters."""

from __future__ import annotations

import io
import re
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.csv as pc

from rapidity.core.errors import DataError
from rapidity.core.jagged import JaggedType
from rapidity.data.readers.arrow import column_kind, to_numpy
from rapidity.data.readers.base import TableReader
from rapidity.data.readers.conversion import Place, convert
from rapidity.data.readers.csv_layout import CsvLayout, detect_layout, is_missing, is_number, truncated
from rapidity.data.readers.csv_text import BLOCK_BYTES, SqueezedText, read_parts, squeeze_blanks
from rapidity.data.readers.reader import ColumnInfo, TableInfo

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from rapidity.data.readers.base import DTypes
    from rapidity.data.readers.reader import ColumnType

_CONVERSION_ERROR = re.compile(
    r"In CSV column #(?P<column>\d+): (?:Row #(?P<row>\d+): )?.*invalid value '(?P<value>.*)'", re.DOTALL
)
MOST_STRAY = 0.1
"""A text column with at most this part of its values not numbers is taken for a damaged column of numbers."""
_TYPE_NAMES = {"float64": "number", "integer": "whole number", "boolean": "boolean"}
_SHAPE_ERROR = re.compile(r"(?:Row #(?P<row>\d+): )?Expected (?P<expected>\d+) columns, got (?P<found>\d+)")


def list_tables(path: Path) -> list[TableInfo]:
    """Return the one table of the file."""
    return [TableInfo("", "CSV", None)]


def open_table(path: Path, table: str | None, column_names: Sequence[str] | None) -> CsvReader:
    """Open the file; a CSV file is one table."""
    return CsvReader(path, column_names)


class CsvReader(TableReader):
    """The table of a CSV file.

    The kinds of the columns are those of the first lines; the values are parsed straight to the type
    that is asked for, without a detour over float64.
    """

    def __init__(self, path: Path, column_names: Sequence[str] | None = None) -> None:
        self._layout, sample = detect_layout(path, column_names)
        super().__init__(path, columns=_describe_columns(path, self._layout, sample), n_entries=None)

    def _convert_chunks(
        self, wanted: DTypes, chunk_size: int, start: int, stop: int | None
    ) -> Iterator[dict[str, Any]]:
        # Integers of a column with decimals are parsed as text: a float would round long event keys.
        self._types = {
            name: self._arrow_type(name, dtype)
            for name, dtype in wanted.items()
            if isinstance(dtype, np.dtype)
        }
        return super()._convert_chunks(wanted, chunk_size, start, stop)

    def _arrow_type(self, name: str, dtype: np.dtype[Any]) -> Any:
        kind = self._columns[name].kind
        if dtype == np.uint64:  # hashes: half of them are beyond int64, and look like floats
            return pa.uint64()
        if dtype.kind == "O" or (dtype.kind in "iu" and kind not in {"integer", "boolean"}):
            return pa.string()
        return pa.bool_() if kind == "boolean" else pa.from_numpy_dtype(dtype)

    def _raw_chunks(
        self, names: Sequence[str], chunk_size: int, start: int, stop: int | None
    ) -> Iterator[dict[str, Any]]:
        types = self._types
        with _open_text(self.path, self._layout) as stream:
            try:
                tables = _gather(_stream(stream, self._layout, types), chunk_size)
                for table in self._cut(tables, start, stop):
                    yield {name: to_numpy(table.column(name).combine_chunks()) for name in names}
            except pa.ArrowInvalid as error:
                raise self._explain(error, types) from error
            except OSError as error:
                raise truncated(self.path) from error
            finally:
                # Arrow keeps the memory of its blocks for later ones, which may never come.
                pa.default_memory_pool().release_unused()

    def read_spread(
        self, dtypes: Mapping[str, ColumnType], n_parts: int, n_entries: int
    ) -> tuple[list[dict[str, Any]], int] | None:
        """Return about so many entries, in parts spread evenly over the file, and how many it about has.

        Parts begin at the first line after an offset in bytes. None of a compressed file, which can be
        read from its beginning only.

        Raises
        ------
        DataError
            If a value is not of the type asked for; the message says after which byte it stands.
        """
        if self._layout.is_compressed:
            return None
        wanted = {
            name: np.dtype(dtype) for name, dtype in dtypes.items() if not isinstance(dtype, JaggedType)
        }
        types = {name: self._arrow_type(name, dtype) for name, dtype in wanted.items()}
        chunks, n_bytes, n_rows = [], 0, 0
        for offset, text in read_parts(self.path, self._layout, n_parts, n_entries):
            try:
                table = pa.Table.from_batches(_stream(io.BytesIO(text), self._layout, types, n_skipped=0))
            except pa.ArrowInvalid as error:
                message = f"{self.path}, in the lines after byte {offset:,}: {error}. Correct the file."
                raise DataError(message) from error
            place = f"{self.path} (lines after byte {offset:,})"
            chunks.append(
                {
                    name: convert(to_numpy(table.column(name).combine_chunks()), dtype, Place(name, place))
                    for name, dtype in wanted.items()
                }
            )
            n_bytes += len(text)
            n_rows += table.num_rows
        return chunks, round(self.path.stat().st_size * n_rows / max(n_bytes, 1))

    def _cut(self, tables: Iterator[Any], start: int, stop: int | None) -> Iterator[Any]:
        """Yield the entries from `start` to before `stop`; where a line begins, only reading tells."""
        first = 0
        for table in tables:
            end = first + table.num_rows
            part = table.slice(
                max(start - first, 0), table.num_rows if stop is None else max(stop - max(start, first), 0)
            )
            if part.num_rows:
                yield part
            first = end
            if stop is not None and first >= stop:
                return
        if stop is not None:
            message = f"entries ({start}, {stop}) of {self.path} were asked for, but it has {first} entries."
            raise DataError(message)

    def _name_row(self, first_entry: int, row: int) -> str:
        return f"line {self._layout.n_skipped_lines + first_entry + row + 1}"

    def _explain(self, error: Exception, types: Mapping[str, Any]) -> DataError:
        """Return the error with the line, which only reading again with one thread can tell."""
        text = str(error)
        with _open_text(self.path, self._layout) as stream:
            try:
                for _ in _stream(stream, self._layout, types, use_threads=False):
                    pass
            except pa.ArrowInvalid as located:
                text = str(located)
        if found := _CONVERSION_ERROR.search(text):
            name = self._layout.names[int(found["column"])]
            wanted = "whole number" if pa.types.is_integer(types[name]) else "number"
            return DataError(
                f"column '{name}' of {self.path}, line {found['row']}: found '{found['value']}', "
                f"expected a {wanted}. Correct the file, or leave the column out."
            )
        if found := _SHAPE_ERROR.search(text):
            return DataError(
                f"{self.path}, line {found['row']}: found {found['found']} cells, expected "
                f"{found['expected']}. Is the file whole, and '{self._layout.delimiter}' its delimiter?"
            )
        return DataError(f"{self.path} cannot be read as CSV: {text}")


def _describe_columns(path: Path, layout: CsvLayout, sample: bytes) -> dict[str, ColumnInfo]:
    """Return the columns with the kinds that their first values suggest."""
    stream = io.BytesIO(squeeze_blanks(sample) if layout.delimiter == " " else sample)
    # A line with too few or too many cells is reported when the values are read.
    parse = pc.ParseOptions(delimiter=layout.delimiter, invalid_row_handler=lambda _: "skip")
    try:
        table = pc.read_csv(
            stream,
            read_options=_read_options(layout, use_threads=False),
            parse_options=parse,
            convert_options=pc.ConvertOptions(decimal_point=layout.decimal_point),
        )
    except pa.ArrowInvalid as error:
        message = f"{path} cannot be read as CSV: {error}. Expected a header and events."
        raise DataError(message) from error
    return {field.name: _describe(field, table.column(field.name), layout) for field in table.schema}


def _describe(field: Any, values: Any, layout: CsvLayout) -> ColumnInfo:
    kind = column_kind(field.type)
    if kind == "text":
        return ColumnInfo(field.name, kind, kind, stray_text=_find_stray_text(values.to_pylist(), layout))
    # Dates and times are text here: an analysis that needs them has numbers.
    return ColumnInfo(field.name, "text" if kind == "unreadable" else kind, _TYPE_NAMES.get(kind, "text"))


def _find_stray_text(cells: list[str], layout: CsvLayout) -> str | None:
    """Return the first cell that is no number, with its line, if nearly all others are."""
    filled = [(row, cell.strip()) for row, cell in enumerate(cells) if not is_missing(cell)]
    others = [(row, cell) for row, cell in filled if not is_number(cell, layout.decimal_point)]
    if not others or len(others) > MOST_STRAY * len(filled):
        return None
    row, cell = others[0]
    return f"line {layout.n_skipped_lines + row + 1}: '{cell}'"


def _read_options(layout: CsvLayout, *, use_threads: bool, n_skipped: int | None = None) -> Any:
    return pc.ReadOptions(
        column_names=layout.names,
        skip_rows=layout.n_skipped_lines if n_skipped is None else n_skipped,
        block_size=BLOCK_BYTES,
        use_threads=use_threads,
    )


def _stream(
    stream: Any,
    layout: CsvLayout,
    types: Mapping[str, Any],
    *,
    use_threads: bool = True,
    n_skipped: int | None = None,
) -> Iterator[Any]:
    """Yield record batches, one a block of text."""
    yield from pc.open_csv(
        stream,
        read_options=_read_options(layout, use_threads=use_threads, n_skipped=n_skipped),
        parse_options=pc.ParseOptions(delimiter=layout.delimiter),
        convert_options=pc.ConvertOptions(
            column_types=dict(types), include_columns=list(types), decimal_point=layout.decimal_point
        ),
    )


def _gather(batches: Iterator[Any], chunk_size: int) -> Iterator[Any]:
    """Yield tables of `chunk_size` rows, the last one shorter."""
    waiting: list[Any] = []
    n_waiting = 0
    for batch in batches:
        waiting.append(batch)
        n_waiting += batch.num_rows
        if n_waiting < chunk_size:
            continue
        table = pa.Table.from_batches(waiting)
        n_whole = n_waiting - n_waiting % chunk_size
        for start in range(0, n_whole, chunk_size):
            yield table.slice(start, chunk_size)
        waiting = table.slice(n_whole).to_batches()
        n_waiting -= n_whole
    if n_waiting:
        yield pa.Table.from_batches(waiting)


@contextmanager
def _open_text(path: Path, layout: CsvLayout) -> Iterator[Any]:
    with pa.OSFile(str(path)) as file:
        stream = pa.CompressedInputStream(file, "gzip") if layout.is_compressed else file
        yield pa.PythonFile(SqueezedText(stream), "r") if layout.delimiter == " " else stream
