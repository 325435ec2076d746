"""Matrix products."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from rapidity.autodiff.operation import Operation, Vjp
from rapidity.autodiff.operations.shapes import expand_dims, reshape, squeeze, transpose
from rapidity.autodiff.tape import apply
from rapidity.autodiff.tensor import Tensor, tensor

if TYPE_CHECKING:
    from rapidity.autodiff.tensor import Operand
    from rapidity.autodiff.workspace import Array, Memory


def _matmul(memory: Memory, x: Array, y: Array) -> Array:
    leading = np.broadcast_shapes(x.shape[:-2], y.shape[:-2]) if x.ndim > 2 or y.ndim > 2 else ()
    shape = (*leading, x.shape[-2], y.shape[-1])
    result: Array = np.matmul(x, y, out=memory.empty(shape, np.result_type(x, y)))
    return result


def _linear(memory: Memory, x: Array, kernel: Array, bias: Array | None = None) -> Array:
    # One product of all rows, and the bias added in place: both spare memory traffic.
    rows = x.reshape(-1, x.shape[-1]) if x.ndim != 2 else x
    out = memory.empty((len(rows), kernel.shape[1]), np.result_type(rows, kernel))
    np.matmul(rows, kernel, out=out)
    if bias is not None:
        out += bias
    return out if x.ndim == 2 else out.reshape(*x.shape[:-1], -1)


def _swap(x: Tensor) -> Tensor:
    return transpose(x, (*range(x.ndim - 2), x.ndim - 1, x.ndim - 2))


def _rows(x: Tensor) -> Tensor:
    return x if x.ndim == 2 else reshape(x, (math.prod(x.shape[:-1]), x.shape[-1]))


def _linear_kernel_rule(g: Tensor, x: Tensor) -> Tensor:
    return matmul(_swap(_rows(x)), _rows(g))


MATMUL = Operation(
    "matmul",
    _matmul,
    (
        Vjp(lambda g, y: matmul(g, _swap(y)), needs=(1,)),
        Vjp(lambda g, x: matmul(_swap(x), g), needs=(0,)),
    ),
)
# The tape adds what arrives up over the rows for the bias.
LINEAR = Operation(
    "linear",
    _linear,
    (
        Vjp(lambda g, kernel: matmul(g, _swap(kernel)), needs=(1,)),
        Vjp(_linear_kernel_rule, needs=(0,)),
        Vjp(lambda g: g),
    ),
)


def matmul(x: Operand, y: Operand) -> Tensor:
    """Return the matrix product, as NumPy's ``x @ y``.

    Shapes ``(..., n, k) @ (..., k, m)``; the axes in front broadcast. A vector on the left is a row, one on
    the right a column, without that axis in the result. Matrices times one matrix are a single product of
    all rows.
    """
    left, right = (value if isinstance(value, Tensor) else tensor(value) for value in (x, y))
    if left.ndim == 0 or right.ndim == 0 or left.shape[-1] != right.shape[-2 if right.ndim > 1 else 0]:
        message = (
            f"matmul cannot multiply shapes {left.shape} and {right.shape}: the last extent of the first must"
            " equal the last but one of the second (the only one of a vector). A number multiplies with *."
        )
        raise ValueError(message)
    if left.ndim == 1:
        return squeeze(matmul(expand_dims(left, 0), right), -1 if right.ndim == 1 else -2)
    if right.ndim == 1:
        return squeeze(matmul(left, expand_dims(right, 1)), -1)
    if left.ndim > 2 and right.ndim == 2:
        return reshape(apply(MATMUL, _rows(left), right), (*left.shape[:-1], right.shape[-1]))
    return apply(MATMUL, left, right)


def linear(x: Tensor, kernel: Tensor, bias: Tensor | None = None) -> Tensor:
    """Return ``x @ kernel + bias``, a dense layer.

    Parameters
    ----------
    x
        Shape ``(..., n_in)``.
    kernel
        Shape ``(n_in, n_out)``.
    bias
        Shape ``(n_out,)``; left out, 0.

    Raises
    ------
    ValueError
        If the shapes do not fit.
    """
    if kernel.ndim != 2 or x.ndim == 0 or x.shape[-1] != kernel.shape[0]:
        message = (
            f"linear takes inputs (..., n_in) and a kernel (n_in, n_out), but found shapes {x.shape}"
            f" and {kernel.shape}."
        )
        raise ValueError(message)
    if bias is not None and bias.shape != kernel.shape[1:]:
        message = f"linear has a kernel of shape {kernel.shape}, but a bias of shape {bias.shape}."
        raise ValueError(message)
    return apply(LINEAR, x, kernel) if bias is None else apply(LINEAR, x, kernel, bias)


def _einsum(memory: Memory, x: Array, y: Array, subscripts: str) -> Array:
    return np.einsum(subscripts, x, y, optimize=True)  # type: ignore[no-any-return]


def _einsum_rule(
    g: Tensor, other: Tensor, subscripts: str, input_shape: tuple[int, ...], *, side: int
) -> Tensor:
    operands, result = subscripts.split("->")
    names = operands.split(",")
    own, others = names[side], names[1 - side]
    # An index of this operand alone was added up: its gradient is the same along it.
    kept = [name for name in own if name in result or name in others]
    found = apply(EINSUM, g, other, subscripts=f"{result},{others}->{''.join(kept)}")
    if len(kept) == len(own):
        return found
    return reshape(
        found, tuple(extent if name in kept else 1 for name, extent in zip(own, input_shape, strict=True))
    ) * np.ones(input_shape, found.dtype)


EINSUM = Operation(
    "einsum",
    _einsum,
    (
        Vjp(lambda g, y, **settings: _einsum_rule(g, y, side=0, **settings), needs=(1,), wants_shape=True),
        Vjp(lambda g, x, **settings: _einsum_rule(g, x, side=1, **settings), needs=(0,), wants_shape=True),
    ),
)


def einsum(subscripts: str, x: Operand, y: Operand) -> Tensor:
    """Return a sum of products of two tensors in Einstein's notation, ``"bik,bkj->bij"``.

    Raises
    ------
    ValueError
        If the result is not written out, or an index stands twice in one operand.
    """
    plain = subscripts.replace(" ", "")
    operands, arrow, result = plain.partition("->")
    names = operands.split(",")
    if (
        not arrow
        or "." in plain
        or len(names) != 2
        or any(len({*each}) < len(each) for each in (*names, result))
    ):
        message = (
            f"einsum got '{subscripts}', but takes two operands, a written-out result and each index once in"
            ' each, such as "ik,kj->ij".'
        )
        raise ValueError(message)
    return apply(EINSUM, x, y, subscripts=plain)
