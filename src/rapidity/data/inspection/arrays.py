"""Summaries of columns of arrays (images), read chunk by chunk: a table of them need not fit into memory."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from rapidity.data.column_types import rows_at_once
from rapidity.data.inspection.histogram import make_histogram
from rapidity.data.row_hash import hash_rows

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from rapidity.data.readers import Reader
    from rapidity.data.row_hash import HashArray

_MAX_KEPT = 1_000_000
"""Numbers that are kept for the histogram."""


@dataclass
class ArraySummary:
    """What the numbers in a column of arrays are like.

    Attributes
    ----------
    n_values
        Numbers that are not NaN.
    minimum, maximum
        Of the finite ones; infinite where there are none.
    hashes
        One an entry, equal for equal arrays.
    kept
        Some of the finite numbers.
    """

    n_values: int = 0
    n_nan: int = 0
    n_inf: int = 0
    minimum: float = np.inf
    maximum: float = -np.inf
    total: float = 0.0
    hashes: list[HashArray] = field(default_factory=list)
    kept: list[NDArray[Any]] = field(default_factory=list)
    n_kept: int = 0

    def add(self, values: NDArray[Any]) -> None:
        """Take in some entries ``(n_entries, ...)``."""
        self.hashes.append(hash_rows([values]))
        finite = values
        if values.dtype.kind == "f":
            finite = values[np.isfinite(values)]
            n_nan = int(np.isnan(values).sum())
            self.n_nan += n_nan
            self.n_inf += values.size - n_nan - finite.size
        self.n_values += values.size
        if finite.size:
            self.minimum = min(self.minimum, finite.min().item())
            self.maximum = max(self.maximum, finite.max().item())
            self.total += float(finite.sum(dtype=np.float64))
        if self.n_kept < _MAX_KEPT:
            self.kept.append(finite.ravel()[: _MAX_KEPT - self.n_kept].copy())
            self.n_kept += self.kept[-1].size

    def to_fields(self) -> dict[str, Any]:
        """Return the fields of a `ColumnSummary`."""
        n_finite = self.n_values - self.n_nan - self.n_inf
        has_any = n_finite > 0
        kept = np.unique(np.concatenate(self.kept), return_counts=True) if has_any else None
        return {
            "n_values": self.n_values - self.n_nan,
            "n_nan": self.n_nan,
            "n_inf": self.n_inf,
            "minimum": self.minimum if has_any else None,
            "maximum": self.maximum if has_any else None,
            "mean": self.total / n_finite if has_any else None,
            "histogram": None if kept is None else make_histogram(*kept),
        }


def summarise_arrays(reader: Reader, parts: Sequence[tuple[int, int]]) -> dict[str, ArraySummary]:
    """Return the summary of every column of arrays of numbers, of ranges of entries."""
    dtypes = {
        name: np.dtype((info.dtype, info.shape))
        for name, info in reader.columns.items()
        if info.kind == "array" and info.dtype is not None
    }
    summaries = {name: ArraySummary() for name in dtypes}
    for part in parts if dtypes else ():
        for chunk in reader.read(dtypes, rows_at_once(dtypes), part):
            for name, values in chunk.items():
                summaries[name].add(values)
    return summaries
