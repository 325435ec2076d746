"""A copy of a CSV file with more cells at the end of each line."""

from __future__ import annotations

import gzip
import io
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow.csv as pc

from rapidity.core.errors import DataError
from rapidity.data.readers.csv_layout import CsvLayout, detect_layout
from rapidity.data.writers.arrow import make_schema, make_table
from rapidity.data.writers.injection import Injector

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from contextlib import ExitStack

    from numpy.typing import NDArray

_GZIP_LEVEL = 6


class CsvInjector(Injector):
    """Copies the lines as they are, comments and blank lines included, with the new cells behind.

    A line is an event, as for the reader; blank lines are none.
    """

    def check(self) -> None:
        """Look at the layout of the text."""
        self._layout = _layout_of(self.source.path, list(self.source.columns))

    def _open(self, temporary: Path, opened: ExitStack) -> None:
        self._lines = opened.enter_context(_open_lines(self.source.path, self._layout))
        self._stream = opened.enter_context(
            gzip.GzipFile(temporary, "wb", compresslevel=_GZIP_LEVEL)
            if self._layout.is_compressed
            else temporary.open("wb")
        )
        self._schema = make_schema(self._columns, {})
        opened.push(lambda kind, _error, _trace: None if kind else self._stream.writelines(self._lines))
        self._copy_head()

    def _copy_head(self) -> None:
        head = [next(self._lines) for _ in range(self._layout.n_skipped_lines)]
        if head and _has_header(head, self._layout):
            # The header is the last of them; a blank line may not stand behind it.
            head[-1] = _join(head[-1], self._layout.delimiter.join(self._columns).encode(), self._layout)
        self._stream.writelines(head)

    def _append(self, chunk: Mapping[str, NDArray[Any]], n_rows: int) -> None:
        text = io.BytesIO()
        table = make_table(chunk, self._columns, self._schema)
        pc.write_csv(table, text, pc.WriteOptions(include_header=False, delimiter=self._layout.delimiter))
        cells = text.getvalue()
        if self._layout.decimal_point == ",":
            cells = cells.replace(b".", b",")
        for added in cells.splitlines():
            line = next(self._lines, b"")
            while line and not line.strip():
                self._stream.write(line)
                line = next(self._lines, b"")
            self._stream.write(_join(line, added, self._layout))

    def compare(self, temporary: Path) -> None:
        """Compare each line with the beginning of its copy."""
        delimiter = self._layout.delimiter.encode()
        with (
            _open_lines(self.source.path, self._layout) as before,
            _open_lines(temporary, self._layout) as after,
        ):
            for number, line in enumerate(before, start=1):
                copy = next(after, b"")
                content = line.rstrip(b"\r\n")
                if copy not in (line, line.rstrip(b"\r\n") + b"\n") and not copy.startswith(
                    content + delimiter
                ):
                    self.lost(f"line {number} differs")
            if next(after, b""):
                self.lost("it has more lines")


def _layout_of(path: Path, names: list[str]) -> CsvLayout:
    """Return the layout of a file, whether it has a header or not."""
    try:
        return detect_layout(path, None)[0]
    except DataError:
        return detect_layout(path, names)[0]


def _has_header(head: list[bytes], layout: CsvLayout) -> bool:
    """Tell whether the last line before the events is the header, and not a comment or blank."""
    last = head[-1].decode("utf-8", "replace").removeprefix("#")
    return bool(last.strip()) and all(
        name in last for name in layout.names if not name.startswith("unnamed_")
    )


def _join(line: bytes, added: bytes, layout: CsvLayout) -> bytes:
    """Return a line with more cells; its line end stays."""
    content = line.rstrip(b"\r\n")
    return content + layout.delimiter.encode() + added + (line[len(content) :] or b"\n")


@contextmanager
def _open_lines(path: Path, layout: CsvLayout) -> Iterator[Iterator[bytes]]:
    """Yield the lines of a text file, unpacked."""
    opened: Any = gzip.open if layout.is_compressed else Path.open
    with opened(path, "rb") as stream:
        yield iter(stream)
