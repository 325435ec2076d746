"""Opening HDF5 files for writing such that a full disk is an error, not a crash.

When a write fails, the HDF5 library cannot close its file any more, and the process dies of a memory
fault when it ends. Here the library writes through a Python file that takes everything; what the
operating system refused is raised afterwards.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import h5py

if TYPE_CHECKING:
    from collections.abc import Iterator
    from io import FileIO
    from pathlib import Path


class GuardedStream:
    """A file for the HDF5 library that keeps the first error of writing for later."""

    def __init__(self, raw: FileIO) -> None:
        self._raw = raw
        self._failure: OSError | None = None

    def raise_failure(self) -> None:
        """Raise what the operating system refused, if anything."""
        if self._failure is not None:
            raise self._failure

    def write(self, content: Any) -> int:
        """Write all bytes, or pretend to after a failure."""
        remaining = memoryview(content).cast("B")
        size = len(remaining)
        try:
            while len(remaining) and self._failure is None:
                remaining = remaining[self._raw.write(remaining) :]
        except OSError as error:
            self._failure = error
        return size

    def truncate(self, size: int | None = None) -> int:
        """Set the size of the file, or pretend to after a failure."""
        try:
            if self._failure is None:
                return self._raw.truncate(size)
        except OSError as error:
            self._failure = error
        return size or 0

    def read(self, size: int = -1) -> bytes | None:
        """Read bytes (h5py recognises a Python file by this)."""
        return self._raw.read(size)

    def readinto(self, buffer: Any) -> int | None:
        """Read into the buffer."""
        return self._raw.readinto(buffer)

    def seek(self, offset: int, whence: int = 0) -> int:
        """Go to a position."""
        return self._raw.seek(offset, whence)

    def tell(self) -> int:
        """Return the position."""
        return self._raw.tell()

    def flush(self) -> None:
        """Do nothing: the raw file has no buffer."""


def create_group(parent: Any, name: str) -> Any:
    """Create a group that keeps its members in order, and no time: files of the same content are the same."""
    settings = h5py.h5p.create(h5py.h5p.GROUP_CREATE)
    settings.set_obj_track_times(False)
    in_order = h5py.h5p.CRT_ORDER_TRACKED | h5py.h5p.CRT_ORDER_INDEXED
    settings.set_link_creation_order(in_order)
    settings.set_attr_creation_order(in_order)
    return h5py.Group(h5py.h5g.create(parent.id, name.encode(), None, settings))


@contextmanager
def create_hdf5(path: Path) -> Iterator[tuple[Any, GuardedStream]]:
    """Create an HDF5 file; the stream tells whether writing has failed so far."""
    with path.open("w+b", buffering=0) as raw:
        stream = GuardedStream(raw)
        with h5py.File(stream, "w") as file:
            yield file, stream
        stream.raise_failure()


@contextmanager
def change_hdf5(path: Path) -> Iterator[tuple[Any, GuardedStream]]:
    """Open an HDF5 file to add to it; the stream tells whether writing has failed so far."""
    with path.open("r+b", buffering=0) as raw:
        stream = GuardedStream(raw)
        with h5py.File(stream, "r+") as file:
            yield file, stream
        stream.raise_failure()
