"""The files in which parts of a conversion wait for being put together: NumPy arrays, one after the other.

They live in the folder beside the output until it is whole, are read once, and are of no use to anybody else.
"""

from __future__ import annotations

import os
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


@contextmanager
def write_part(path: Path) -> Iterator[Callable[[Sequence[NDArray[Any]]], None]]:
    """Yield a function that appends arrays; the file takes its name when the block ends without error.

    It is not flushed to the disk: that of hundreds of parts would take longer than the conversion. A
    program that is killed loses nothing by it.
    """
    temporary = path.with_name(f".{path.name}-{os.getpid()}")
    try:
        with temporary.open("wb") as stream:

            def append(arrays: Sequence[NDArray[Any]]) -> None:
                for array in arrays:
                    np.lib.format.write_array(stream, _as_storable(array), allow_pickle=False)

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
