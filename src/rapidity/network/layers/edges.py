"""From objects to pairs of objects."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from rapidity.network.layer import Layer, Shape, ShapeError
from rapidity.network.layers.masks import token_shape

if TYPE_CHECKING:
    from collections.abc import Sequence


class Edges(Layer):
    """Gives each pair of an object i and a neighbour j the features ``x_i + y_j - y_i``.

    Inputs: x and y, both ``(n, n_features)``, and the numbers of the neighbours ``(n, k)`` that `neighbours`
    found; without these every object is a neighbour of all, itself included. The result is
    ``(n, k, n_features)``, or ``(n, n, n_features)``. Where a neighbour is missing, the object itself takes
    its place: layers that take edges together are given the neighbours as a mask.

    With x and y from two dense layers on the same objects, this is the dense layer of an edge convolution
    on ``[h_i, h_j - h_i]``, at a cost of objects instead of edges. Source: Wang et al., arXiv:1801.07829,
    equation 8; for jets Qu and Gouskos, arXiv:1902.08570.
    """

    type: Literal["edges"]

    def output_shape(self, shapes: Sequence[Shape]) -> Shape:
        """Return ``(n, k, n_features)``."""
        n_objects, n_features = token_shape(shapes)
        if len(shapes) not in (2, 3) or shapes[1] != shapes[0]:
            raise ShapeError(
                needs="objects twice in one and the same shape, and at most the numbers of their neighbours",
                cure="Give both one size with a 'dense' layer each",
            )
        if len(shapes) == 2:
            return (n_objects, n_objects, n_features)
        if len(shapes[2]) != 2 or shapes[2][0] != n_objects:
            raise ShapeError(
                needs=f"numbers of neighbours (n_events, {n_objects}, k) as its third input",
                cure="Name a layer 'neighbours' on coordinates of the same objects",
            )
        return (n_objects, shapes[2][1], n_features)
