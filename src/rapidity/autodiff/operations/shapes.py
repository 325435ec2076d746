"""Operations that move values without changing them: reshape, transpose, broadcast, pad.

Results are views where NumPy gives views; nobody writes to them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from rapidity.autodiff.operation import Operation, Vjp
from rapidity.autodiff.operations.indexing import getitem
from rapidity.autodiff.tape import apply

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rapidity.autodiff.tensor import Operand, Tensor
    from rapidity.autodiff.workspace import Array, Memory

Shape = tuple[int, ...]
Widths = tuple[tuple[int, int], ...]


def _reshape(memory: Memory, x: Array, shape: Shape) -> Array:
    return np.reshape(x, shape)


def _transpose(memory: Memory, x: Array, axes: Shape) -> Array:
    return np.transpose(x, axes)


def _broadcast_to(memory: Memory, x: Array, shape: Shape) -> Array:
    return np.broadcast_to(x, shape)


def _pad(memory: Memory, x: Array, widths: Widths, value: float) -> Array:
    shape = tuple(before + extent + after for extent, (before, after) in zip(x.shape, widths, strict=True))
    out = memory.empty(shape, x.dtype)
    out.fill(value)
    out[_inside(x.shape, widths)] = x
    return out


def _inside(shape: Shape, widths: Widths) -> tuple[slice, ...]:
    return tuple(slice(before, before + extent) for extent, (before, _) in zip(shape, widths, strict=True))


def _inverse(axes: Shape) -> Shape:
    return tuple(int(axis) for axis in np.argsort(axes))


RESHAPE = Operation(
    "reshape",
    _reshape,
    (Vjp(lambda g, shape, input_shape: reshape(g, input_shape), wants_shape=True),),
)
TRANSPOSE = Operation("transpose", _transpose, (Vjp(lambda g, axes: transpose(g, _inverse(axes))),))
# The tape adds the gradient up over the axes that were broadcast.
BROADCAST_TO = Operation("broadcast_to", _broadcast_to, (Vjp(lambda g, shape: g),))
PAD = Operation(
    "pad",
    _pad,
    (Vjp(lambda g, widths, value, input_shape: getitem(g, _inside(input_shape, widths)), wants_shape=True),),
)


def reshape(x: Operand, shape: Shape) -> Tensor:
    """Return the values in another shape, the last axis fastest; one extent may be -1."""
    return apply(RESHAPE, x, shape=shape)


def expand_dims(x: Tensor, axis: int) -> Tensor:
    """Return the values with a new axis of extent 1, counted in the result."""
    axis %= x.ndim + 1
    return reshape(x, (*x.shape[:axis], 1, *x.shape[axis:]))


def squeeze(x: Tensor, axis: int | None = None) -> Tensor:
    """Return the values without an axis of extent 1, or without all such axes.

    Raises
    ------
    ValueError
        If the extent of `axis` is not 1.
    """
    if axis is None:
        return reshape(x, tuple(extent for extent in x.shape if extent != 1))
    if x.shape[axis] != 1:
        message = (
            f"axis {axis} of shape {x.shape} has the extent {x.shape[axis]}; only an extent of 1 can go."
        )
        raise ValueError(message)
    axis %= x.ndim
    return reshape(x, (*x.shape[:axis], *x.shape[axis + 1 :]))


def transpose(x: Tensor, axes: Sequence[int] | None = None) -> Tensor:
    """Return the axes in another order, reversed when left out."""
    order = tuple(reversed(range(x.ndim))) if axes is None else tuple(axis % x.ndim for axis in axes)
    return apply(TRANSPOSE, x, axes=order)


def broadcast_to(x: Operand, shape: Shape) -> Tensor:
    """Return the values repeated along new axes and those of extent 1."""
    return apply(BROADCAST_TO, x, shape=shape)


def flip(x: Tensor, axis: int) -> Tensor:
    """Return the values in reverse order along an axis."""
    axis %= x.ndim
    return getitem(x, (*(slice(None),) * axis, slice(None, None, -1)))


def pad(x: Operand, widths: Sequence[tuple[int, int]], value: float = 0.0) -> Tensor:
    """Return the values with a border of constants.

    Parameters
    ----------
    widths
        For each axis how many to put before and after.

    Examples
    --------
    >>> import rapidity.autodiff as ad
    >>> ad.pad(ad.tensor([1.0, 2.0]), [(1, 2)])
    Tensor([0., 1., 2., 0., 0.])
    """
    return apply(PAD, x, widths=tuple((before, after) for before, after in widths), value=value)
