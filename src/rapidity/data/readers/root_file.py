"""Opening ROOT files, and saying what is wrong with damaged ones."""

from __future__ import annotations

import struct
import zlib
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import deflate
import uproot
from uproot.deserialization import DeserializationError

from rapidity.core.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_DAMAGE = (
    OSError, ValueError, KeyError, IndexError, EOFError, NotImplementedError, AssertionError, RecursionError,
    struct.error, zlib.error, deflate.DeflateError, DeserializationError,
)  # fmt: skip
"""What is raised when the bytes of a file make no sense: it depends on which byte comes first."""

_LARGE_FILE_VERSION = 1_000_000
"""From this version number on, positions in the header of a file have 8 bytes."""


@contextmanager
def open_file(path: Path) -> Iterator[Any]:
    """Open a ROOT file; truncated and damaged ones are a DataError, also while it is read."""
    _check_size(path)
    with report_damage(path):
        # The file is read by seeking: memory mapping counts its pages as ours.
        file = uproot.open(path, handler=uproot.source.file.MultithreadedFileSource, num_workers=1)
    with file:
        yield file


@contextmanager
def report_damage(path: Path, place: str = "") -> Iterator[None]:
    """Turn what uproot raises on nonsensical bytes into a DataError that names the file.

    Parameters
    ----------
    place
        What of it is being read.
    """
    try:
        yield
    except DataError:
        raise
    except _DAMAGE as error:
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        where = f"{place} of {path}" if place else f"{path}"
        message = f"{where} cannot be read, the file seems to be damaged: {reason}. Copy or write it again."
        raise DataError(message) from error


def _check_size(path: Path) -> None:
    """Compare the size of the file with the one in its header (ROOT's ``fEND``)."""
    with path.open("rb") as stream:
        header = stream.read(20)
    if len(header) < 20:
        message = f"{path} is truncated: it has {len(header)} bytes. Copy or write it again."
        raise DataError(message)
    (version,) = struct.unpack(">i", header[4:8])
    (end,) = (
        struct.unpack(">q", header[12:20])
        if version >= _LARGE_FILE_VERSION
        else struct.unpack(">i", header[12:16])
    )
    size = path.stat().st_size
    if size < end:
        message = f"{path} is truncated: it has {size:,} of {end:,} bytes. Copy or write it again."
        raise DataError(message)
