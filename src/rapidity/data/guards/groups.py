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
    """Return which events share a hash, and which of them do so across splits."""
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
        pairs.append((int(rows[0]), int(rows[other])))
    is_repeated = sizes > 1
    repeated = [(int(order[start]), int(order[start + 1])) for start in starts[is_repeated][:MAX_EXAMPLES]]
    return SharedGroups(int(sizes[is_repeated].sum()), int(sizes[is_shared].sum()), pairs, repeated)


def examples(split_table: SplitTable, pairs: list[tuple[int, int]]) -> str:
    """Return pairs of events as text: ``entry 3 of a.csv (train) and entry 9 of a.csv (test)``."""
    table = split_table.table

    def name(row: int) -> str:
        return f"{table.name_row(row)} ({SPLITS[split_table.codes[row]]})"

    return "; ".join(f"{name(first)} and {name(second)}" for first, second in pairs)
