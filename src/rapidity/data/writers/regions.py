"""Rows whose places in a file are known, written past the library of its format."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    from rapidity.data.writers.writer import OutputColumn


@dataclass(frozen=True)
class Region:
    """Where the rows of a column stand in the file.

    Attributes
    ----------
    start
        Byte where the first row begins.
    dtype, shape
        Of a row.
    """

    start: int
    dtype: str
    shape: tuple[int, ...]

    @property
    def row_bytes(self) -> int:
        """Bytes of a row."""
        return np.dtype((self.dtype, self.shape)).itemsize


def has_fixed_size(column: OutputColumn) -> bool:
    """Return whether the rows of a column are equally long: not text, no lists."""
    return not column.is_jagged and np.dtype(column.dtype).kind not in "OUS"


def write_rows(
    path: Path, regions: Mapping[str, Region], first_row: int, rows: Mapping[str, NDArray[Any]]
) -> None:
    """Write rows to their place; of different rows, several processes may do so at once.

    Raises
    ------
    OSError
        If the operating system refuses.
    """
    with path.open("r+b", buffering=0) as stream:
        for name, region in regions.items():
            values = np.ascontiguousarray(rows[name], region.dtype)
            remaining = values.reshape(-1).view(np.uint8).data
            start = region.start + first_row * region.row_bytes
            while remaining:
                n_written = os.pwrite(stream.fileno(), remaining, start)
                remaining, start = remaining[n_written:], start + n_written
