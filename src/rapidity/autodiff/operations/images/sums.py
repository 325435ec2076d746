"""Sums of what a window sees at each stop, and the way back: a value handed to all that a window sees."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from rapidity.autodiff.operations.images.blocks import gradient_blocks, padded_blocks, scratch, split_batch
from rapidity.autodiff.operations.runs import in_long_runs

if TYPE_CHECKING:
    from rapidity.autodiff.operations.images.sweep import Sweep
    from rapidity.autodiff.workspace import Array, Memory

BLOCK_BYTES = 1 << 20
"""Of images at a time; they are gone through several times."""


@in_long_runs()
def sum_windows(memory: Memory, images: Array, factors: Array | None, sweep: Sweep) -> Array:
    """Return the sum under each stop ``(n_events, *n_places, n_channels)``, times `factors` if there are any.

    Rows are added up first, then columns. `factors` are ``(*n_places, 1)``.
    """
    height, width = sweep.kernel_size
    n_channels = images.shape[-1]
    result = memory.empty((len(images), *sweep.n_places, n_channels), images.dtype)
    for block, padded in padded_blocks(memory, images, sweep, _blocks_of(images, sweep)):
        # Long runs of values side by side: all columns of the image, not only those that are needed.
        shape = (len(padded), sweep.n_places[0], *padded.shape[2:])
        summed = _add_up(memory, [padded[:, sweep.rows(number)] for number in range(height)], shape)
        total = result[block]
        total[...] = summed[:, :, sweep.columns(0)]
        for number in range(1, width):
            total += summed[:, :, sweep.columns(number)]
        if factors is not None:
            total *= factors
    return result


def _add_up(memory: Memory, terms: list[Array], shape: tuple[int, ...]) -> Array:
    if len(terms) == 1:
        return terms[0]
    total = np.add(terms[0], terms[1], out=scratch(memory, shape, terms[0].dtype))
    for term in terms[2:]:
        total += term
    return total


@in_long_runs()
def hand_out(memory: Memory, values: Array, factors: Array | None, sweep: Sweep) -> Array:
    """Return images with each value, times its factor, added to all pixels of its window."""
    height, width = sweep.kernel_size
    result = memory.empty((len(values), *sweep.image_size, values.shape[-1]), values.dtype)
    for block, added in gradient_blocks(memory, result, sweep, _blocks_of(result, sweep)):
        given = values[block] if factors is None else values[block] * factors
        # Once along the rows that windows stop at, then from there to all rows.
        spread = scratch(memory, (len(added), sweep.n_places[0], *added.shape[2:]), values.dtype)
        spread[...] = 0
        for number in range(width):
            _place(given, spread[:, :, sweep.columns(number)], sweep)
        for number in range(height):
            _place(spread, added[:, sweep.rows(number)], sweep)
    return result


def _place(values: Array, target: Array, sweep: Sweep) -> None:
    if sweep.has_overlaps:
        target += values
    else:
        target[...] = values


def inverse_counts(sweep: Sweep, dtype: np.dtype[np.generic]) -> Array:
    """Return 1 / the number of pixels under each stop ``(*n_places, 1)``, the padding left out."""
    down, across = (
        _count(extent, size, stride, before, n_places)
        for extent, size, stride, (before, _), n_places in zip(
            sweep.kernel_size, sweep.image_size, sweep.stride, sweep.padding, sweep.n_places, strict=True
        )
    )
    counts: Array = (1.0 / np.outer(down, across)).astype(dtype)
    return counts[..., np.newaxis]


def _count(kernel_size: int, image_size: int, stride: int, before: int, n_places: int) -> Array:
    first = np.arange(n_places) * stride - before
    return np.minimum(first + kernel_size, image_size) - np.maximum(first, 0)


def _blocks_of(images: Array, sweep: Sweep) -> list[slice]:
    height, width = sweep.padded_size
    return split_batch(len(images), height * width * images.shape[-1] * images.itemsize, BLOCK_BYTES)
