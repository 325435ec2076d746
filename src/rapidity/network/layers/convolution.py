"""What the convolutions share: the keys of their window, and the shape rule that follows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rapidity.network.initializers import Initializer
from rapidity.network.layer import Layer, Shape
from rapidity.network.layers.arity import image_shape
from rapidity.network.window import Padding, Size, Window, place_window

if TYPE_CHECKING:
    from collections.abc import Sequence


class Convolution(Layer):
    """Base of the layers that slide trained kernels over an image ``(height, width, channels)``."""

    kernel_size: Size = (3, 3)
    """Height and width of the kernels in pixels; one number for square ones."""
    stride: Size = (1, 1)
    """Pixels from one place of the window to the next, down and across."""
    padding: Padding = "valid"
    """Zeros around the image: `valid` adds none; `same` as many as make ceil(size / stride) places, an odd
    one at the bottom or right; or their number on either side, one for both axes or [height, width]."""
    dilation: Size = (1, 1)
    """Pixels from one value of a kernel to the next; above 1, the kernel has gaps."""
    bias: bool = True
    """Add a trained constant to each channel that comes out."""
    initializer: Initializer = "he_uniform"
    """How the kernels are first drawn; the bias starts at zero."""

    def n_filters(self, n_channels: int) -> int:
        """Return the number of channels that come out of `n_channels`."""
        raise NotImplementedError

    def n_groups(self, n_channels: int) -> int:
        """Return the number of groups of channels that see nothing of each other."""
        raise NotImplementedError

    def window(self, shape: Shape) -> Window:
        """Return the window on an image of shape ``(height, width, channels)``, its padding made explicit."""
        return place_window((shape[0], shape[1]), self.kernel_size, self.stride, self.padding, self.dilation)

    def output_shape(self, shapes: Sequence[Shape]) -> Shape:
        """Return ``(height, width, filters)`` of the places where the window stops."""
        shape = image_shape(shapes)
        return (*self.window(shape).n_places, self.n_filters(shape[-1]))
