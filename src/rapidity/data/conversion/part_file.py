"""The files in which parts of a conversion wait for being put together: arrays, one after the other.

They live in the folder beside the output until it is whole, are read once, and are of no use to anybody else.
Before the arrays of a chunk stand their types and shapes in JSON: the header of a ``.npy`` file is parsed as
Python, which for the many small arrays of a part takes as long as reading them.
"""

from __future__ import annotations

import json
import math
import os
import struct
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np

from rapidity.core.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

FORMAT = 2
"""Part of what identifies a part; it grows when parts written before would be misread."""

_LENGTH = struct.Struct("<q")


class UnwritablePartError(DataError):
    """The parts cannot be written: nothing is wrong with the file that is read."""


def report_unwritable(path: Path, error: OSError) -> UnwritablePartError:
    """Return the error to raise where a part could not be written."""
    message = (
        f"cannot write {path}, a part of the conversion: {error.strerror or error}. The parts that are done "
        "stay: free some space, and the same command goes on from there; or choose another folder for the "
        "output."
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
                storable = [_as_storable(array) for array in arrays]
                try:
                    _write_arrays(stream, storable)
                except OSError as error:
                    raise report_unwritable(path, error) from error

            yield append
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def read_part(path: Path) -> Iterator[list[NDArray[Any]]]:
    """Yield the arrays of a part, one chunk of them at a time.

    Raises
    ------
    DataError
        If the file does not hold what was written.
    """
    try:
        with path.open("rb") as stream:
            size = path.stat().st_size
            while stream.tell() < size:
                yield [_read_array(stream, dtype, shape) for dtype, shape in _read_header(stream)]
    except (OSError, ValueError, TypeError, struct.error) as error:
        message = (
            f"{path}, a part of a conversion, cannot be read: {error}. Remove the folder {path.parent}, and "
            "convert again."
        )
        raise DataError(message) from error


def _write_arrays(stream: BinaryIO, arrays: Sequence[NDArray[Any]]) -> None:
    header = json.dumps([(array.dtype.str, array.shape) for array in arrays]).encode()
    stream.write(_LENGTH.pack(len(header)) + header)
    stream.writelines(array.reshape(-1).view(np.uint8).data for array in arrays)
    stream.flush()


def _read_header(stream: BinaryIO) -> Any:
    (length,) = _LENGTH.unpack(stream.read(_LENGTH.size))
    return json.loads(stream.read(length))


def _read_array(stream: BinaryIO, dtype: str, shape: Sequence[int]) -> NDArray[Any]:
    n_values = math.prod(shape)
    values = np.fromfile(stream, np.dtype(dtype), n_values)
    if len(values) != n_values:
        message = f"it ends after {len(values)} of {n_values} values"
        raise ValueError(message)
    return values.reshape(shape)


def _as_storable(array: NDArray[Any]) -> NDArray[Any]:
    """Return text as an array of fixed width, which needs no pickle."""
    return array.astype(str) if array.dtype.kind == "O" else np.ascontiguousarray(array)
