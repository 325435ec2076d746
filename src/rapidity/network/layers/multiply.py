"""Multiplying branches."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from rapidity.network.layer import Layer, Shape, ShapeError
from rapidity.network.layers.arity import several_shapes

if TYPE_CHECKING:
    from collections.abc import Sequence


class Multiply(Layer):
    """Multiplies its first input by the others, value by value: gates, squeeze and excitation.

    The others have the shape of the first, or one value per feature ``(n_features,)``, which then holds for
    all objects or pixels.
    """

    type: Literal["multiply"]

    def output_shape(self, shapes: Sequence[Shape]) -> Shape:
        """Return the shape of the first input."""
        first, *others = several_shapes(shapes)
        if any(shape not in (first, first[-1:]) for shape in others):
            raise ShapeError(
                needs="inputs of the first one's shape, or of one value for each of its features",
                cure="Name the larger input first, and give the others its size with a 'dense' layer",
            )
        return first
