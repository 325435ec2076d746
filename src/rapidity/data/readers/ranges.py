"""Ranges of entries that can be read apart, for work that is shared out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

SMALL_BLOCKS = 4
"""Blocks of which so many make a range may be cut: what is read twice is little."""


def cut_ranges(
    n_entries: int, n_wanted: int, borders: Sequence[int] | NDArray[np.int64] | None = None
) -> list[tuple[int, int]]:
    """Return consecutive ranges ``(start, stop)`` of all entries, each of about `n_wanted`.

    Parameters
    ----------
    borders
        Entries where a range may begin, ascending; None for any.

    Examples
    --------
    >>> cut_ranges(10, 4)
    [(0, 4), (4, 8), (8, 10)]
    >>> cut_ranges(10, 4, [0, 3, 6, 9])
    [(0, 6), (6, 10)]
    """
    ranges = []
    start = 0
    allowed = None if borders is None else np.asarray([*borders, n_entries], np.int64)
    while start < n_entries:
        stop = min(start + n_wanted, n_entries)
        if allowed is not None:
            stop = int(allowed[np.searchsorted(allowed, stop)])
        ranges.append((start, stop))
        start = stop
    return ranges


def common_borders(
    blocks: Iterable[Sequence[int] | NDArray[np.int64]], n_wanted: int
) -> NDArray[np.int64] | None:
    """Return where blocks of all columns begin, or None if they are so small that it does not matter.

    Parameters
    ----------
    blocks
        Of each column the first entry of every block, and the number of entries at the end.
    """
    common: NDArray[np.int64] | None = None
    largest = 0
    for starts in blocks:
        entries = np.asarray(starts, np.int64)
        largest = max(largest, int(np.diff(entries).max(initial=0)))
        common = entries if common is None else np.intersect1d(common, entries, assume_unique=True)
    return None if common is None or largest * SMALL_BLOCKS <= n_wanted else common
