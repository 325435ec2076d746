"""Matrix products."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from rapidity.autodiff.operation import Operation, Vjp
from rapidity.autodiff.operations.shapes import transpose
from rapidity.autodiff.tape import apply

if TYPE_CHECKING:
    from rapidity.autodiff.tensor import Operand, Tensor
    from rapidity.autodiff.workspace import Array, Memory


def _matmul(memory: Memory, x: Array, y: Array) -> Array:
    leading = np.broadcast_shapes(x.shape[:-2], y.shape[:-2])
    shape = (*leading, x.shape[-2], y.shape[-1])
    result: Array = np.matmul(x, y, out=memory.empty(shape, np.result_type(x, y)))
    return result


def _swap(x: Tensor) -> Tensor:
    return transpose(x, (*range(x.ndim - 2), x.ndim - 1, x.ndim - 2))


MATMUL = Operation(
    "matmul",
    _matmul,
    (
        Vjp(lambda g, y: matmul(g, _swap(y)), needs=(1,)),
        Vjp(lambda g, x: matmul(_swap(x), g), needs=(0,)),
    ),
)


def matmul(x: Operand, y: Operand) -> Tensor:
    """Return the matrix product ``(..., n, k) @ (..., k, m)``; the axes in front broadcast."""
    return apply(MATMUL, x, y)
