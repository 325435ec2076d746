"""The files in which parts of a conversion wait for being put together: NumPy arrays, one after the other.

They live in the folder beside the output until it is whole, are read once, and are of no use to anybody else.
"""

from __future__ import annotations

import errno
import os
import shutil
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

from rapidity.core.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

FORMAT = 1
"""Part of what identifies a part; it grows when parts written before would be misread."""


class UnwritablePartError(DataError):
    """The parts cannot be written: nothing is wrong with the file that is read."""


def report_unwritable(path: Path, error: OSError, n_bytes: int) -> UnwritablePartError:
    """Return the error to raise where `n_bytes` could not be written.

    NumPy says how much it has written, but not why it stopped.
    """
    why = error.strerror or str(error)
    if error.errno is None and shutil.disk_usage(path.parent).free < n_bytes:
        why = os.strerror(errno.ENOSPC)
    message = (
        f"cannot write {path}, a part of the conversion: {why}. The parts that are done stay: free some "
        "space, and the same command goes on from there; or choose another folder for the output."
    )
    return UnwritablePartError(message)


@contextmanager
def write_part(path: Path) -> Iterator[Callable[[Sequence[NDArray[Any]]], None]]:
    """Yield a function that appends arrays; the file takes its name when the block ends without error.

    It is not flushed to the disk: that of hundreds of parts would take longer than the conversion. A
    program that is killed loses nothing by it.

    Raises
    ------
    UnwritablePartError
        If there is no space left, or the disk refuses otherwise.
    """
    temporary = path.with_name(f".{path.name}-{os.getpid()}")
    try:
        with temporary.open("wb") as stream:

            def append(arrays: Sequence[NDArray[Any]]) -> None:
                for array in arrays:
                    storable = _as_storable(array)
                    try:
                        np.lib.format.write_array(stream, storable, allow_pickle=False)
                        stream.flush()
                    except OSError as error:
                        raise report_unwritable(path, error, storable.nbytes) from error

            yield append
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def read_part(path: Path, n_arrays: int) -> Iterator[list[NDArray[Any]]]:
    """Yield the arrays of a part, `n_arrays` at a time.

    Raises
    ------
    DataError
        If the file does not hold what was written.
    """
    try:
        with path.open("rb") as stream:
            size = path.stat().st_size
            while stream.tell() < size:
                yield [np.lib.format.read_array(stream, allow_pickle=False) for _ in range(n_arrays)]
    except (OSError, ValueError, EOFError) as error:
        message = (
            f"{path}, a part of a conversion, cannot be read: {error}. Remove the folder {path.parent}, and "
            "convert again."
        )
        raise DataError(message) from error


def _as_storable(array: NDArray[Any]) -> NDArray[Any]:
    """Return text as an array of fixed width, which needs no pickle."""
    return array.astype(str) if array.dtype.kind == "O" else np.ascontiguousarray(array)
