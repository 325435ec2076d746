"""One number for each channel of an image."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from rapidity.network.layer import Layer, Shape
from rapidity.network.layers.arity import image_shape

if TYPE_CHECKING:
    from collections.abc import Sequence


class GlobalPool(Layer):
    """Takes the mean or the largest value of each channel over the whole image.

    What comes out has as many values as channels, whatever the size of the image. Source: Lin et al.,
    arXiv:1312.4400.
    """

    type: Literal["global_pool"]
    function: Literal["average", "max"] = "average"
    """What is taken of the pixels of a channel."""

    def output_shape(self, shapes: Sequence[Shape]) -> Shape:
        """Return ``(channels,)``."""
        return image_shape(shapes)[-1:]
