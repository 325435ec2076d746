"""Convolution of each channel by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from rapidity.network.layer import ParameterSpec, Shape
from rapidity.network.layers.arity import image_shape
from rapidity.network.layers.convolution import Convolution

if TYPE_CHECKING:
    from collections.abc import Sequence


class DepthwiseConv2d(Convolution):
    """Slides kernels over each channel by itself; a 1 x 1 convolution after it mixes the channels.

    A `conv2d` with as many groups as channels: filter j belongs to channel ``j // multiplier``. Source:
    Chollet, arXiv:1610.02357; Howard et al., arXiv:1704.04861.
    """

    type: Literal["depthwise_conv2d"]
    multiplier: Annotated[int, Field(gt=0)] = 1
    """Number of channels that come out for each one that goes in."""

    def n_filters(self, n_channels: int) -> int:
        """Return `multiplier` times the channels."""
        return n_channels * self.multiplier

    def n_groups(self, n_channels: int) -> int:
        """Return the number of channels: each is a group of its own."""
        return n_channels

    def parameter_specs(self, shapes: Sequence[Shape]) -> tuple[ParameterSpec, ...]:
        """Return ``kernel (height, width, 1, n_channels * multiplier)`` and ``bias``."""
        filters = self.n_filters(image_shape(shapes)[-1])
        n_pixels = self.kernel_size[0] * self.kernel_size[1]
        kernel = ParameterSpec(
            "kernel",
            (*self.kernel_size, 1, filters),
            self.initializer,
            fan_in=n_pixels,
            fan_out=n_pixels * self.multiplier,
        )
        bias = ParameterSpec("bias", (filters,), "zeros")
        return (kernel, bias) if self.bias else (kernel,)
