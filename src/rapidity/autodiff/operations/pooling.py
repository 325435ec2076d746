"""Pooling: one number for the pixels that a window sees, for each channel by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from rapidity.autodiff.operation import Operation, Vjp, extra
from rapidity.autodiff.operations.images import extrema, sums
from rapidity.autodiff.operations.images.sweep import NO_PADDING, Padding, Pair, Sweep
from rapidity.autodiff.operations.shapes import reshape
from rapidity.autodiff.tape import apply
from rapidity.autodiff.tensor import Operand, Tensor
from rapidity.core.errors import GraphError

if TYPE_CHECKING:
    from rapidity.autodiff.workspace import Array, Memory


def max_pool2d(
    x: Operand, kernel_size: Pair, *, stride: Pair | None = None, padding: Padding = NO_PADDING
) -> Tensor:
    """Return the largest value under each stop of a window.

    Where several are equal, the gradient goes to the first one, counted row by row. NaN under a window gives
    NaN. Padding never counts.

    Parameters
    ----------
    x
        Images ``(n_events, height, width, n_channels)``.
    kernel_size
        Height and width of the window in pixels.
    stride
        Pixels from one stop to the next, (down, across); left out, the size of the window.
    padding
        Pixels around the image, ((top, bottom), (left, right)), fewer than the window has.

    Raises
    ------
    GraphError
        If the window does not fit on the image, or could stop where there is only padding.

    Examples
    --------
    >>> max_pool2d(np.arange(16.0).reshape(1, 4, 4, 1), (2, 2)).numpy().reshape(2, 2)
    array([[ 5.,  7.],
           [13., 15.]])
    """
    return apply(MAX_POOL2D, x, sweep=_sweep_over(x, "max_pool2d", kernel_size, stride, padding))


def average_pool2d(
    x: Operand, kernel_size: Pair, *, stride: Pair | None = None, padding: Padding = NO_PADDING
) -> Tensor:
    """Return the mean of the pixels under each stop of a window, not counting the padding.

    Parameters and errors as for `max_pool2d`.

    Examples
    --------
    >>> average_pool2d(np.arange(16.0).reshape(1, 4, 4, 1), (2, 2)).numpy().reshape(2, 2)
    array([[ 2.5,  4.5],
           [10.5, 12.5]])
    """
    sweep = _sweep_over(x, "average_pool2d", kernel_size, stride, padding)
    return apply(SUM_WINDOWS, x, sweep=sweep, is_average=True)


def global_max_pool2d(x: Operand) -> Tensor:
    """Return the largest value of each channel ``(n_events, n_channels)``."""
    n_events, height, width, n_channels = _image_shape(x, "global_max_pool2d")
    return reshape(max_pool2d(x, (height, width)), (n_events, n_channels))


def global_average_pool2d(x: Operand) -> Tensor:
    """Return the mean of each channel over all pixels ``(n_events, n_channels)``."""
    n_events, height, width, n_channels = _image_shape(x, "global_average_pool2d")
    return reshape(average_pool2d(x, (height, width)), (n_events, n_channels))


def _image_shape(x: Operand, name: str) -> tuple[int, int, int, int]:
    shape = x.shape if isinstance(x, Tensor) else np.shape(x)
    if len(shape) != 4:
        message = (
            f"{name}: found an array of shape {shape}; expected images (n_events, height, width, n_channels)."
        )
        raise GraphError(message)
    n_events, height, width, n_channels = shape
    return n_events, height, width, n_channels


def _sweep_over(x: Operand, name: str, kernel_size: Pair, stride: Pair | None, padding: Padding) -> Sweep:
    """Return the sweep of a window each of whose stops sees at least a pixel."""
    _, height, width, _ = _image_shape(x, name)
    sweep = Sweep((height, width), kernel_size, kernel_size if stride is None else stride, padding)
    if any(max(sides) >= size for size, sides in zip(kernel_size, padding, strict=True)):
        message = (
            f"{name}: with padding {padding} a window of {kernel_size} could see nothing but padding, which"
            " never counts. Take less padding than the window is high and wide."
        )
        raise GraphError(message)
    return sweep


def _max_pool(memory: Memory, x: Array, *, sweep: Sweep) -> tuple[Array, Array]:
    return extrema.find_largest(memory, x, sweep)


def _spread(memory: Memory, gradient: Array, positions: Array, *, sweep: Sweep) -> Array:
    return extrema.spread(memory, gradient, positions, sweep)


def _pick(memory: Memory, x: Array, positions: Array, *, sweep: Sweep) -> Array:
    return extrema.pick(memory, x, positions, sweep)


def _sum_windows(memory: Memory, x: Array, *, sweep: Sweep, is_average: bool) -> Array:
    return sums.sum_windows(memory, x, sums.inverse_counts(sweep, x.dtype) if is_average else None, sweep)


def _hand_out(memory: Memory, x: Array, *, sweep: Sweep, is_average: bool) -> Array:
    return sums.hand_out(memory, x, sums.inverse_counts(sweep, x.dtype) if is_average else None, sweep)


def hand_out(x: Operand, sweep: Sweep, *, is_average: bool) -> Tensor:
    """Return images with each value of `x`, or its share of an average, added to all pixels of its window."""
    return apply(HAND_OUT, x, sweep=sweep, is_average=is_average)


def _of_largest(g: Tensor, positions: Tensor, sweep: Sweep) -> Tensor:
    return apply(SPREAD, g, positions, sweep=sweep)


def _of_spread(g: Tensor, positions: Tensor, sweep: Sweep) -> Tensor:
    return apply(PICK, g, positions, sweep=sweep)


def _of_hand_out(g: Tensor, sweep: Sweep, is_average: bool) -> Tensor:
    return apply(SUM_WINDOWS, g, sweep=sweep, is_average=is_average)


# The position of a maximum does not move with small changes: what is left is linear.
MAX_POOL2D = Operation("max_pool2d", _max_pool, (Vjp(_of_largest, needs=(extra(0),)),))
SPREAD = Operation("spread_to_largest", _spread, (Vjp(_of_spread, needs=(1,)), None))
PICK = Operation("pick_largest", _pick, (Vjp(_of_largest, needs=(1,)), None))
SUM_WINDOWS = Operation("sum_windows", _sum_windows, (Vjp(hand_out),))
HAND_OUT = Operation("hand_out_to_windows", _hand_out, (Vjp(_of_hand_out),))
