"""Adding branches up."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from rapidity.network.layer import Layer, Shape, ShapeError
from rapidity.network.layers.arity import several_shapes

if TYPE_CHECKING:
    from collections.abc import Sequence


class Add(Layer):
    """Adds its inputs value by value; all must have the same shape. It makes skip connections."""

    type: Literal["add"]

    def output_shape(self, shapes: Sequence[Shape]) -> Shape:
        """Return the shape that all inputs have."""
        if len(set(several_shapes(shapes))) > 1:
            cure = "Give them one size with a 'dense' layer in a branch, or use 'concatenate'"
            raise ShapeError(needs="inputs of one and the same shape", cure=cure)
        return shapes[0]
