"""Hashes of rows, to find equal events and to draw reproducible numbers from the identity of an event."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from rapidity.core.jagged import Jagged

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

HashArray = np.ndarray[Any, np.dtype[np.uint64]]

# Constants of SplitMix64 (Steele, Lea and Flood, OOPSLA 2014, https://doi.org/10.1145/2660193.2660195).
GOLDEN_GAMMA = np.uint64(0x9E3779B97F4A7C15)
FIRST_FACTOR = np.uint64(0xBF58476D1CE4E5B9)
SECOND_FACTOR = np.uint64(0x94D049BB133111EB)
# Rows hashed at a time: the intermediate arrays then stay in the processor's cache.
BLOCK = 16_384
NUMBERS_AT_ONCE = 2**18
"""Of columns of arrays so many numbers are hashed at a time."""


def mix(bits: HashArray) -> HashArray:
    """Scramble 64-bit integers: equal ones stay equal, different ones become independent (SplitMix64)."""
    bits = bits + GOLDEN_GAMMA
    # In place, with one array beside it: half the time of new arrays for each step.
    shifted = bits >> np.uint64(30)
    for shift, factor in ((np.uint64(27), FIRST_FACTOR), (np.uint64(31), SECOND_FACTOR)):
        bits ^= shifted
        bits *= factor
        np.right_shift(bits, shift, out=shifted)
    bits ^= shifted
    return bits


def hash_rows(columns: Sequence[NDArray[Any] | Jagged], start: HashArray | None = None) -> HashArray:
    """Return a 64-bit hash of each row of some numeric columns ``(n_events,)`` or ``(n_events, ...)``.

    Equal rows have equal hashes; -0 equals 0 and NaN equals NaN. Jagged columns are equal where they hold
    equal values in the same order. Two different rows among a million share a hash with a probability of
    3e-8.

    Parameters
    ----------
    start
        Numbers that enter the hash of each row before the columns (a class, a seed).

    Examples
    --------
    >>> hashes = hash_rows([np.array([1.0, 2.0, 1.0]), np.array([0.0, 0.0, -0.0])])
    >>> bool(hashes[0] == hashes[2]), bool(hashes[0] == hashes[1])
    (True, False)
    """
    n_events = len(columns[0])
    hashes = np.zeros(n_events, dtype=np.uint64)
    for first in range(0, n_events, BLOCK):
        block = hashes[first : first + BLOCK]
        if start is not None:
            # Mixed first: else sample 1 with event 6 would equal sample 0 with event 7 (1 ^ 6 is 0 ^ 7).
            block = mix(start[first : first + BLOCK].astype(np.uint64))
        for column in columns:
            if not isinstance(column, Jagged) and column.ndim > 1:
                block = mix(block ^ _hash_arrays(column, first, first + len(block)))
                continue
            values = column[first : first + BLOCK]
            # Mixing after every column makes the hash depend on which column a value stands in.
            if isinstance(values, Jagged):
                block = _mix_jagged(block, values)
                continue
            block = mix(block ^ _bits(values))
        hashes[first : first + BLOCK] = block
    return hashes


def find_empty(columns: Sequence[NDArray[Any] | Jagged], n_events: int) -> NDArray[np.bool_]:
    """Return which events hold no number at all ``(n_events,)``: all their columns are lists, and empty.

    They look the same without being the same event.

    Examples
    --------
    >>> jets = Jagged.from_counts(np.array([5.0]), np.array([1, 0]))
    >>> find_empty([jets], 2).tolist(), find_empty([jets, np.array([1.0, 2.0])], 2).tolist()
    ([False, True], [False, False])
    """
    is_empty = np.full(n_events, bool(columns))
    for column in columns:
        is_empty &= column.counts == 0 if isinstance(column, Jagged) else np.False_
    return is_empty


def _mix_jagged(hashes: HashArray, values: Jagged) -> HashArray:
    """Return the hashes with the values of a jagged column, and their number, mixed in."""
    counts = values.counts
    # The number first: else ([1, 2], [3]) in two columns would equal ([1], [2, 3]).
    hashes = mix(hashes ^ counts.view(np.uint64))
    bits = _bits(values.content)
    for position in range(int(counts.max(initial=0))):
        rows = np.flatnonzero(counts > position)
        hashes[rows] = mix(hashes[rows] ^ bits[values.offsets[rows] + position])
    return hashes


def _hash_arrays(column: NDArray[Any], first: int, stop: int) -> HashArray:
    """Return a hash of each array in some rows of a column ``(n_events, ...)``, a few arrays at a time.

    The numbers of an array are mixed each with its place and added up, so that one step takes all places of
    a few arrays, not one place of many: of images few are in memory.
    """
    n_values = math.prod(column.shape[1:])
    size = max(NUMBERS_AT_ONCE // max(n_values, 1), 1)
    hashes = np.empty(stop - first, np.uint64)
    for start in range(first, stop, size):
        values = column[start : min(start + size, stop)]
        bits = _pack(values.reshape(len(values), n_values))
        places = np.arange(1, bits.shape[1] + 1, dtype=np.uint64) * GOLDEN_GAMMA
        hashes[start - first : start - first + len(values)] = mix(bits ^ places).sum(axis=1)
    return hashes


def _pack(rows: NDArray[Any]) -> HashArray:
    """Return rows of small numbers several in one 64-bit integer: a picture of 784 bytes is 98 of them."""
    if rows.dtype.kind == "f" and rows.dtype.itemsize == 4:
        # Adding 0 makes -0 the same as 0; there are many ways to write NaN.
        rows = np.where(np.isnan(rows), np.float32(np.nan), rows + np.float32(0)).view(np.uint32)
    if rows.dtype.kind not in "iub" or rows.dtype.itemsize == 8:
        return _bits(rows)
    n_missing = -rows.shape[1] % (8 // rows.dtype.itemsize)
    padded = np.pad(rows, ((0, 0), (0, n_missing)))
    return np.ascontiguousarray(padded).view(np.uint64)


def _bits(values: NDArray[Any]) -> HashArray:
    """Return the values as 64-bit integers, equal ones as equal integers."""
    if values.dtype.kind in "iub":
        return values.astype(np.int64).view(np.uint64)
    exact = values.astype(np.float64)
    exact += 0.0  # -0.0 + 0.0 is 0.0
    missing = np.isnan(exact)
    if missing.any():
        exact[missing] = np.nan  # NaN has many bit patterns
    return exact.view(np.uint64)


class SeenHashes:
    """The hashes met so far, kept sorted, for finding repeated rows while reading."""

    def __init__(self) -> None:
        self._sorted: HashArray = np.empty(0, dtype=np.uint64)

    def find_new(self, hashes: HashArray) -> NDArray[np.int64]:
        """Return the rows whose hash is not yet known, only the first where several share it."""
        distinct, first_row = np.unique(hashes, return_index=True)
        position = np.searchsorted(self._sorted, distinct)
        is_known = np.zeros(len(distinct), dtype=np.bool_)
        inside = position < len(self._sorted)
        is_known[inside] = self._sorted[position[inside]] == distinct[inside]
        return np.sort(first_row[~is_known])

    def add(self, hashes: HashArray) -> None:
        """Take in hashes that `find_new` found to be new."""
        ordered = np.sort(hashes)
        self._sorted = np.insert(self._sorted, np.searchsorted(self._sorted, ordered), ordered)
