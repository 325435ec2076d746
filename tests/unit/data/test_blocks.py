"""Blocks of training events on disk: their sizes, and that each is a random sample."""

from __future__ import annotations

import numpy as np
import pytest

from rapidity.core.errors import ConfigError
from rapidity.data.blocks import MAX_BLOCKS, BlockLayout, assign_blocks, plan_blocks

SIZES = [
    (1000, 100, 40_000, 16),
    (1000, 100, 4_000_000, 16),
    (12_345, 52, 64_000, 100),
    (999, 3200, 400_000, 10),
    (5_000_000, 8, 400_000, 1024),
]


@pytest.mark.parametrize(("n_events", "event_bytes", "memory", "batch_size"), SIZES)
def test_windows_fit_into_memory_and_hold_a_batch(
    n_events: int, event_bytes: int, memory: int, batch_size: int
) -> None:
    layout = plan_blocks(n_events, event_bytes, memory, batch_size)
    sizes = np.diff(layout.edges)
    assert layout.edges[-1] == n_events
    assert sizes.max() - sizes.min() <= 1
    assert layout.n_blocks <= MAX_BLOCKS
    assert 4 * layout.most_rows * event_bytes <= memory
    assert layout.n_windows == 1 or layout.least_rows >= batch_size


def test_what_fits_into_a_window_is_one() -> None:
    assert plan_blocks(1000, 100, 400_000, 1000).n_windows == 1


@pytest.mark.parametrize("batch_size", [100, 1000])
def test_too_little_memory_for_batches_is_refused(batch_size: int) -> None:
    with pytest.raises(ConfigError, match=r"data\.memory: 20 kB is too little .* Set it to (\d+) kB or more"):
        plan_blocks(1000, 100, 20_000, batch_size)


def test_the_memory_that_is_asked_for_is_enough() -> None:
    with pytest.raises(ConfigError, match=r"Set it to 88 kB or more, or lower training\.batch_size"):
        plan_blocks(10_000, 100, 20_000, 100)
    plan_blocks(10_000, 100, 88_000, 100)


def test_too_many_blocks_are_refused() -> None:
    with pytest.raises(ConfigError, match="one block in 4096, must be in memory"):
        plan_blocks(10**9, 100, 10**6, 100)


def assign(layout: BlockLayout, chunk: int, seed: int = 1) -> np.ndarray:
    """Return the block of each event."""
    blocks = np.full(layout.n_events, -1)
    sizes = [min(chunk, layout.n_events - start) for start in range(0, layout.n_events, chunk)]
    start = 0
    for size, chosen in zip(sizes, assign_blocks(layout, iter(sizes), seed), strict=True):
        for block, rows in enumerate(chosen):
            assert (blocks[start + rows] == -1).all()
            blocks[start + rows] = block
        start += size
    return blocks


@pytest.mark.parametrize("chunk", [1, 7, 100, 1003])
def test_every_event_lies_in_one_block_and_every_block_is_full(chunk: int) -> None:
    layout = BlockLayout(1003, 10, 3)
    np.testing.assert_array_equal(np.bincount(assign(layout, chunk)), np.diff(layout.edges))


def test_blocks_are_random_samples_of_the_whole() -> None:
    # Two neighbours, and two events far from each other, are in one block equally often; so is each event
    # in each block.
    layout = BlockLayout(12, 3, 1)
    drawn = np.array([assign(layout, 5, seed) for seed in range(2000)])
    # Of 2,000 draws with probability 1/3 (3/11 for a pair): six standard deviations.
    frequency = np.stack([(drawn == block).mean(axis=0) for block in range(3)])
    assert abs(frequency - 1 / 3).max() < 6 * np.sqrt(2 / 9 / 2000)
    together = np.array([[(drawn[:, i] == drawn[:, j]).mean() for i in range(12)] for j in range(12)])
    pairs = together[~np.eye(12, dtype=bool)]
    assert abs(pairs - 3 / 11).max() < 6 * np.sqrt(3 / 11 * 8 / 11 / 2000)
