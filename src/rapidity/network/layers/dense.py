"""A fully connected layer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from rapidity.network.initializers import Initializer
from rapidity.network.layer import Layer, ParameterSpec, Shape
from rapidity.network.layers.arity import one_shape

if TYPE_CHECKING:
    from collections.abc import Sequence


class Dense(Layer):
    """Every unit sees every value: ``x @ kernel + bias`` along the last axis."""

    type: Literal["dense"]
    units: Annotated[int, Field(gt=0)]
    """Number of values that come out."""
    bias: bool = True
    """Add a trained constant to each unit."""
    initializer: Initializer = "he_uniform"
    """How the kernel is first drawn; the bias starts at zero."""

    def output_shape(self, shapes: Sequence[Shape]) -> Shape:
        """Return ``(..., units)`` for ``(..., n_in)``."""
        return (*one_shape(shapes, min_axes=1)[:-1], self.units)

    def parameter_specs(self, shapes: Sequence[Shape]) -> tuple[ParameterSpec, ...]:
        """Return ``kernel (n_in, units)`` and ``bias (units,)``."""
        n_in = one_shape(shapes, min_axes=1)[-1]
        kernel = ParameterSpec("kernel", (n_in, self.units), self.initializer, n_in, self.units)
        bias = ParameterSpec("bias", (self.units,), "zeros")
        return (kernel, bias) if self.bias else (kernel,)
