"""NPZ files: several NumPy arrays in one archive, read as streams so that memory stays flat."""

from __future__ import annotations

import os
import zipfile
import zlib
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from rapidity.core.errors import DataError, shorten
from rapidity.data.readers.arrays import ArrayReader, ArraySource, name_plain_array
from rapidity.data.readers.reader import TableInfo

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

_DAMAGE = (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError, NotImplementedError)
"""What reading an archive raises when its bytes make no sense: it depends on which byte comes first."""

ALL_ARRAYS = "all arrays"
"""Name of the table whose columns are the arrays of a file that have equally many rows."""


def list_tables(path: Path) -> list[TableInfo]:
    """Return the tables: all arrays together if they have equally many rows, else each array."""
    with _open_archive(path) as arrays:
        lengths = {name: array.shape[0] for name, array in arrays.items() if array.shape}
        structured = any(array.dtype.names for array in arrays.values())
        if len(arrays) > 1 and len(set(lengths.values())) == 1 and not structured:
            return [TableInfo(ALL_ARRAYS, f"{len(arrays)} arrays", next(iter(lengths.values())))]
        return [TableInfo(name, f"array {arrays[name].shape}", length) for name, length in lengths.items()]


def resolve_table(path: Path, name: str | None) -> str | None:
    """Return the array of this name, or the only table; None if that is not one."""
    if name is None:
        tables = list_tables(path)
        return tables[0].name if len(tables) == 1 else None
    with _open_archive(path) as arrays:
        return name if name in {*arrays, ALL_ARRAYS} else None


def open_table(path: Path, table: str, column_names: Sequence[str] | None) -> ArrayReader:
    """Open one array, or all of them, as a table."""
    return ArrayReader(path, table, partial(_open_sources, path, table, column_names))


@contextmanager
def _open_sources(path: Path, table: str, column_names: Sequence[str] | None) -> Iterator[list[ArraySource]]:
    with _open_archive(path) as arrays:
        names = list(arrays) if table == ALL_ARRAYS else [table]
        yield name_plain_array([ArraySource(name, arrays[name]) for name in names], column_names)


@contextmanager
def _open_archive(path: Path) -> Iterator[dict[str, _StreamedArray]]:
    try:
        with zipfile.ZipFile(path) as archive, ExitStack() as opened:
            yield {
                name.removesuffix(".npy"): _StreamedArray(
                    opened.enter_context(archive.open(name)), path, name
                )
                for name in _find_arrays(archive, path)
            }
    except DataError:
        raise
    except _DAMAGE as error:
        message = f"{path} cannot be read, perhaps it is truncated: {error}. Copy or write it again."
        raise DataError(message) from error


def _find_arrays(archive: zipfile.ZipFile, path: Path) -> list[str]:
    members = [name for name in archive.namelist() if name.endswith(".npy")]
    if not members:
        message = f"{path} is a zip archive without NumPy arrays; it holds: {shorten(archive.namelist())}"
        raise DataError(message)
    return members


class _StreamedArray:
    """An array inside an archive, whose slices are taken in ascending order."""

    def __init__(self, stream: Any, path: Path, name: str) -> None:
        self._stream = stream
        self._name = f"array '{name.removesuffix('.npy')}' of {path}"
        self._position = 0
        self._whole: NDArray[Any] | None = None
        version = np.lib.format.read_magic(stream)
        read_header = (
            np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        )
        self.shape, self._is_fortran, self.dtype = read_header(stream)

    def __getitem__(self, rows: slice) -> NDArray[Any]:
        if self.dtype.hasobject:
            message = (
                f"{self._name} holds Python objects, which are not read because they can run code. "
                "Save it again as an array of numbers or text."
            )
            raise DataError(message)
        if self._is_fortran and len(self.shape) > 1:
            return self._read_whole()[rows]
        row_shape = self.shape[1:]
        row_bytes = self.dtype.itemsize * int(np.prod(row_shape))
        if rows.start > self._position:
            self._stream.seek((rows.start - self._position) * row_bytes, os.SEEK_CUR)
            self._position = rows.start
        n_rows = max(min(rows.stop, self.shape[0]) - self._position, 0)
        n_bytes = n_rows * row_bytes
        content = self._stream.read(n_bytes)
        if len(content) < n_bytes:
            message = f"{self._name} is truncated. Copy or write the file again."
            raise DataError(message)
        self._position += n_rows
        return np.frombuffer(content, self.dtype).reshape(n_rows, *row_shape)

    def _read_whole(self) -> NDArray[Any]:
        # The columns of such an array lie one after the other, so no row is together before its end.
        if self._whole is None:
            values = np.frombuffer(self._stream.read(), self.dtype)
            self._whole = values.reshape(self.shape, order="F")
        return self._whole
