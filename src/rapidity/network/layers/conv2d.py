"""Convolution of images."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal, Self

from pydantic import Field, model_validator

from rapidity.network.layer import ParameterSpec, Shape, ShapeError
from rapidity.network.layers.arity import image_shape
from rapidity.network.layers.convolution import Convolution

if TYPE_CHECKING:
    from collections.abc import Sequence


class Conv2d(Convolution):
    """Slides trained kernels over an image: each filter weighs the pixels below it, of all channels.

    As in all deep-learning libraries a cross-correlation: the kernel is not mirrored. Source: LeCun et al.,
    Proc. IEEE 86 (1998) 2278.
    """

    type: Literal["conv2d"]
    filters: Annotated[int, Field(gt=0)]
    """Number of channels that come out."""
    groups: Annotated[int, Field(gt=0)] = 1
    """Splits the channels into so many groups; filters of a group see only its channels. Must divide both."""

    @model_validator(mode="after")
    def _groups_divide_the_filters(self) -> Self:
        if self.filters % self.groups:
            message = (
                f"{self.groups} groups do not divide {self.filters} filters. Each group makes as many filters"
            )
            raise ValueError(message)
        return self

    def n_filters(self, n_channels: int) -> int:
        """Return `filters`."""
        return self.filters

    def n_groups(self, n_channels: int) -> int:
        """Return `groups`."""
        return self.groups

    def output_shape(self, shapes: Sequence[Shape]) -> Shape:
        """Return ``(height, width, filters)`` of the places where the window stops."""
        if image_shape(shapes)[-1] % self.groups:
            needs = f"a number of channels that its {self.groups} groups divide"
            raise ShapeError(needs=needs, cure="Change 'groups', or the filters of the layer before")
        return super().output_shape(shapes)

    def parameter_specs(self, shapes: Sequence[Shape]) -> tuple[ParameterSpec, ...]:
        """Return ``kernel (height, width, n_channels / groups, filters)`` and ``bias (filters,)``."""
        n_in = image_shape(shapes)[-1] // self.groups
        n_pixels = self.kernel_size[0] * self.kernel_size[1]
        kernel = ParameterSpec(
            "kernel",
            (*self.kernel_size, n_in, self.filters),
            self.initializer,
            fan_in=n_pixels * n_in,
            fan_out=n_pixels * self.filters // self.groups,
        )
        bias = ParameterSpec("bias", (self.filters,), "zeros")
        return (kernel, bias) if self.bias else (kernel,)
