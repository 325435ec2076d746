"""Operations that move values without changing them: reshape, transpose, broadcast."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from rapidity.autodiff.operation import Operation, Vjp
from rapidity.autodiff.tape import apply

if TYPE_CHECKING:
    from rapidity.autodiff.tensor import Operand, Tensor
    from rapidity.autodiff.workspace import Array, Memory


def _reshape(memory: Memory, x: Array, shape: tuple[int, ...]) -> Array:
    return np.reshape(x, shape)


def _transpose(memory: Memory, x: Array, axes: tuple[int, ...]) -> Array:
    return np.transpose(x, axes)


def _broadcast_to(memory: Memory, x: Array, shape: tuple[int, ...]) -> Array:
    return np.broadcast_to(x, shape)


RESHAPE = Operation(
    "reshape",
    _reshape,
    (Vjp(lambda g, shape, input_shape: reshape(g, input_shape), wants_shape=True),),
)
TRANSPOSE = Operation(
    "transpose",
    _transpose,
    (Vjp(lambda g, axes: transpose(g, tuple(int(axis) for axis in np.argsort(axes)))),),
)
# The tape adds the gradient up over the axes that were broadcast.
BROADCAST_TO = Operation("broadcast_to", _broadcast_to, (Vjp(lambda g, shape: g),))


def reshape(x: Operand, shape: tuple[int, ...]) -> Tensor:
    """Return the values in another shape, the last axis fastest; one extent may be -1."""
    return apply(RESHAPE, x, shape=shape)


def transpose(x: Tensor, axes: tuple[int, ...] | None = None) -> Tensor:
    """Return the axes in another order, reversed when left out."""
    return apply(TRANSPOSE, x, axes=tuple(reversed(range(x.ndim))) if axes is None else tuple(axes))


def broadcast_to(x: Operand, shape: tuple[int, ...]) -> Tensor:
    """Return the values repeated along new axes and those of extent 1."""
    return apply(BROADCAST_TO, x, shape=shape)
