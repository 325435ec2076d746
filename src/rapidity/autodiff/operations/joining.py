"""Putting tensors together and taking them apart along an axis."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import numpy as np

from rapidity.autodiff.operation import Operation, Vjp
from rapidity.autodiff.operations.indexing import getitem
from rapidity.autodiff.operations.shapes import expand_dims
from rapidity.autodiff.tape import apply
from rapidity.autodiff.tensor import Tensor, tensor

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rapidity.autodiff.tensor import Operand
    from rapidity.autodiff.workspace import Array, Memory


def _concatenate(memory: Memory, *arrays: Array, axis: int, ends: tuple[int, ...]) -> Array:
    shape = list(arrays[0].shape)
    shape[axis] = ends[-1]
    return np.concatenate(arrays, axis, out=memory.empty(tuple(shape), np.result_type(*arrays)))


def _part(g: Tensor, axis: int, ends: tuple[int, ...], index: int) -> Tensor:
    return _slice(g, axis, ends[index - 1] if index else 0, ends[index])


def _slice(x: Tensor, axis: int, start: int, end: int) -> Tensor:
    return getitem(x, (*(slice(None),) * axis, slice(start, end)))


CONCATENATE = Operation("concatenate", _concatenate, (Vjp(_part),), is_variadic=True)


def concatenate(tensors: Sequence[Operand], axis: int = 0) -> Tensor:
    """Return tensors one after the other along an axis; their other extents agree."""
    operands = [value if isinstance(value, Tensor) else tensor(value) for value in tensors]
    axis %= operands[0].ndim
    ends = tuple(itertools.accumulate(operand.shape[axis] for operand in operands))
    return apply(CONCATENATE, *operands, axis=axis, ends=ends)


def stack(tensors: Sequence[Operand], axis: int = 0) -> Tensor:
    """Return tensors of one shape along a new axis, counted in the result."""
    operands = [value if isinstance(value, Tensor) else tensor(value) for value in tensors]
    return concatenate([expand_dims(operand, axis) for operand in operands], axis % (operands[0].ndim + 1))


def split(x: Tensor, parts: int | Sequence[int], axis: int = 0) -> list[Tensor]:
    """Return pieces along an axis: `parts` equal ones, or cut at the positions given.

    Raises
    ------
    ValueError
        If the extent cannot be cut into so many equal pieces.

    Examples
    --------
    >>> [piece.shape for piece in split(tensor(np.zeros((2, 6))), [1, 4], axis=1)]
    [(2, 1), (2, 3), (2, 2)]
    """
    axis %= x.ndim
    extent = x.shape[axis]
    if isinstance(parts, int):
        if extent % parts:
            message = f"an extent of {extent} (axis {axis}) cannot be cut into {parts} equal pieces."
            raise ValueError(message)
        parts = range(extent // parts, extent, extent // parts)
    cuts = [0, *parts, extent]
    return [_slice(x, axis, start, end) for start, end in itertools.pairwise(cuts)]
