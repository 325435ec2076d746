"""Convolution of each channel by itself, as products of whole arrays.

As a matrix product it would multiply mostly zeros. Filter j belongs to channel ``j // multiplier``; with a
multiplier above 1, channels are repeated first.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from rapidity.autodiff.operations.channels import add_to_channels
from rapidity.autodiff.operations.images.blocks import (
    gradient_blocks,
    length_of,
    padded_blocks,
    scratch,
    split_batch,
)
from rapidity.autodiff.operations.runs import in_long_runs

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rapidity.autodiff.operations.images.sweep import Sweep
    from rapidity.autodiff.workspace import Array, Memory

BLOCK_BYTES = 1 << 18
"""Of results at a time; they are gone through once for each value of the kernel."""


@in_long_runs()
def convolve(memory: Memory, images: Array, kernel: Array, bias: Array | None, sweep: Sweep) -> Array:
    """Return the convolution ``(n_events, *n_places, n_out)``; kernel ``(height, width, 1, n_out)``."""
    dtype = np.result_type(images, kernel)
    n_out = kernel.shape[-1]
    result = memory.empty((len(images), *sweep.n_places, n_out), dtype)
    wide = _widen(kernel.astype(dtype, copy=False), sweep)
    blocks = _blocks_of(result)
    product = scratch(memory, (length_of(blocks), *result.shape[1:]), dtype)
    for block, padded in padded_blocks(memory, images, sweep, blocks):
        repeated = _repeat(padded, n_out)
        total, part = result[block], product[: len(padded)]
        for number, (down, across) in enumerate(_window(sweep)):
            np.multiply(repeated[:, down, across], wide[number], out=part if number else total)
            if number:
                total += part
        if bias is not None:
            add_to_channels(total, bias)
    return result


@in_long_runs()
def kernel_gradient(memory: Memory, images: Array, gradient: Array, sweep: Sweep) -> Array:
    """Return the gradient of the kernel ``(height, width, 1, n_out)`` from that of the convolution."""
    dtype = np.result_type(images, gradient)
    n_out = gradient.shape[-1]
    total = np.zeros((*sweep.kernel_size, 1, n_out), dtype)
    sums = total.reshape(-1, n_out)
    blocks = _blocks_of(gradient)
    product = scratch(memory, (length_of(blocks), *gradient.shape[1:]), dtype)
    for block, padded in padded_blocks(memory, images, sweep, blocks):
        repeated = _repeat(padded, n_out)
        part = product[: len(padded)]
        for number, (down, across) in enumerate(_window(sweep)):
            np.multiply(repeated[:, down, across], gradient[block], out=part)
            # First over events and rows: long runs of values side by side.
            rows = part.reshape(-1, part.shape[2] * n_out)
            sums[number] += rows.sum(axis=0).reshape(-1, n_out).sum(axis=0)
    return total


@in_long_runs()
def input_gradient(memory: Memory, gradient: Array, kernel: Array, n_in: int, sweep: Sweep) -> Array:
    """Return the gradient of the images ``(n_events, height, width, n_in)`` from that of the convolution."""
    dtype = np.result_type(gradient, kernel)
    n_out = kernel.shape[-1]
    result = memory.empty((len(gradient), *sweep.image_size, n_out), dtype)
    wide = _widen(kernel.astype(dtype, copy=False), sweep)
    blocks = _blocks_of(gradient)
    product = scratch(memory, (length_of(blocks), *gradient.shape[1:]), dtype)
    for block, added in gradient_blocks(memory, result, sweep, blocks):
        part = product[: len(added)]
        for number, (down, across) in enumerate(_window(sweep)):
            np.multiply(gradient[block], wide[number], out=part)
            added[:, down, across] += part
    if n_out == n_in:
        return result
    summed: Array = result.reshape(*result.shape[:-1], n_in, n_out // n_in).sum(axis=-1)
    return summed


def _blocks_of(result: Array) -> list[slice]:
    return split_batch(len(result), result[:1].nbytes, BLOCK_BYTES)


def _window(sweep: Sweep) -> Iterator[tuple[slice, slice]]:
    """Yield for each value of the window the pixels that it sees at all stops."""
    height, width = sweep.kernel_size
    for down in range(height):
        for across in range(width):
            yield sweep.rows(down), sweep.columns(across)


def _widen(kernel: Array, sweep: Sweep) -> Array:
    """Return each value of the kernel repeated over a row of stops, so that products run over whole rows."""
    n_values, n_out = kernel.shape[0] * kernel.shape[1], kernel.shape[-1]
    shape = (n_values, sweep.n_places[1], n_out)
    return np.ascontiguousarray(np.broadcast_to(kernel.reshape(n_values, 1, n_out), shape))


def _repeat(padded: Array, n_out: int) -> Array:
    multiplier = n_out // padded.shape[-1]
    return padded if multiplier == 1 else np.repeat(padded, multiplier, axis=-1)
