"""Blocks of images, whole or padded."""

from __future__ import annotations

import numpy as np
import pytest

from rapidity.autodiff.operations.images import depthwise, extrema, sums
from rapidity.autodiff.operations.images.blocks import (
    gradient_blocks,
    length_of,
    padded_blocks,
    split_batch,
)
from rapidity.autodiff.operations.images.sweep import Sweep
from rapidity.autodiff.workspace import PLAIN

PADDED = Sweep((2, 3), (2, 2), padding=((1, 0), (0, 2)))


@pytest.mark.parametrize("n_events", [0, 1, 7, 8, 100])
@pytest.mark.parametrize("block_bytes", [1, 30, 10_000])
def test_blocks_cover_the_batch_once(n_events, block_bytes):
    blocks = split_batch(n_events, 10, block_bytes)
    assert [event for block in blocks for event in range(block.start, block.stop)] == list(range(n_events))
    assert length_of(blocks) <= max(1, block_bytes // 10)


def test_padding_is_filled_for_every_block():
    x = np.arange(30.0).reshape(5, 2, 3, 1)
    blocks = split_batch(5, 1, 2)
    found = np.concatenate([part.copy() for _, part in padded_blocks(PLAIN, x, PADDED, blocks, fill=-1.0)])
    expected = np.pad(x, ((0, 0), (1, 0), (0, 2), (0, 0)), constant_values=-1.0)
    np.testing.assert_array_equal(found, expected)


def test_images_without_padding_are_not_copied():
    x = np.zeros((4, 2, 3, 1))
    for _, part in padded_blocks(PLAIN, x, Sweep((2, 3), (2, 2)), split_batch(4, 1, 2)):
        assert np.shares_memory(part, x)


@pytest.mark.parametrize("sweep", [PADDED, Sweep((2, 3), (2, 2))])
def test_what_is_added_arrives_and_padding_is_dropped(sweep):
    gradient = np.full((5, 2, 3, 1), np.nan)
    for block, added in gradient_blocks(PLAIN, gradient, sweep, split_batch(5, 1, 2)):
        assert not added.any()
        added[...] = np.arange(block.start, block.stop).reshape(-1, 1, 1, 1)
    np.testing.assert_array_equal(
        gradient, np.broadcast_to(np.arange(5.0).reshape(-1, 1, 1, 1), (5, 2, 3, 1))
    )


def test_all_kernels_give_the_same_in_many_blocks(monkeypatch):
    rng = np.random.default_rng(0)
    sweep = Sweep((5, 6), (3, 2), stride=(2, 1), padding=((1, 1), (0, 1)))
    x, kernel, values = (rng.normal(size=shape) for shape in ((7, 5, 6, 2), (3, 2, 1, 4), (7, 3, 6, 2)))
    repeated = values.repeat(2, axis=-1)

    def results():
        largest, positions = extrema.find_largest(PLAIN, x, sweep)
        return [
            largest,
            positions,
            extrema.spread(PLAIN, values, positions, sweep),
            extrema.pick(PLAIN, x, positions, sweep),
            sums.sum_windows(PLAIN, x, None, sweep),
            sums.hand_out(PLAIN, values, None, sweep),
            depthwise.convolve(PLAIN, x, kernel, np.arange(4.0), sweep),
            depthwise.kernel_gradient(PLAIN, x, repeated, sweep),
            depthwise.input_gradient(PLAIN, repeated, kernel, 2, sweep),
        ]

    expected = results()
    np.testing.assert_array_equal(expected[3], expected[0])
    for module in (extrema, sums, depthwise):
        monkeypatch.setattr(module, "BLOCK_BYTES", 1200)
    for one, other in zip(results(), expected, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-13)
