"""Sums over all axes but the last, the channels or features: gradients of biases, and batch statistics."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from rapidity.autodiff.operation import Operation, Vjp
from rapidity.autodiff.operations.shapes import broadcast_to
from rapidity.autodiff.tape import apply

if TYPE_CHECKING:
    from rapidity.autodiff.tensor import Operand, Tensor
    from rapidity.autodiff.workspace import Array, Memory

WIDEST = 1024
"""Values in a row of `fold`; a longer one would leave the nearest cache."""


def fold(array: Array) -> Array:
    """Return the values as ``(n_rows, n_together * n_channels)``, long rows that NumPy goes through quickly.

    With few channels, a row per pixel would cost more than its arithmetic.

    Examples
    --------
    >>> fold(np.zeros((128, 28, 28, 6))).shape
    (784, 768)
    """
    n_channels = array.shape[-1]
    n_rows = array.size // n_channels if n_channels else 0
    together = next((n for n in range(max(1, WIDEST // max(1, n_channels)), 1, -1) if n_rows % n == 0), 1)
    return array.reshape(n_rows // together, together * n_channels)


def channel_sum(array: Array) -> Array:
    """Return the sum over all axes but the last, ``(n_channels,)``."""
    n_channels = array.shape[-1]
    folded = fold(array)
    total: Array = folded.sum(axis=0).reshape(-1, n_channels).sum(axis=0)
    return total


def add_to_channels(array: Array, bias: Array) -> None:
    """Add a number to each channel of a contiguous array, in place."""
    rows = fold(array)
    rows += np.tile(bias, rows.shape[1] // len(bias))


def _forward(memory: Memory, x: Array) -> Array:
    return channel_sum(x)


def _spread(g: Tensor, input_shape: tuple[int, ...]) -> Tensor:
    return broadcast_to(g, input_shape)


SUM_TO_CHANNELS = Operation(
    "sum_to_channels",
    _forward,
    (Vjp(_spread, wants_shape=True),),
)


def sum_to_channels(x: Operand) -> Tensor:
    """Return the sum over all axes but the last, ``(n_channels,)``."""
    return apply(SUM_TO_CHANNELS, x)
