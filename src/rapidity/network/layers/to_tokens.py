"""Images as sequences."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from rapidity.network.layer import Layer, Shape
from rapidity.network.layers.arity import image_shape

if TYPE_CHECKING:
    from collections.abc import Sequence


class ToTokens(Layer):
    """Makes a token of each pixel of an image, row after row; its features are the channels.

    After a `conv2d` whose stride is its kernel's size, a pixel is a patch of the image.
    """

    type: Literal["to_tokens"]

    def output_shape(self, shapes: Sequence[Shape]) -> Shape:
        """Return ``(height * width, channels)``."""
        height, width, channels = image_shape(shapes)
        return (height * width, channels)
