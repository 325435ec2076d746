"""How a CSV file is laid out: delimiter, header, decimal sign, found from its beginning."""

from __future__ import annotations

import csv
import gzip
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rapidity.core.errors import DataError, shorten

if TYPE_CHECKING:
    from collections.abc import Sequence

SAMPLE_BYTES = 1 << 18
_SAMPLE_LINES = 50
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_MISSING = {"", "na", "n/a", "nan", "null", "none", "-nan", "#n/a"}


@dataclass(frozen=True)
class CsvLayout:
    """How the text of one file is to be read.

    Attributes
    ----------
    delimiter
        One character; a blank stands for any run of blanks and tabs.
    n_skipped_lines
        Lines before the first event: comments and the header.
    decimal_point
        The sign in numbers: ``.``, or ``,`` in files written with a European locale.
    """

    names: tuple[str, ...]
    delimiter: str
    n_skipped_lines: int
    decimal_point: str
    is_compressed: bool


def detect_layout(path: Path, column_names: Sequence[str] | None) -> tuple[CsvLayout, bytes]:
    """Return the layout of a file, and the text of its first whole lines (decompressed)."""
    sample, is_compressed = read_sample(path)
    lines = sample.decode("utf-8", "replace").splitlines()
    n_comments = _count_comments(lines)
    content = [line for line in lines[n_comments : n_comments + _SAMPLE_LINES] if line.strip()]
    if not content:
        message = f"{path} holds no lines of data. Expected a header and events."
        raise DataError(message)
    content[0] = content[0].removeprefix("#").strip(" ") if content[0].startswith("#") else content[0]
    delimiter = _detect_delimiter(content)
    rows = [split_line(line, delimiter) for line in content]
    has_header = _has_header(path, rows, column_names)
    names = _clean_names(path, rows[0]) if has_header else tuple(column_names or ())
    if len(names) != len(rows[0]):
        message = (
            f"{path} has {len(rows[0])} columns, but {len(names)} names are given: {shorten(names)}. "
            "Give one name a column."
        )
        raise DataError(message)
    blank_before = next(i for i, line in enumerate(lines[n_comments:]) if line.strip())
    layout = CsvLayout(
        names=names,
        delimiter=delimiter,
        n_skipped_lines=n_comments + blank_before + int(has_header),
        decimal_point="," if _uses_decimal_comma(rows[int(has_header) :], delimiter) else ".",
        is_compressed=is_compressed,
    )
    return layout, sample


def read_sample(path: Path) -> tuple[bytes, bool]:
    """Return the first whole lines of a text file, and whether it is gzipped."""
    with path.open("rb") as stream:
        is_compressed = stream.read(2) == b"\x1f\x8b"
    opened: Any = gzip.open if is_compressed else Path.open
    try:
        with opened(path, "rb") as stream:
            sample: bytes = stream.read(SAMPLE_BYTES)
            is_whole = not stream.read(1)
    except EOFError:
        raise truncated(path) from None
    except (OSError, zlib.error) as error:
        message = f"{path} cannot be decompressed ({error}). Copy it or download it again."
        raise DataError(message) from error
    sample = sample.removeprefix(_BYTE_ORDER_MARK)
    if not is_whole and b"\n" in sample:
        sample = sample[: sample.rindex(b"\n") + 1]
    # Bytes that are no text are reported, with their place, when the values are read.
    return sample.decode("utf-8", "replace").encode(), is_compressed


def truncated(path: Path) -> DataError:
    """Return the error about compressed data that end in the middle."""
    return DataError(
        f"{path} is truncated: the compressed data end in the middle. Copy it or download it again."
    )


def split_line(line: str, delimiter: str) -> list[str]:
    """Return the cells of a line without the blanks around them."""
    if delimiter == " ":
        return line.split()
    return [cell.strip() for cell in next(csv.reader([line], delimiter=delimiter))]


def is_missing(cell: str) -> bool:
    """Tell whether a cell says that there is no value."""
    return cell.strip().lower() in _MISSING


def is_number(cell: str, decimal_point: str = ".") -> bool:
    """Tell whether a cell is a number; a missing value is not."""
    if is_missing(cell):
        return False
    try:
        float(cell.replace(",", ".") if decimal_point == "," else cell)
    except ValueError:
        return False
    return True


def _count_comments(lines: list[str]) -> int:
    """Return the number of lines that begin with '#', less one if the last of them is the header."""
    n_comments = 0
    while n_comments < len(lines) and lines[n_comments].startswith("#"):
        n_comments += 1
    if not 0 < n_comments < len(lines):
        return 0
    last = lines[n_comments - 1].removeprefix("#").strip()
    data = lines[n_comments]
    delimiter = _detect_delimiter([data, *lines[n_comments + 1 : n_comments + 5]])
    names, cells = split_line(last, delimiter), split_line(data, delimiter)
    is_header = len(names) == len(cells) and not any(is_number(name) for name in names)
    return n_comments - 1 if is_header and any(is_number(cell) for cell in cells) else n_comments


def _detect_delimiter(lines: list[str]) -> str:
    # A comma comes after the semicolon because it may be a decimal sign, the blank last because
    # blanks also stand around other delimiters.
    for delimiter in "\t;, ":
        counts = [len(split_line(line, delimiter)) for line in lines if line.strip()]
        n_agreeing = sum(count == counts[0] for count in counts)
        if counts[0] > 1 and 2 * n_agreeing > len(counts):
            return delimiter
    return ","


def _has_header(path: Path, rows: list[list[str]], column_names: Sequence[str] | None) -> bool:
    first = rows[0]
    numbers = [is_number(cell) or is_number(cell, ",") for cell in first]
    if column_names is None:
        if all(numbers):
            message = (
                f"{path} has no header: its first line is {shorten(first)}. "
                "Give the names of its columns with `columns:` in the source."
            )
            raise DataError(message)
        return True
    if first == list(column_names):
        return True
    if not any(numbers) and any(is_number(cell) for row in rows[1:2] for cell in row):
        message = (
            f"{path} has a header ({shorten(first)}), but other names are given with `columns:` "
            f"({shorten(column_names)}). Leave `columns:` out; it is for files without a header."
        )
        raise DataError(message)
    return False


def _clean_names(path: Path, cells: list[str]) -> tuple[str, ...]:
    # pandas leaves the name of its index empty.
    names = tuple(cell or f"unnamed_{index}" for index, cell in enumerate(cells))
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        message = (
            f"{path} names columns more than once in its header: {shorten(repeated)}. Give each its own name."
        )
        raise DataError(message)
    return names


def _uses_decimal_comma(rows: list[list[str]], delimiter: str) -> bool:
    if delimiter == ",":
        return False
    cells = [cell for row in rows for cell in row]
    with_comma = [cell for cell in cells if "," in cell and is_number(cell, ",")]
    return bool(with_comma) and not any("." in cell and is_number(cell) for cell in cells)
