"""Raw columns that are too large for memory, in files that no one else sees.

The files have no name, so nothing is left of them when the process ends, however it ends. They are written
once, as the events are read, and then mapped into memory.
"""

from __future__ import annotations

import errno
import shutil
import tempfile
from typing import TYPE_CHECKING, Any

import numpy as np

from rapidity.core.errors import DataError
from rapidity.core.sizes import show_size
from rapidity.data.disk_array import DiskArray
from rapidity.data.growing import GrowingArray

if TYPE_CHECKING:
    from pathlib import Path
    from typing import BinaryIO

    from numpy.typing import DTypeLike, NDArray

LEAST_PAGES = 2**22
"""Giving pages back more often than every so many bytes costs more than they are worth."""


class Spool:
    """Where arrays are collected that memory may not hold: all of them in memory, or all of them on disk.

    Parameters
    ----------
    folder
        An existing folder on a disk with room for the columns.
    memory
        Bytes that the arrays may take in memory together, before they go to disk.
    """

    def __init__(self, folder: Path, memory: int) -> None:
        self.folder = folder
        self.memory = memory
        self.is_on_disk = False
        self._growing: list[SpooledArray] = []
        self._mapped: list[DiskArray] = []
        self._n_held = 0
        self._n_touched = 0

    @property
    def n_held(self) -> int:
        """Bytes that the arrays take in memory."""
        return self._n_held

    def has_room(self, n_bytes: int) -> bool:
        """Tell whether, beside what is held, so many bytes more fit into memory."""
        return self._n_held + n_bytes <= self.memory

    def make_array(self, dtype: DTypeLike) -> GrowingArray:
        """Return an array to append to."""
        if np.dtype(dtype).base.kind == "O":
            return GrowingArray(dtype)
        growing = SpooledArray(dtype, self)
        self._growing.append(growing)
        if self.is_on_disk:
            growing.move_to_disk()
        return growing

    def count(self, n_bytes: int) -> None:
        """Take note of bytes that have come into memory; beyond the bound, all goes to disk."""
        self._n_held += n_bytes
        if self._n_held > self.memory:
            self.move_to_disk()

    def reserve(self, n_bytes: int) -> None:
        """Go to disk if, beside what is held, there is no room in memory for so many bytes more."""
        if not self.has_room(n_bytes):
            self.move_to_disk()

    def require_disk(self, n_bytes: int, purpose: str) -> None:
        """Raise a DataError unless the disk has room for so many bytes; better now than half-way."""
        free = shutil.disk_usage(self.folder).free
        if n_bytes > free:
            raise full_disk(
                self.folder, f"{purpose} need {show_size(n_bytes)}, and {show_size(free)} are free"
            )

    def move_to_disk(self) -> None:
        """Write what is held to files, and from now on all that comes."""
        if self.is_on_disk:
            return
        self.is_on_disk = True
        for growing in self._growing:
            growing.move_to_disk()
        self._n_held = 0

    def open_file(self) -> BinaryIO:
        """Return a new file without a name."""
        try:
            return tempfile.TemporaryFile(dir=self.folder, buffering=0)
        except OSError as error:
            message = (
                f"cannot write columns to {self.folder}: {error.strerror}. data.memory needs a disk there."
            )
            raise DataError(message) from error

    def adopt(self, array: DiskArray) -> DiskArray:
        """Keep account of a mapped array."""
        self._mapped.append(array)
        return array

    def touch(self, n_bytes: int) -> None:
        """Take note of pages that were read; at an eighth of the bound they are given back."""
        self._n_touched += n_bytes
        if self._n_touched > max(self.memory // 8, LEAST_PAGES):
            self.release()

    def release(self) -> None:
        """Give the pages of all mapped arrays back to the system."""
        self._n_touched = 0
        for array in self._mapped:
            array.release()


class SpooledArray(GrowingArray):
    """A `GrowingArray` that goes on in a file when its spool does."""

    def __init__(self, dtype: DTypeLike, spool: Spool) -> None:
        super().__init__(dtype)
        self._dtype = np.dtype(dtype)
        self._spool = spool
        self._file: BinaryIO | None = None

    def append(self, values: NDArray[Any]) -> None:
        """Add values at the end, converted to the dtype."""
        if self._file is not None:
            self._write(self._file, values)
            return
        super().append(values)
        self._spool.count(len(values) * self._dtype.itemsize)

    def move_to_disk(self) -> None:
        """Write the values so far to a file, and from now on all that come."""
        self._file = self._spool.open_file()
        held, self._block = self._block[: self._n_values], self._block[:0].copy()
        self._n_values = 0
        self._write(self._file, held)

    def __del__(self) -> None:
        """Close the file of an array that was never finished."""
        if self._file is not None:
            self._file.close()

    def finish(self) -> NDArray[Any]:
        """Return all values; nothing can be added afterwards."""
        if self._file is None:
            return super().finish()
        # The map keeps the file; its number need not stay open, of which a process has few.
        with self._file as file:
            return self._spool.adopt(DiskArray.open(file, self._dtype, self._n_values, self._spool))

    def _write(self, file: BinaryIO, values: NDArray[Any]) -> None:
        if not values.size:
            return
        content = np.ascontiguousarray(values, dtype=self._dtype.base).data.cast("B")
        try:
            while len(content):
                content = content[file.write(content) :]
        except OSError as error:
            if error.errno not in (errno.ENOSPC, errno.EDQUOT):
                raise
            raise full_disk(self._spool.folder, "columns beyond data.memory are kept there") from error
        self._n_values += len(values)


def full_disk(folder: Path, why: str) -> DataError:
    """Return the error for a disk without room."""
    message = (
        f"the disk of {folder} has not enough room: {why}. Free some space, write the run to another disk "
        "(--output), or raise data.memory if there is memory."
    )
    return DataError(message)
