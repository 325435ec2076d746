"""IDX files, the format of MNIST: one array of numbers, plain or gzipped.

Format: two zero bytes, a code for the type, the number of axes, the length of each axis as a big-endian
32-bit integer, then the values, big-endian, the last axis fastest (Y. LeCun, C. Cortes, C. Burges,
http://yann.lecun.com/exdb/mnist).
"""

from __future__ import annotations

import gzip
import math
import os
import struct
import zlib
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any, BinaryIO, cast

import numpy as np

from rapidity.core.errors import DataError
from rapidity.data.readers.arrays import ArrayReader, ArraySource, name_plain_array
from rapidity.data.readers.reader import TableInfo

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

TYPES = {0x08: "u1", 0x09: "i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
"""Code in the magic number -> type of the values."""

MAX_AXES = 4
"""Images of several channels have four; a file with more is recognised by its name only."""

SIGNATURES = tuple(bytes((0, 0, code, n_axes)) for code in TYPES for n_axes in range(1, MAX_AXES + 1))
"""First bytes of such files."""

COLUMN_NAMES = {1: "label", 2: "values"}
"""Number of axes -> name of the column; more axes make an `image`."""


def list_tables(path: Path) -> list[TableInfo]:
    """Return the one table of the file."""
    with _open_sources(path, None) as sources:
        shape = sources[0].values.shape
        return [TableInfo("", f"array {shape}", shape[0])]


def open_table(path: Path, table: str | None, column_names: Sequence[str] | None) -> ArrayReader:
    """Open the file; one array is one table."""
    return ArrayReader(path, "", partial(_open_sources, path, column_names))


@contextmanager
def _open_sources(path: Path, column_names: Sequence[str] | None) -> Iterator[list[ArraySource]]:
    try:
        with _open_stream(path) as stream:
            array = _IdxArray(stream, path)
            name = COLUMN_NAMES.get(len(array.shape), "image")
            yield name_plain_array([ArraySource(name, array)], column_names)
    except EOFError as error:
        message = f"{path} is truncated: the compressed data end in the middle. Copy or download it again."
        raise DataError(message) from error
    except (zlib.error, gzip.BadGzipFile) as error:
        message = f"{path} cannot be decompressed ({error}). Copy or download it again."
        raise DataError(message) from error


def _open_stream(path: Path) -> BinaryIO:
    with path.open("rb") as stream:
        is_gzipped = stream.read(2) == b"\x1f\x8b"
    return cast("BinaryIO", gzip.open(path, "rb") if is_gzipped else path.open("rb"))


class _IdxArray:
    """The array of a file, whose slices are taken in ascending order."""

    def __init__(self, stream: BinaryIO, path: Path) -> None:
        self._stream = stream
        self._path = path
        self.dtype, n_axes = _read_magic(stream, path)
        lengths = stream.read(4 * n_axes)
        if len(lengths) < 4 * n_axes:
            message = (
                f"{path} is truncated: found {len(lengths)} of the {4 * n_axes} bytes that give the lengths "
                f"of its {n_axes} axes. Copy or download it again."
            )
            raise DataError(message)
        self.shape: tuple[int, ...] = struct.unpack(f">{n_axes}I", lengths)
        self._n_read = 0
        if self.shape[0] == 0:
            self._check_end()

    def __getitem__(self, rows: slice) -> NDArray[Any]:
        if rows.start > self._n_read:
            self._stream.seek((rows.start - self._n_read) * self._bytes_per_row, os.SEEK_CUR)
            self._n_read = rows.start
        n_rows = max(min(rows.stop, self.shape[0]) - self._n_read, 0)
        row_shape = self.shape[1:]
        n_bytes = n_rows * self._bytes_per_row
        content = self._stream.read(n_bytes)
        if len(content) < n_bytes:
            found = self._n_read * self._bytes_per_row + len(content)
            message = (
                f"{self._path} is truncated: found {found:,} bytes of values, expected {self._n_bytes:,} for "
                f"the shape {self.shape} in its header. Copy or download it again."
            )
            raise DataError(message)
        self._n_read += n_rows
        if self._n_read == self.shape[0]:
            self._check_end()
        return np.frombuffer(content, self.dtype).reshape(n_rows, *row_shape)

    @property
    def _bytes_per_row(self) -> int:
        return self.dtype.itemsize * math.prod(self.shape[1:])

    @property
    def _n_bytes(self) -> int:
        return self.shape[0] * self._bytes_per_row

    def _check_end(self) -> None:
        if self._stream.read(1):
            message = (
                f"{self._path} is too long: found bytes after the {self._n_bytes:,} bytes of values that the "
                f"shape {self.shape} in its header means. It was damaged or joined with another file: copy "
                "or download it again."
            )
            raise DataError(message)


def _read_magic(stream: BinaryIO, path: Path) -> tuple[np.dtype[Any], int]:
    """Return type and number of axes."""
    magic = stream.read(4)
    if len(magic) == 4 and magic[:2] == b"\0\0" and magic[2] in TYPES and magic[3] > 0:
        return np.dtype(TYPES[magic[2]]), magic[3]
    known = ", ".join(f"0x{code:02X} ({np.dtype(kind).name})" for code, kind in TYPES.items())
    if len(magic) == 4 and magic[:2] == b"\0\0" and magic[3] > 0:
        message = (
            f"{path} is an IDX file of values of an unknown type: found the code 0x{magic[2]:02X} in its "
            f"magic number 0x{magic.hex().upper()}, expected one of {known}. Write it with one of these."
        )
        raise DataError(message)
    message = (
        f"{path} is not an IDX file: found the magic number 0x{magic.hex().upper()}, expected two zero "
        f"bytes, the code of a type ({known}) and the number of axes, such as 0x00000803 for images. "
        "Give the file that you mean, or download it again."
    )
    raise DataError(message)
