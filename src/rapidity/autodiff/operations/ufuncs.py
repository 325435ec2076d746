"""Forward passes made of NumPy's elementwise functions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from rapidity.autodiff.workspace import PLAIN, SMALLEST_KEPT

if TYPE_CHECKING:
    from collections.abc import Callable

    from rapidity.autodiff.workspace import Array, Memory


def elementwise(function: np.ufunc) -> Callable[..., Array]:
    """Return the forward pass of a NumPy function of one or two arrays, its result in the workspace's memory.

    Whole numbers and truth values are left to NumPy, which knows the type of their result.
    """

    def forward(memory: Memory, x: Any, *others: Any) -> Array:
        if memory is not PLAIN:
            out = result_buffer(memory, x, *others)
            if out is not None:
                return function(x, *others, out=out)  # type: ignore[no-any-return]
        return function(x, *others)  # type: ignore[no-any-return]

    return forward


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
    arrays = [operand for operand in operands if isinstance(operand, np.ndarray)]
    if all(array.nbytes < SMALLEST_KEPT for array in arrays):
        return None
    first = arrays[0]
    dtype = first.dtype
    shape = first.shape
    if any(array.dtype != dtype for array in arrays) or len(arrays) < len(operands):
        dtype = np.result_type(*operands)
    if any(array.shape != shape for array in arrays):
        shape = np.broadcast_shapes(*(array.shape for array in arrays))
    return memory.empty(shape, dtype) if dtype.kind == "f" else None
