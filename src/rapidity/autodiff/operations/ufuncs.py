"""Forward passes made of NumPy's elementwise functions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from rapidity.autodiff.workspace import PLAIN, SMALLEST_KEPT

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from rapidity.autodiff.workspace import Array, Memory


def elementwise(function: np.ufunc) -> Callable[..., Array]:
    """Return the forward pass of a NumPy function of one or two arrays, its result in the workspace's memory.

    Whole numbers and truth values are left to NumPy, which knows the type of their result. Shapes that do
    not broadcast are a ValueError that names them.
    """

    def forward(memory: Memory, x: Any, *others: Any) -> Array:
        try:
            if memory is not PLAIN:
                out = result_buffer(memory, x, *others)
                if out is not None:
                    return function(x, *others, out=out)  # type: ignore[no-any-return]
            return function(x, *others)  # type: ignore[no-any-return]
        except ValueError as error:
            raise _explain(function, (x, *others), error) from None

    return forward


def _explain(function: np.ufunc, operands: Sequence[Any], error: ValueError) -> ValueError:
    shapes = [np.shape(operand) for operand in operands]
    try:
        np.broadcast_shapes(*shapes)
    except ValueError:
        message = (
            f"'{function.__name__}' gets shapes {' and '.join(map(str, shapes))}, which do not fit: counted"
            " from the last axis, extents must be equal or 1. Reshape one of them."
        )
        return ValueError(message)
    return error


def result_buffer(memory: Memory, *operands: Any) -> Array | None:
    """Return an array for the broadcast result of floating-point operands, or None if it would be small.

    Examples
    --------
    >>> from rapidity.autodiff.workspace import BufferPool
    >>> result_buffer(BufferPool(), np.ones((1000, 3)), np.ones(3)).shape
    (1000, 3)
    >>> result_buffer(BufferPool(), np.ones(3), 2.0) is None
    True
    """
    largest: Array | None = None
    is_mixed = False
    for operand in operands:
        if isinstance(operand, np.ndarray):
            if largest is None:
                largest = operand
                continue
            is_mixed = is_mixed or operand.dtype != largest.dtype
            largest = operand if operand.size > largest.size else largest
        elif type(operand) not in _PLAIN_NUMBERS:
            is_mixed = True
    if largest is None or largest.nbytes < SMALLEST_KEPT:
        return None
    dtype = np.result_type(*operands) if is_mixed else largest.dtype
    return memory.empty(_broadcast(largest.shape, operands), dtype) if dtype.kind == "f" else None


_PLAIN_NUMBERS = (int, float, bool)
"""They do not change the precision of an array."""


def _broadcast(shape: tuple[int, ...], operands: Sequence[Any]) -> tuple[int, ...]:
    """Return the shape of the result, given that of the largest operand; NumPy's own function is slow."""
    for operand in operands:
        if isinstance(operand, np.ndarray) and operand.shape != shape:
            n_missing = len(shape) - operand.ndim
            if n_missing < 0 or operand.shape != shape[n_missing:]:
                return np.broadcast_shapes(shape, *(np.shape(each) for each in operands))
    return shape
