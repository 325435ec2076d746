"""The nearest neighbours of every object."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import Field

from rapidity.network.layer import Layer, Shape, ShapeError
from rapidity.network.layers.masks import masked_token_shape

if TYPE_CHECKING:
    from collections.abc import Sequence

MOST_EXACT_COORDINATES = 8
"""Up to so many coordinates distances are sums of squared differences in float32, which are the same in every
library; of more, such as features inside a network, they follow from scalar products in float64, which
are much quicker and as exact as the features are."""


class Neighbours(Layer):
    """Finds the k nearest other objects of each object of an event.

    Inputs: coordinates ``(n, n_coordinates)``, or features; and last their mask, if any. The result
    ``(n, k)`` holds the numbers of the neighbours, counted from 1, the nearest first, and 0 where there are
    fewer than k, as for places without an object. So it also is the mask of the edges. Of neighbours
    equally far away the one that comes first in the event is taken, in every engine and in ONNX.
    Distances are Euclidean. No gradient flows through the choice.

    Coordinates computed by layers differ between libraries by rounding: where two objects are equally far
    away but for that, another one may be chosen there.
    """

    is_continuous: ClassVar[bool] = False

    type: Literal["neighbours"]
    k: Annotated[int, Field(gt=0)] = 16
    """How many neighbours; less than the objects of an event at most."""

    def output_shape(self, shapes: Sequence[Shape]) -> Shape:
        """Return ``(n, k)``."""
        n_objects = masked_token_shape(shapes)[0]
        if len(shapes) > 1 and shapes[1][0] != n_objects:
            raise ShapeError(
                needs=f"a mask (n_events, {n_objects}) of its objects", cure="Leave the class token out"
            )
        if self.k >= n_objects:
            raise ShapeError(
                needs=f"more objects than its k = {self.k} neighbours, and gets {n_objects}",
                cure=f"Set 'k' to {max(1, n_objects - 1)} at most, or keep more objects ('n_objects')",
            )
        return (n_objects, self.k)
