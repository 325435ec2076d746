"""Picking values out, and putting them back: the one is the gradient rule of the other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from rapidity.autodiff.operation import Operation, Vjp
from rapidity.autodiff.tape import apply
from rapidity.autodiff.tensor import Operand, Tensor

if TYPE_CHECKING:
    from rapidity.autodiff.workspace import Array, Memory

Shape = tuple[int, ...]


def _getitem(memory: Memory, x: Array, index: Any) -> Array:
    return x[index]  # type: ignore[no-any-return]


def _scatter(memory: Memory, g: Array, index: Any, shape: Shape) -> Array:
    if _may_repeat(index):
        places = np.arange(int(np.prod(shape))).reshape(shape)[index]
        return _add_at(g, places, shape)
    out = memory.empty(shape, g.dtype)
    out.fill(0)
    out[index] = g
    return out


def _may_repeat(index: Any) -> bool:
    """Return whether an index may pick a value twice: only lists of whole numbers do."""
    parts = index if isinstance(index, tuple) else (index,)
    return any(isinstance(part, np.ndarray) and part.dtype.kind in "iu" and part.ndim > 0 for part in parts)


def _add_at(g: Array, places: Array, shape: Shape) -> Array:
    """Return zeros with the values of `g` added at numbered places; counting is quicker than `np.add.at`."""
    totals = np.bincount(places.ravel(), weights=g.ravel(), minlength=int(np.prod(shape)))
    return totals.reshape(shape).astype(g.dtype, copy=False)


def _take_along_axis(memory: Memory, x: Array, indices: Array, axis: int) -> Array:
    return np.take_along_axis(x, indices, axis)


def _put_along_axis(memory: Memory, g: Array, indices: Array, axis: int, shape: Shape) -> Array:
    places = np.arange(int(np.prod(shape))).reshape(shape)
    return _add_at(g, np.take_along_axis(places, indices, axis), shape)


GETITEM = Operation(
    "getitem",
    _getitem,
    (Vjp(lambda g, index, input_shape: apply(SCATTER, g, index=index, shape=input_shape), wants_shape=True),),
)
SCATTER: Operation = Operation("scatter", _scatter, (Vjp(lambda g, index, shape: getitem(g, index)),))
TAKE_ALONG_AXIS = Operation(
    "take_along_axis",
    _take_along_axis,
    (
        Vjp(
            lambda g, indices, axis, input_shape: apply(
                PUT_ALONG_AXIS, g, indices=indices, axis=axis, shape=input_shape
            ),
            wants_shape=True,
        ),
    ),
)
PUT_ALONG_AXIS: Operation = Operation(
    "put_along_axis",
    _put_along_axis,
    (Vjp(lambda g, indices, axis, shape: take_along_axis(g, indices, axis)),),
)


def getitem(x: Operand, index: Any) -> Tensor:
    """Return ``x[index]``: whole numbers, slices, None, ``...``, truth values and arrays of whole numbers.

    What is picked more than once gets the sum of the gradients.

    Examples
    --------
    >>> import rapidity.autodiff as ad
    >>> x = ad.tensor([1.0, 2.0, 3.0], requires_gradient=True)
    >>> x[[0, 2, 2]].sum().backward()
    >>> x.gradient
    Tensor([1., 0., 2.])
    """
    parts = index if isinstance(index, tuple) else (index,)
    plain = tuple(_plain_index(part) for part in parts)
    return apply(GETITEM, x, index=plain if isinstance(index, tuple) else plain[0])


def _plain_index(part: Any) -> Any:
    if isinstance(part, Tensor):
        return part.array
    return np.asarray(part, None if part else np.intp) if isinstance(part, list) else part


def scatter(x: Operand, index: Any, shape: Shape) -> Tensor:
    """Return zeros of a shape with the values put where `index` says, what `getitem` takes away.

    Values that go to the same place add up.

    Examples
    --------
    >>> import rapidity.autodiff as ad
    >>> ad.scatter(ad.tensor([5.0, 6.0]), np.array([True, False, True]), (3,))
    Tensor([5., 0., 6.])
    """
    return apply(SCATTER, x, index=index, shape=shape)


def take_along_axis(x: Operand, indices: Any, axis: int) -> Tensor:
    """Return for each position of `indices` the value of `x` at that index along `axis`.

    Shapes agree on all other axes, as for `numpy.take_along_axis`. What is taken more than once gets the sum
    of the gradients.
    """
    picked = indices.array if isinstance(indices, Tensor) else np.asarray(indices)
    return apply(TAKE_ALONG_AXIS, x, indices=picked, axis=axis)
