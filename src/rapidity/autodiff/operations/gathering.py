"""Objects picked out of each event by their numbers, and added up where they came from."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from rapidity.autodiff.operation import Operation, Vjp
from rapidity.autodiff.tape import apply
from rapidity.autodiff.tensor import Tensor

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from rapidity.autodiff.tensor import Operand
    from rapidity.autodiff.workspace import Array, Memory

BLOCK_SIZE = 1 << 19
"""Numbers in the matrix that adds a block of events up: it should stay in the cache."""


def _gather(memory: Memory, x: Array, numbers: NDArray[np.intp], n_objects: int) -> Array:
    n_events, _, n_features = x.shape
    rows = numbers + n_objects * np.arange(n_events).reshape(-1, *(1,) * (numbers.ndim - 1))
    out = memory.empty((*numbers.shape, n_features), x.dtype)
    # With "raise" NumPy would go through a buffer; the numbers are known to be right.
    np.take(x.reshape(-1, n_features), rows, axis=0, out=out, mode="clip")
    return out


def _add_up(memory: Memory, g: Array, numbers: NDArray[np.intp], n_objects: int) -> Array:
    """Return ``(n_events, n_objects, n_features)``: for each object the sum of what was made of it.

    As a product with a matrix of zeros and ones for each event, a few events at a time: BLAS adds up several
    times quicker than what goes from row to row.
    """
    n_events, n_features = len(g), g.shape[-1]
    flat_numbers, values = numbers.reshape(n_events, -1), g.reshape(n_events, -1, n_features)
    out = memory.empty((n_events, n_objects, n_features), g.dtype)
    objects = np.arange(n_objects)[:, np.newaxis]
    n_in_block = max(1, BLOCK_SIZE // max(1, n_objects * flat_numbers.shape[1]))
    for start in range(0, n_events, n_in_block):
        block = slice(start, start + n_in_block)
        is_source = (flat_numbers[block, np.newaxis] == objects).astype(g.dtype)
        np.matmul(is_source, values[block], out=out[block])
    return out


GATHER_OBJECTS = Operation(
    "gather_objects",
    _gather,
    (
        Vjp(
            lambda g, numbers, n_objects: apply(ADD_OBJECTS, g, numbers=numbers, n_objects=n_objects),
        ),
    ),
)
ADD_OBJECTS: Operation = Operation(
    "add_objects",
    _add_up,
    (
        Vjp(
            lambda g, numbers, n_objects: apply(GATHER_OBJECTS, g, numbers=numbers, n_objects=n_objects),
        ),
    ),
)


def gather_objects(x: Operand, numbers: Operand) -> Tensor:
    """Return the objects of each event that `numbers` names.

    Parameters
    ----------
    x
        ``(n_events, n_objects, n_features)``.
    numbers
        Whole numbers from 0 to ``n_objects - 1``, of shape ``(n_events, ...)``; they have no gradient.

    Returns
    -------
    Tensor
        ``(n_events, ..., n_features)``. An object that is picked more than once gets the sum of the
        gradients.

    Raises
    ------
    ValueError
        If the shapes do not fit, or a number is not that of an object.

    Examples
    --------
    >>> x = np.array([[[1.0], [2.0]], [[3.0], [4.0]]])
    >>> gather_objects(x, np.array([[1, 1, 0], [0, 0, 0]])).numpy()[..., 0]
    array([[2., 2., 1.],
           [3., 3., 3.]])
    """
    array = x.array if isinstance(x, Tensor) else np.asarray(x)
    picked = numbers.array if isinstance(numbers, Tensor) else np.asarray(numbers)
    picked = picked.astype(np.intp, copy=False)
    if array.ndim != 3 or picked.ndim < 2 or len(picked) != len(array):
        message = (
            "gather_objects takes objects (n_events, n_objects, n_features) and numbers (n_events, ...), but"
            f" found shapes {array.shape} and {picked.shape}."
        )
        raise ValueError(message)
    n_objects = array.shape[1]
    if picked.size and (picked.min() < 0 or picked.max() >= n_objects):
        message = (
            f"gather_objects takes numbers from 0 to {n_objects - 1}, but found {picked.min()} to"
            f" {picked.max()}: there are {n_objects} objects."
        )
        raise ValueError(message)
    return apply(GATHER_OBJECTS, x, numbers=picked, n_objects=n_objects)
