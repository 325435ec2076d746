"""Events that share a hash, and among them those that stand in different splits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from rapidity.data.table import SPLITS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from rapidity.data.row_hash import HashArray
    from rapidity.data.split import SplitTable

MAX_EXAMPLES = 3
EVENTS_ORDERED_AT_ONCE = 2**19
"""At most 2**34 events then have their part told by 16 bits."""


@dataclass(frozen=True)
class SharedGroups:
    """Groups of events with the same hash that reach over several splits.

    Attributes
    ----------
    n_repeated
        Number of events whose hash another event has as well, whatever its split.
    n_events
        Number of these that have a partner in another split.
    pairs
        Row numbers of a few pairs of partners in different splits; empty if there are none.
    repeated
        Row numbers of a few pairs of events with the same hash.
    """

    n_repeated: int
    n_events: int
    pairs: list[tuple[int, int]]
    repeated: list[tuple[int, int]]


def find_shared_groups(hashes: HashArray, codes: NDArray[np.int8]) -> SharedGroups:
    """Return which events share a hash, and which of them do so across splits.

    Many events are ordered in parts, by the first bits of their hashes, which takes a few bytes an event
    instead of fifty.
    """
    if len(hashes) <= EVENTS_ORDERED_AT_ONCE:
        return _find_groups(hashes, codes, np.arange(len(hashes)))
    bits = int(len(hashes) // EVENTS_ORDERED_AT_ONCE).bit_length()
    first_bits = (hashes >> np.uint64(64 - bits)).astype(np.uint16)
    parts = []
    for part in range(2**bits):
        rows = np.flatnonzero(first_bits == part)
        if len(rows):
            parts.append(_find_groups(hashes[rows], codes[rows], rows))
    return SharedGroups(
        sum(part.n_repeated for part in parts),
        sum(part.n_events for part in parts),
        [pair for part in parts for pair in part.pairs][:MAX_EXAMPLES],
        [pair for part in parts for pair in part.repeated][:MAX_EXAMPLES],
    )


def _find_groups(hashes: HashArray, codes: NDArray[np.int8], numbers: NDArray[np.int64]) -> SharedGroups:
    """Return the groups among some events; `numbers` are their rows."""
    order = np.argsort(hashes, kind="stable")
    ordered = hashes[order]
    is_start = np.ones(len(order), dtype=np.bool_)
    is_start[1:] = ordered[1:] != ordered[:-1]
    starts = np.flatnonzero(is_start)
    sizes = np.diff(np.append(starts, len(order)))
    split = codes[order]
    is_shared = np.minimum.reduceat(split, starts) != np.maximum.reduceat(split, starts)
    pairs = []
    for group in np.flatnonzero(is_shared)[:MAX_EXAMPLES]:
        members = slice(starts[group], starts[group] + sizes[group])
        rows = order[members]
        other = int(np.flatnonzero(split[members] != split[starts[group]])[0])
        pairs.append((int(numbers[rows[0]]), int(numbers[rows[other]])))
    is_repeated = sizes > 1
    first = starts[is_repeated][:MAX_EXAMPLES]
    repeated = [(int(numbers[order[start]]), int(numbers[order[start + 1]])) for start in first]
    return SharedGroups(int(sizes[is_repeated].sum()), int(sizes[is_shared].sum()), pairs, repeated)


def examples(split_table: SplitTable, pairs: list[tuple[int, int]]) -> str:
    """Return pairs of events as text: ``entry 3 of a.csv (train) and entry 9 of a.csv (test)``."""
    table = split_table.table

    def name(row: int) -> str:
        return f"{table.name_row(row)} ({SPLITS[split_table.codes[row]]})"

    return "; ".join(f"{name(first)} and {name(second)}" for first, second in pairs)
