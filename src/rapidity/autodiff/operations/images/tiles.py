r"""Convolution of all channels with all channels, as matrix products.

The usual way copies the pixels under each stop of the window into a row of a matrix and multiplies it by the
kernel. With few channels the copies are short and many, and the kernel is too narrow a matrix for the
processor. Here a row holds what `width` neighbouring stops see together, a *tile*, and the kernel is laid
out as the matrix that gives the values of all of them: kernels shifted along the diagonal, zeros elsewhere.
For 5 x 5 kernels from 1 channel to 6 and tiles of 7 stops, a row of 55 pixels replaces 7 of 25, a third of
the copying, and the matrix is 55 x 42 instead of 25 x 6; the arithmetic doubles and still takes less time.
Tiles of one stop are the usual way, best with many channels.

The gradients use the same two matrices. That of the kernel is rows times gradient, folded back along the
diagonals. That of the images is gradient times laid-out kernel, added up where tiles overlap; or, for stride
1, the convolution of the gradient with the kernel turned around, where copying costs less than adding up.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
from numpy.lib.stride_tricks import as_strided

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

BLOCK_BYTES = 3 << 20
"""Of gathered rows at a time: enough for a product at full speed, and they stay in the cache."""


@dataclass(frozen=True)
class Tiling:
    """How the stops of a window are taken together.

    Attributes
    ----------
    width
        Stops side by side in a tile; divides their number.
    """

    sweep: Sweep
    n_in: int
    n_out: int
    width: int

    @property
    def n_tiles(self) -> int:
        """Tiles side by side."""
        return self.sweep.n_places[1] // self.width

    @property
    def span(self) -> int:
        """Pixels side by side that a tile sees."""
        return (self.width - 1) * self.sweep.stride[1] + self.sweep.extent[1]

    @property
    def step(self) -> int:
        """Pixels from one tile to the next."""
        return self.width * self.sweep.stride[1]

    @property
    def n_rows(self) -> int:
        """Rows of the laid-out kernel: values that a tile sees."""
        return self.sweep.kernel_size[0] * self.span * self.n_in

    @property
    def n_columns(self) -> int:
        """Columns of the laid-out kernel: values that a tile gives."""
        return self.width * self.n_out

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """Shape in which the rows of one image are gathered: places down, tiles, kernel rows, values."""
        return self.sweep.n_places[0], self.n_tiles, self.sweep.kernel_size[0], self.span * self.n_in

    # The costs are nanoseconds for the tiles of one image, fitted to float32 on two cores with AVX-512. They
    # only decide between ways to the same result, so that their ratios matter and not their sizes.

    @property
    def gather_cost(self) -> float:
        """Cost of copying what the tiles see, and of the product."""
        n_runs = self.sweep.kernel_size[0]
        return self._n_tiles_in_all * (4 * n_runs + 0.2 * self.n_rows + self._product_cost)

    @property
    def scatter_cost(self) -> float:
        """Cost of the product the other way, and of adding up where tiles overlap."""
        n_runs = self.sweep.kernel_size[0] * -(-self.span // self.step)
        return self._n_tiles_in_all * (15 * n_runs + 0.5 * self.n_rows + self._product_cost)

    @property
    def _product_cost(self) -> float:
        return 2 * self.n_rows * max(self.n_columns, 16) / 180

    @property
    def _n_tiles_in_all(self) -> int:
        return self.sweep.n_places[0] * self.n_tiles


@lru_cache(maxsize=256)
def choose_tiling(sweep: Sweep, n_in: int, n_out: int) -> Tiling:
    """Return the tiling that should be quickest where what the tiles see is gathered."""
    return min(_tilings(sweep, n_in, n_out), key=lambda tiling: tiling.gather_cost)


@lru_cache(maxsize=256)
def choose_scatter_tiling(sweep: Sweep, n_in: int, n_out: int) -> Tiling:
    """Return the tiling that should be quickest where what the tiles give back is added up."""
    return min(_tilings(sweep, n_in, n_out), key=lambda tiling: tiling.scatter_cost)


@lru_cache(maxsize=256)
def find_way_back(sweep: Sweep, n_in: int, n_out: int) -> Sweep | None:
    """Return the sweep turned around, if the gradient of the images is quicker gathered along it."""
    back = sweep.turned_around()
    if back is None:
        return None
    gather = choose_tiling(back, n_out, n_in).gather_cost
    return back if gather < choose_scatter_tiling(sweep, n_in, n_out).scatter_cost else None


def _tilings(sweep: Sweep, n_in: int, n_out: int) -> list[Tiling]:
    n_places = sweep.n_places[1]
    widths = [width for width in range(1, n_places + 1) if n_places % width == 0]
    return [Tiling(sweep, n_in, n_out, width) for width in widths]


@in_long_runs()
def convolve(memory: Memory, images: Array, kernel: Array, bias: Array | None, sweep: Sweep) -> Array:
    """Return the convolution ``(n_events, *n_places, n_out)``."""
    tiling = choose_tiling(sweep, *kernel.shape[2:])
    dtype = np.result_type(images, kernel)
    result = memory.empty((len(images), *sweep.n_places, tiling.n_out), dtype)
    matrix = _lay_out(kernel.astype(dtype, copy=False), tiling)
    for block, rows in _gathered(memory, images, tiling, dtype):
        product = result[block].reshape(-1, tiling.n_columns)
        np.matmul(rows, matrix, out=product)
        if bias is not None:
            add_to_channels(product.reshape(-1, tiling.n_out), bias)
    return result


def kernel_gradient(memory: Memory, images: Array, gradient: Array, sweep: Sweep) -> Array:
    """Return the gradient of the kernel ``(height, width, n_in, n_out)`` from that of the convolution."""
    tiling = choose_tiling(sweep, images.shape[-1], gradient.shape[-1])
    dtype = np.result_type(images, gradient)
    gradient = np.ascontiguousarray(gradient, dtype)
    total = np.zeros((tiling.n_rows, tiling.n_columns), dtype)
    product = scratch(memory, total.shape, dtype)
    for block, rows in _gathered(memory, images, tiling, dtype):
        np.matmul(rows.T, gradient[block].reshape(-1, tiling.n_columns), out=product)
        total += product
    return _fold(total, tiling)


@in_long_runs()
def input_gradient(memory: Memory, gradient: Array, kernel: Array, sweep: Sweep) -> Array:
    """Return the gradient of the images ``(n_events, height, width, n_in)`` from that of the convolution."""
    n_in, n_out = kernel.shape[2:]
    back = find_way_back(sweep, n_in, n_out)
    if back is not None:
        return convolve(memory, gradient, kernel[::-1, ::-1].swapaxes(2, 3), None, back)
    tiling = choose_scatter_tiling(sweep, n_in, n_out)
    dtype = np.result_type(gradient, kernel)
    gradient = np.ascontiguousarray(gradient, dtype)
    matrix = _lay_out(kernel.astype(dtype, copy=False), tiling)
    result = memory.empty((len(gradient), *sweep.image_size, tiling.n_in), dtype)
    blocks = _blocks_of(len(gradient), tiling, dtype)
    rows = scratch(memory, (length_of(blocks), *tiling.shape), dtype)
    for block, added in gradient_blocks(memory, result, sweep, blocks):
        flat = gradient[block].reshape(-1, tiling.n_columns)
        part = rows[: len(added)]
        np.matmul(flat, matrix.T, out=part.reshape(-1, tiling.n_rows))
        _scatter(part, added, tiling)
    return result


def _blocks_of(n_events: int, tiling: Tiling, dtype: np.dtype[np.generic]) -> list[slice]:
    bytes_per_event = int(np.prod(tiling.shape)) * dtype.itemsize
    return split_batch(n_events, bytes_per_event, BLOCK_BYTES)


def _gathered(
    memory: Memory, images: Array, tiling: Tiling, dtype: np.dtype[np.generic]
) -> Iterator[tuple[slice, Array]]:
    """Yield for each block of images the matrix of what its tiles see, ``(n_tiles_in_block, n_rows)``."""
    images = images.astype(dtype, copy=False)
    blocks = _blocks_of(len(images), tiling, dtype)
    rows: Array | None = None
    for block, padded in padded_blocks(memory, images, tiling.sweep, blocks):
        seen = _tiles_of(padded, tiling)
        if not seen.flags.c_contiguous:
            if rows is None:
                rows = scratch(memory, (length_of(blocks), *tiling.shape), dtype)
            np.copyto(rows[: len(padded)], seen)
            seen = rows[: len(padded)]
        yield block, seen.reshape(-1, tiling.n_rows)


def _tiles_of(padded: Array, tiling: Tiling) -> Array:
    """Return a view ``(n_events, *tiling.shape)`` of contiguous padded images."""
    event, row, column, value = padded.strides
    strides = (
        event,
        tiling.sweep.stride[0] * row,
        tiling.step * column,
        tiling.sweep.dilation[0] * row,
        value,
    )
    return as_strided(padded, (len(padded), *tiling.shape), strides)


def _scatter(rows: Array, added: Array, tiling: Tiling) -> None:
    """Add rows ``(n_events, *tiling.shape)`` to contiguous padded images, at the pixels they belong to."""
    sweep = tiling.sweep
    event, row, column, value = added.strides
    strides = (event, sweep.stride[0] * row, tiling.step * column, value)
    # The first `step` pixels of all tiles do not overlap, nor do the next `step`, and so on.
    for start in range(0, tiling.span, tiling.step):
        n_values = (min(start + tiling.step, tiling.span) - start) * tiling.n_in
        first = start * tiling.n_in
        for number in range(sweep.kernel_size[0]):
            corner = added[:, number * sweep.dilation[0] :, start:]
            target = as_strided(corner, (len(added), *tiling.shape[:2], n_values), strides)
            target += rows[:, :, :, number, first : first + n_values]


def _lay_out(kernel: Array, tiling: Tiling) -> Array:
    """Return the matrix ``(n_rows, n_columns)`` that takes what a tile sees to the values of its stops."""
    if tiling.span == kernel.shape[1]:
        return np.ascontiguousarray(kernel).reshape(tiling.n_rows, tiling.n_columns)
    shape = (kernel.shape[0], tiling.span, tiling.n_in, tiling.width, tiling.n_out)
    matrix = np.zeros(shape, kernel.dtype)
    for stop in range(tiling.width):
        matrix[:, _columns_of(stop, tiling), :, stop] = kernel
    return matrix.reshape(tiling.n_rows, tiling.n_columns)


def _fold(matrix: Array, tiling: Tiling) -> Array:
    """Return the kernel whose gradient is that of the laid-out one; the adjoint of `_lay_out`."""
    height, width = tiling.sweep.kernel_size
    shape = (height, tiling.span, tiling.n_in, tiling.width, tiling.n_out)
    apart = matrix.reshape(shape)
    kernel = np.zeros((height, width, tiling.n_in, tiling.n_out), matrix.dtype)
    for stop in range(tiling.width):
        kernel += apart[:, _columns_of(stop, tiling), :, stop]
    return kernel


def _columns_of(stop: int, tiling: Tiling) -> slice:
    """Return the pixels of a tile that the window sees at one of its stops."""
    first = stop * tiling.sweep.stride[1]
    return slice(first, first + tiling.sweep.extent[1], tiling.sweep.dilation[1])
