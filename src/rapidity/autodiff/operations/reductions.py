"""Operations that take axes together: sums, averages, extrema."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from rapidity.autodiff.operation import OUTPUT, Operation, Vjp
from rapidity.autodiff.operations.elementwise import multiply, square
from rapidity.autodiff.operations.shapes import broadcast_to, reshape
from rapidity.autodiff.tape import apply
from rapidity.autodiff.tensor import Tensor

if TYPE_CHECKING:
    from rapidity.autodiff.tensor import Operand
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
    n_axes = len(axes)
    is_by_rows = axes == tuple(range(n_axes)) and 0 < n_axes < x.ndim
    if is_by_rows and x.size and x.dtype.kind == "f" and x.flags.c_contiguous:
        return _sum_rows(x, n_axes, keepdims=keepdims)
    return np.sum(x, axis=axes, keepdims=keepdims)  # type: ignore[no-any-return]


def _sum_rows(x: Array, n_axes: int, *, keepdims: bool) -> Array:
    """Return the sum over the first axes as a product with ones: BLAS is several times quicker there."""
    rest = x.shape[n_axes:]
    rows = x.reshape(-1, math.prod(rest))
    total = np.ones(len(rows), x.dtype) @ rows
    return total.reshape((1,) * n_axes + rest if keepdims else rest)


def _max(memory: Memory, x: Array, axes: Axes, *, keepdims: bool) -> Array:
    return np.max(x, axis=axes, keepdims=keepdims)  # type: ignore[no-any-return]


def _min(memory: Memory, x: Array, axes: Axes, *, keepdims: bool) -> Array:
    return np.min(x, axis=axes, keepdims=keepdims)  # type: ignore[no-any-return]


def _with_axes(g: Tensor, axes: Axes, keepdims: bool, input_shape: tuple[int, ...]) -> Tensor:
    """Return what arrives with the axes that were taken together, extent 1 each."""
    if keepdims:
        return g
    return reshape(g, tuple(1 if axis in axes else extent for axis, extent in enumerate(input_shape)))


def _sum_rule(g: Tensor, axes: Axes, keepdims: bool, input_shape: tuple[int, ...]) -> Tensor:
    return broadcast_to(_with_axes(g, axes, keepdims, input_shape), input_shape)


def _extremum_rule(g: Tensor, x: Tensor, result: Tensor, axes: Axes, keepdims: bool) -> Tensor:
    # NaN equals nothing, not itself either: 0 / 0 then makes the gradient NaN.
    chosen = x.array == _with_axes(result, axes, keepdims, x.shape).array
    share = chosen / np.sum(chosen, axis=axes, keepdims=True, dtype=x.dtype)
    share = share.astype(x.dtype, copy=False)
    return multiply(_with_axes(g, axes, keepdims, x.shape), share)


SUM = Operation("sum", _sum, (Vjp(_sum_rule, wants_shape=True),))
MAX = Operation("max", _max, (Vjp(_extremum_rule, needs=(0, OUTPUT)),))
MIN = Operation("min", _min, (Vjp(_extremum_rule, needs=(0, OUTPUT)),))


def _reduce(operation: Operation, x: Operand, axis: int | Axes | None, *, keepdims: bool) -> Tensor:
    n_axes = x.ndim if isinstance(x, Tensor) else np.ndim(x)
    return apply(operation, x, axes=normalize_axes(axis, n_axes), keepdims=keepdims)


def sum(x: Operand, axis: int | Axes | None = None, *, keepdims: bool = False) -> Tensor:  # noqa: A001
    """Return the sum over some axes, or over all."""
    return _reduce(SUM, x, axis, keepdims=keepdims)


def mean(x: Tensor, axis: int | Axes | None = None, *, keepdims: bool = False) -> Tensor:
    """Return the mean over some axes, or over all; NaN for no values."""
    axes = normalize_axes(axis, x.ndim)
    n_values = math.prod(x.shape[number] for number in axes)
    return sum(x, axes, keepdims=keepdims) * (1.0 / n_values if n_values else math.nan)


def variance(
    x: Tensor, axis: int | Axes | None = None, *, keepdims: bool = False, n_subtracted: int = 0
) -> Tensor:
    """Return the mean squared distance from the mean, over ``n - n_subtracted`` values.

    Computed in two passes, so that nothing cancels where the mean is large.
    """
    axes = normalize_axes(axis, x.ndim)
    n_values = math.prod(x.shape[number] for number in axes)
    distance = x - mean(x, axes, keepdims=True)
    return sum(square(distance), axes, keepdims=keepdims) / (n_values - n_subtracted)


def max(x: Operand, axis: int | Axes | None = None, *, keepdims: bool = False) -> Tensor:  # noqa: A001
    """Return the largest value over some axes, or over all.

    Equal maxima share the gradient. If one value is NaN, so are the result and the gradients behind it.
    """
    return _reduce(MAX, x, axis, keepdims=keepdims)


def min(x: Operand, axis: int | Axes | None = None, *, keepdims: bool = False) -> Tensor:  # noqa: A001
    """Return the smallest value over some axes, or over all; ties and NaN as in `max`."""
    return _reduce(MIN, x, axis, keepdims=keepdims)
