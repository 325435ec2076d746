"""The largest value under each stop of a window, and where it was."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.lib.stride_tricks import as_strided

from rapidity.autodiff.operations.images.blocks import gradient_blocks, padded_blocks, scratch, split_batch
from rapidity.autodiff.operations.runs import in_long_runs

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from rapidity.autodiff.operations.images.sweep import Sweep
    from rapidity.autodiff.workspace import Array, Memory

BLOCK_BYTES = 1 << 20
"""Of images at a time; they are gone through several times."""
MANY_POSITIONS = 16
"""Positions in a window above which single values are addressed, instead of going through all positions."""


@in_long_runs()
def find_largest(memory: Memory, images: Array, sweep: Sweep) -> tuple[Array, Array]:
    """Return the largest value under each stop ``(n_events, *n_places, n_channels)``, and its position.

    Positions count through the window row by row; of equal values the first one is taken. NaN is larger than
    any number.
    """
    height, width = sweep.kernel_size
    shape = (len(images), *sweep.n_places, images.shape[-1])
    values = memory.empty(shape, images.dtype)
    positions = memory.empty(shape, np.min_scalar_type(height * width - 1))
    row_length = positions.dtype.type(width)
    for block, padded in padded_blocks(memory, images, sweep, _blocks_of(images, sweep), fill=-np.inf):
        best, across, stops = _search_rows(memory, padded, sweep, positions.dtype)
        rows = ((number, sweep.rows(number)) for number in range(height))
        candidates = (
            (best[:, seen], across[:, seen] + positions.dtype.type(number) * row_length)
            for number, seen in rows
        )
        largest, position = _search(memory, candidates, positions.dtype)
        values[block] = largest[:, :, stops]
        positions[block] = position[:, :, stops]
    return values, positions


def _search_rows(
    memory: Memory, padded: Array, sweep: Sweep, label_type: np.dtype[np.generic]
) -> tuple[Array, Array, slice]:
    """Return what is largest along each row of a window, its column in the window, and where stops are."""
    n_events, height, width, n_channels = padded.shape
    columns = range(sweep.kernel_size[1])
    n_stops = sweep.n_places[1]
    # Runs of `n_channels` values cost about 8 ns and 0.2 ns a value; going through all pixels as if a window
    # stopped at each costs half of that per value, and no runs.
    if n_stops * (8 + 0.2 * n_channels) < 0.1 * width * n_channels:
        apart = ((padded[:, :, sweep.columns(number)], label_type.type(number)) for number in columns)
        return *_search(memory, apart, label_type), slice(None)
    flat = padded.reshape(-1)
    last = flat.size - (sweep.extent[1] - 1) * n_channels
    steps = (number * sweep.dilation[1] * n_channels for number in columns)
    shifted = ((flat[step : last + step], label_type.type(number)) for number, step in enumerate(steps))
    found = _search(memory, shifted, label_type)
    shape = (n_events, height, width - sweep.extent[1] + 1, n_channels)
    largest, across = (as_strided(each, shape, _strides(padded, each.itemsize)) for each in found)
    return largest, across, sweep.columns(0)


def _strides(padded: Array, itemsize: int) -> tuple[int, ...]:
    return tuple(stride // padded.itemsize * itemsize for stride in padded.strides)


def _search(
    memory: Memory, candidates: Iterable[tuple[Array, Array | np.generic]], label_type: np.dtype[np.generic]
) -> tuple[Array, Array]:
    """Return the largest of candidates value by value, and its label.

    Labels are numbers, the first one 0, or arrays; they grow from each candidate to the next.
    """
    remaining = iter(candidates)
    best, labels = next(remaining)
    room = scratch(memory, best.shape, best.dtype)
    label_room = scratch(memory, best.shape, label_type)
    is_larger = scratch(memory, best.shape, bool)
    found: Array | None = labels if isinstance(labels, np.ndarray) else None
    for candidate, label in remaining:
        np.greater(candidate, best, out=is_larger)
        best = np.maximum(best, candidate, out=room)
        if found is None:
            found = np.multiply(is_larger.view(np.uint8), label, out=label_room)
        else:
            label_if_larger = np.multiply(is_larger.view(np.uint8), label)
            found = np.maximum(found, label_if_larger, out=label_room)
    return best, np.zeros(best.shape, label_type) if found is None else found


def spread(memory: Memory, gradient: Array, positions: Array, sweep: Sweep) -> Array:
    """Return images with each value of `gradient` added at the position of its window."""
    result = memory.empty((len(gradient), *sweep.image_size, gradient.shape[-1]), gradient.dtype)
    for block, added in gradient_blocks(memory, result, sweep, _blocks_of(result, sweep)):
        arriving, position = gradient[block], positions[block]
        if _has_many_positions(sweep) and not sweep.has_overlaps:
            added.reshape(-1)[_addresses(position, added, sweep)] = arriving
            continue
        for number, (down, across) in _window(sweep):
            seen = added[:, down, across]
            if sweep.has_overlaps:
                seen += arriving * (position == number)
            else:
                np.multiply(arriving, position == number, out=seen)
    return result


def pick(memory: Memory, images: Array, positions: Array, sweep: Sweep) -> Array:
    """Return the value of the images at the position of each window; the adjoint of `spread`."""
    result = memory.empty(positions.shape, images.dtype)
    for block, padded in padded_blocks(memory, images, sweep, _blocks_of(images, sweep)):
        position = positions[block]
        if _has_many_positions(sweep):
            result[block] = padded.reshape(-1)[_addresses(position, padded, sweep)]
            continue
        result[block] = 0
        for number, (down, across) in _window(sweep):
            result[block] += padded[:, down, across] * (position == number)
    return result


def _blocks_of(images: Array, sweep: Sweep) -> list[slice]:
    height, width = sweep.padded_size
    return split_batch(len(images), height * width * images.shape[-1] * images.itemsize, BLOCK_BYTES)


def _window(sweep: Sweep) -> Iterator[tuple[int, tuple[slice, slice]]]:
    """Yield the number of each position in the window, and the pixels there of all stops."""
    height, width = sweep.kernel_size
    for number in range(height * width):
        yield number, (sweep.rows(number // width), sweep.columns(number % width))


def _has_many_positions(sweep: Sweep) -> bool:
    return sweep.kernel_size[0] * sweep.kernel_size[1] > MANY_POSITIONS


def _addresses(positions: Array, padded: Array, sweep: Sweep) -> Array:
    """Return where in the flattened padded images the positions are."""
    down, across = np.divmod(positions.astype(np.intp), sweep.kernel_size[1])
    events, rows, columns, channels = np.ogrid[tuple(slice(extent) for extent in positions.shape)]
    row = rows * sweep.stride[0] + down * sweep.dilation[0]
    column = columns * sweep.stride[1] + across * sweep.dilation[1]
    _, height, width, n_channels = padded.shape
    addresses: Array = ((events * height + row) * width + column) * n_channels + channels
    return addresses
