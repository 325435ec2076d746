"""Larger images."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from rapidity.network.layer import Layer, Shape
from rapidity.network.layers.arity import image_shape
from rapidity.network.window import Size

if TYPE_CHECKING:
    from collections.abc import Sequence


class Upsample2d(Layer):
    """Repeats every row and column of pixels `factor` times (nearest neighbour)."""

    type: Literal["upsample2d"]
    factor: Size = (2, 2)
    """How often each row and each column is repeated; one number for both."""

    def output_shape(self, shapes: Sequence[Shape]) -> Shape:
        """Return ``(factor * height, factor * width, channels)``."""
        height, width, channels = image_shape(shapes)
        return (self.factor[0] * height, self.factor[1] * width, channels)
