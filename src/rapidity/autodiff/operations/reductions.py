"""Operations that add up or average over axes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from rapidity.autodiff.operation import Operation, Vjp
from rapidity.autodiff.operations.shapes import broadcast_to, reshape
from rapidity.autodiff.tape import apply

if TYPE_CHECKING:
    from rapidity.autodiff.tensor import Operand, Tensor
    from rapidity.autodiff.workspace import Array, Memory

Axes = tuple[int, ...]


def normalize_axes(axis: int | Axes | None, n_axes: int) -> Axes:
    """Return axis numbers from 0 on; None means all axes.

    Examples
    --------
    >>> normalize_axes(-1, 3), normalize_axes(None, 2)
    ((2,), (0, 1))
    """
    if axis is None:
        return tuple(range(n_axes))
    return tuple(number % n_axes for number in ((axis,) if isinstance(axis, int) else axis))


def _sum(memory: Memory, x: Array, axes: Axes, *, keepdims: bool) -> Array:
    return np.sum(x, axis=axes, keepdims=keepdims)  # type: ignore[no-any-return]


def _spread(g: Tensor, axes: Axes, keepdims: bool, input_shape: tuple[int, ...]) -> Tensor:
    if not keepdims:
        g = reshape(g, tuple(1 if axis in axes else extent for axis, extent in enumerate(input_shape)))
    return broadcast_to(g, input_shape)


SUM = Operation("sum", _sum, (Vjp(_spread, wants_shape=True),))


def sum(x: Operand, axis: int | Axes | None = None, *, keepdims: bool = False) -> Tensor:  # noqa: A001
    """Return the sum over some axes, or over all."""
    return apply(SUM, x, axes=normalize_axes(axis, np.ndim(getattr(x, "array", x))), keepdims=keepdims)


def mean(x: Tensor, axis: int | Axes | None = None, *, keepdims: bool = False) -> Tensor:
    """Return the mean over some axes, or over all."""
    axes = normalize_axes(axis, x.ndim)
    n_values = int(np.prod([x.shape[number] for number in axes]))
    return sum(x, axes, keepdims=keepdims) / n_values
