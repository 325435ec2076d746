"""Dividing the training events on disk into blocks, each of which is a random sample of them all.

An epoch takes the blocks in random order, a few at a time, and mixes their rows in memory. However the
events are sorted in the files, every window then holds a fair sample of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from rapidity.core.errors import ConfigError
from rapidity.core.random import make_generator
from rapidity.core.sizes import show_size

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

BLOCKS_IN_A_WINDOW = 16
"""Fewer mix worse from epoch to epoch; more make each read and write smaller."""
MAX_BLOCKS = 4096
"""More would make each write a few rows only."""
WINDOWS_IN_MEMORY = 4
"""Two windows are in memory, the one in use and the one read ahead; an engine may copy one of them, and
the rest is for the events that are looked at between epochs."""


@dataclass(frozen=True)
class BlockLayout:
    """How many events lie in which block, and how many blocks are in memory at a time.

    Attributes
    ----------
    n_events, n_blocks
        Sizes of blocks differ by one event at most.
    n_windows
        Parts of an epoch; the blocks are divided among them as evenly.
    """

    n_events: int
    n_blocks: int
    n_windows: int

    @property
    def edges(self) -> NDArray[np.int64]:
        """Where each block begins, and where the last one ends ``(n_blocks + 1,)``."""
        small, n_larger = divmod(self.n_events, self.n_blocks)
        sizes = np.full(self.n_blocks, small)
        sizes[:n_larger] += 1
        return np.concatenate([[0], np.cumsum(sizes)])

    @property
    def least_rows(self) -> int:
        """A window holds so many events at least."""
        return (self.n_blocks // self.n_windows) * (self.n_events // self.n_blocks)

    @property
    def most_rows(self) -> int:
        """A window holds so many events at most."""
        return -(-self.n_blocks // self.n_windows) * -(-self.n_events // self.n_blocks)


def plan_blocks(n_events: int, bytes_per_event: int, memory: int, batch_size: int) -> BlockLayout:
    """Return the layout for a bound on memory.

    Raises
    ------
    ConfigError
        If a window within the bound does not hold a batch.

    Examples
    --------
    >>> layout = plan_blocks(1_000_000, 100, memory=20_000_000, batch_size=1024)
    >>> layout, layout.least_rows, layout.most_rows
    (BlockLayout(n_events=1000000, n_blocks=320, n_windows=20), 50000, 50000)
    """
    window_rows = max(memory // (WINDOWS_IN_MEMORY * bytes_per_event), 1)
    if n_events <= window_rows:
        return BlockLayout(n_events, min(BLOCKS_IN_A_WINDOW, n_events), 1)
    block_rows = max(window_rows // BLOCKS_IN_A_WINDOW, -(-n_events // MAX_BLOCKS), 1)
    n_blocks = -(-n_events // block_rows)
    n_windows = -(-n_blocks // max(window_rows // block_rows, 1))
    layout = BlockLayout(n_events, n_blocks, n_windows)
    too_small = n_windows > 1 and layout.least_rows < batch_size
    if too_small or layout.most_rows > max(window_rows, batch_size):
        least = WINDOWS_IN_MEMORY * max(2 * batch_size, -(-n_events // MAX_BLOCKS))
        wanted = show_size(1.1 * least * bytes_per_event)
        message = (
            f"data.memory: {show_size(memory)} is too little to stream {n_events} training events of "
            f"{bytes_per_event} bytes in batches of {batch_size}: several batches, and one block in "
            f"{MAX_BLOCKS}, must be in memory at a time. Set it to {wanted} or more, or lower "
            "training.batch_size."
        )
        raise ConfigError(message)
    return layout


def assign_blocks(
    layout: BlockLayout, chunk_sizes: Iterator[int], seed: int
) -> Iterator[list[NDArray[np.int64]]]:
    """Yield, for each chunk of events in the order of the table, which of its rows go to which block.

    All ways of dividing the events among the blocks are equally likely: how many of a chunk go to each
    block follows the multivariate hypergeometric distribution of the places left, and which they are is a
    random permutation.

    Examples
    --------
    >>> chunks = list(assign_blocks(BlockLayout(6, 2, 1), iter([4, 2]), seed=1))
    >>> [sum(len(chunk[block]) for chunk in chunks) for block in (0, 1)]
    [3, 3]
    """
    rng = make_generator(seed, "blocks")
    places = np.diff(layout.edges)
    for size in chunk_sizes:
        counts = rng.multivariate_hypergeometric(places, size, method="marginals")
        places -= counts
        yield np.split(rng.permutation(size), np.cumsum(counts)[:-1])
