"""Batches in blocks of images whose intermediate arrays stay in the processor's cache.

How a batch is divided depends on shapes alone, so that repeated runs add up in the same order.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import DTypeLike

    from rapidity.autodiff.operations.images.sweep import Sweep
    from rapidity.autodiff.workspace import Array, Memory


def split_batch(n_events: int, bytes_per_event: int, block_bytes: int) -> list[slice]:
    """Return slices of nearly equal length that cover a batch, each of at most `block_bytes` if it can be.

    Examples
    --------
    >>> split_batch(10, bytes_per_event=100, block_bytes=400)
    [slice(0, 4, None), slice(4, 8, None), slice(8, 10, None)]
    """
    largest = max(1, block_bytes // max(1, bytes_per_event))
    n_blocks = -(-n_events // largest)
    length = -(-n_events // n_blocks) if n_blocks else 1
    return [slice(start, min(start + length, n_events)) for start in range(0, n_events, length)]


def length_of(blocks: list[slice]) -> int:
    """Return the number of events in the longest block; 0 of none."""
    return max((block.stop - block.start for block in blocks), default=0)


def scratch(memory: Memory, shape: tuple[int, ...], dtype: DTypeLike) -> Array:
    """Return an array to be filled and soon dropped; those of about the same size share their memory.

    A pool of buffers hands out by exact size, and every layer has blocks of a size of its own.
    """
    size = math.prod(shape)
    room = 1 << max(0, size - 1).bit_length()
    return memory.empty((room,), dtype)[:size].reshape(shape)


def padded_blocks(
    memory: Memory, images: Array, sweep: Sweep, blocks: list[slice], fill: float = 0.0
) -> Iterator[tuple[slice, Array]]:
    """Yield each block with its padding, C-contiguous; it may be overwritten once the next one is taken."""
    if not sweep.is_padded:
        contiguous = np.ascontiguousarray(images)
        for block in blocks:
            yield block, contiguous[block]
        return
    shape = (length_of(blocks), *sweep.padded_size, images.shape[-1])
    padded = scratch(memory, shape, images.dtype)
    padded[...] = fill
    rows, columns = sweep.interior()
    for block in blocks:
        n_events = block.stop - block.start
        padded[:n_events, rows, columns] = images[block]
        yield block, padded[:n_events]


def gradient_blocks(
    memory: Memory, gradient: Array, sweep: Sweep, blocks: list[slice]
) -> Iterator[tuple[slice, Array]]:
    """Yield zeros for each block of padded images; what is added to them ends up in `gradient`.

    What falls on the padding is dropped.
    """
    if not sweep.is_padded:
        for block in blocks:
            gradient[block] = 0
            yield block, gradient[block]
        return
    shape = (length_of(blocks), *sweep.padded_size, gradient.shape[-1])
    padded = scratch(memory, shape, gradient.dtype)
    rows, columns = sweep.interior()
    for block in blocks:
        added = padded[: block.stop - block.start]
        added[...] = 0
        yield block, added
        gradient[block] = added[:, rows, columns]
