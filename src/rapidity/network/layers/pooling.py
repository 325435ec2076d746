"""What the poolings share: the keys of their window, and the shape rule that follows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from pydantic import model_validator

from rapidity.network.layer import Layer, Shape
from rapidity.network.layers.arity import image_shape
from rapidity.network.window import Padding, Size, Window, place_window

if TYPE_CHECKING:
    from collections.abc import Sequence


class Pooling(Layer):
    """Base of the layers that make one number of the pixels in a window, for each channel by itself."""

    kernel_size: Size = (2, 2)
    """Height and width of the window in pixels; one number for a square one."""
    stride: Size | None = None
    """Pixels from one place of the window to the next; left out, the size of the window."""
    padding: Padding = "valid"
    """Pixels around the image, which never count: `valid` adds none; `same` as many as make
    ceil(size / stride) places; or their number on either side, at most half of the window."""

    @model_validator(mode="after")
    def _every_window_sees_the_image(self) -> Self:
        if not isinstance(self.padding, str):
            for pixels, size in zip(self.padding, self.kernel_size, strict=True):
                if 2 * pixels > size:
                    message = (
                        f"padding {pixels} is more than half of the window of {size}. Padding never counts"
                        " in a pooling; take less of it, or 'same'"
                    )
                    raise ValueError(message)
        return self

    def window(self, shape: Shape) -> Window:
        """Return the window on an image of shape ``(height, width, channels)``, its padding made explicit."""
        stride = self.kernel_size if self.stride is None else self.stride
        return place_window((shape[0], shape[1]), self.kernel_size, stride, self.padding)

    def output_shape(self, shapes: Sequence[Shape]) -> Shape:
        """Return ``(height, width, channels)`` of the places where the window stops."""
        shape = image_shape(shapes)
        return (*self.window(shape).n_places, shape[-1])
