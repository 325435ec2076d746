"""Pairs of objects, each once: which there are, and how they make a square."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Literal

import numpy as np

from rapidity.network.layer import Layer, Shape, ShapeError
from rapidity.network.layers.arity import one_shape

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray


def count_pairs(n_objects: int) -> int:
    """Return the number of pairs of different objects.

    Examples
    --------
    >>> count_pairs(4)
    6
    """
    return n_objects * (n_objects - 1) // 2


def count_objects(n_pairs: int) -> int:
    """Return how many objects have so many pairs; a ShapeError if no number of them has."""
    n_objects = (1 + math.isqrt(1 + 8 * n_pairs)) // 2
    if count_pairs(n_objects) != n_pairs or n_pairs == 0:
        raise ShapeError(
            needs=f"one value for each pair of n objects, n (n - 1) / 2, which {n_pairs} is not",
            cure="Begin with 'pair_features' or 'pair_mask'",
        )
    return n_objects


def pair_places(n_objects: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the numbers of the first and of the second object of each pair, counted from 0.

    Examples
    --------
    >>> first, second = pair_places(3)
    >>> list(zip(first.tolist(), second.tolist(), strict=True))
    [(0, 1), (0, 2), (1, 2)]
    """
    first, second = np.triu_indices(n_objects, 1)
    return first.astype(np.int64), second.astype(np.int64)


def square_places(n_objects: int) -> NDArray[np.int64]:
    """Return for each place of a square ``(n * n,)`` the number of its pair; on the diagonal their number.

    Examples
    --------
    >>> square_places(3).reshape(3, 3)
    array([[3, 0, 1],
           [0, 3, 2],
           [1, 2, 3]])
    """
    places = np.full((n_objects, n_objects), count_pairs(n_objects), np.int64)
    first, second = pair_places(n_objects)
    places[first, second] = places[second, first] = np.arange(len(first))
    return places.ravel()


class PairMask(Layer):
    """Says which pairs of objects there are: 1 where both are there, else 0.

    Input: the mask of the objects ``(n,)``. The result ``(n (n - 1) / 2,)`` has each pair once, in the order
    of `pair_features`; it is the mask of layers that take pairs together.
    """

    type: Literal["pair_mask"]

    def output_shape(self, shapes: Sequence[Shape]) -> Shape:
        """Return ``(n (n - 1) / 2,)``."""
        shape = one_shape(shapes)
        if len(shape) != 1 or shape[0] < 2:
            raise ShapeError(
                needs="the mask (n_events, n_objects) of two objects or more",
                cure="Name the mask of a cloud, such as 'jets.mask'",
            )
        return (count_pairs(shape[0]),)


class SquarePairs(Layer):
    """Puts pairs, each given once, into a square: the same at (a, b) and (b, a), zeros for (a, a).

    Input: values ``(n (n - 1) / 2, n_features)`` or a mask ``(n (n - 1) / 2,)`` in the order of
    `pair_features`. The result is ``(n, n, n_features)`` or ``(n, n)``: the pair bias of `attention`,
    features of `edges` among all objects, and their mask, which leaves out what an object would tell itself.
    """

    type: Literal["square_pairs"]

    def output_shape(self, shapes: Sequence[Shape]) -> Shape:
        """Return ``(n, n, n_features)`` or ``(n, n)``."""
        shape = one_shape(shapes, min_axes=1)
        if len(shape) > 2:
            raise ShapeError(
                needs="pairs (n_events, n_pairs, n_features) or their mask (n_events, n_pairs)",
                cure="Begin with 'pair_features' or 'pair_mask'",
            )
        n_objects = count_objects(shape[0])
        return (n_objects, n_objects, *shape[1:])
