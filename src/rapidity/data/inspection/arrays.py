"""Summaries of columns of arrays (images), read chunk by chunk: a table of them need not fit into memory."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from rapidity.data.columns import rows_at_once
from rapidity.data.row_hash import hash_rows

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from rapidity.data.readers import Reader
    from rapidity.data.row_hash import HashArray


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
    """

    n_values: int = 0
    n_nan: int = 0
    n_inf: int = 0
    minimum: float = np.inf
    maximum: float = -np.inf
    total: float = 0.0
    hashes: list[HashArray] = field(default_factory=list)

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

    def to_fields(self) -> dict[str, Any]:
        """Return the fields of a `ColumnSummary`."""
        n_finite = self.n_values - self.n_nan - self.n_inf
        has_any = n_finite > 0
        return {
            "n_values": self.n_values - self.n_nan,
            "n_nan": self.n_nan,
            "n_inf": self.n_inf,
            "minimum": self.minimum if has_any else None,
            "maximum": self.maximum if has_any else None,
            "mean": self.total / n_finite if has_any else None,
        }


def summarise_arrays(reader: Reader, max_entries: int) -> dict[str, ArraySummary]:
    """Return the summary of every column of arrays of numbers, of its first entries."""
    dtypes = {
        name: np.dtype((info.dtype, info.shape))
        for name, info in reader.columns.items()
        if info.kind == "array" and info.dtype is not None
    }
    summaries = {name: ArraySummary() for name in dtypes}
    if not dtypes:
        return summaries
    n_left = max_entries
    for chunk in reader.read(dtypes, rows_at_once(dtypes)):
        for name, values in chunk.items():
            summaries[name].add(values[:n_left])
        n_left -= len(next(iter(chunk.values())))
        if n_left <= 0:
            break
    return summaries
