"""NPY files: one NumPy array, structured or plain."""

from __future__ import annotations

from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from rapidity.core.errors import DataError
from rapidity.data.readers.arrays import ArrayReader, ArraySource, name_plain_array
from rapidity.data.readers.reader import TableInfo

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path


def list_tables(path: Path) -> list[TableInfo]:
    """Return the one table of the file."""
    with _open_sources(path, None) as sources:
        return [TableInfo("", "array", len(sources[0].values))]


def open_table(path: Path, table: str | None, column_names: Sequence[str] | None) -> ArrayReader:
    """Open the file; one array is one table."""
    return ArrayReader(path, "", partial(_open_sources, path, column_names))


@contextmanager
def _open_sources(path: Path, column_names: Sequence[str] | None) -> Iterator[list[ArraySource]]:
    try:
        # Mapped, not read: only the rows of one chunk are in memory at a time.
        array = np.load(path, mmap_mode="r", allow_pickle=False)
    except (ValueError, EOFError, OSError) as error:
        message = (
            f"{path} cannot be read as a NumPy array: {error}. It may be truncated, or hold Python objects, "
            "which are not read because they can run code. Save it again as an array of numbers."
        )
        raise DataError(message) from error
    if array.ndim == 0:
        message = f"{path} holds a single value, expected an array with one row an event."
        raise DataError(message)
    yield name_plain_array([ArraySource(path.stem, array)], column_names)
