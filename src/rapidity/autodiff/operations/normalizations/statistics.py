"""What a normalisation takes off and divides by."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from rapidity.autodiff.workspace import Array

BLOCK_VALUES = 1 << 17
"""Values gone through at a time; they stay in the cache from one pass to the next."""


class Statistics(NamedTuple):
    """Mean and variance in the type of the values, the variance divided by n and not by n - 1."""

    mean: Array
    variance: Array


def blocks_of(rows: Array) -> list[slice]:
    """Return slices of consecutive rows that cover a matrix."""
    length = max(1, BLOCK_VALUES // max(1, rows.shape[1]))
    return [slice(start, start + length) for start in range(0, len(rows), length)]
