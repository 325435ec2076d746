"""A fully connected layer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal

from pydantic import Field

from rapidity.network.layer import Initializer, Layer, ParameterSpec, Shape
from rapidity.network.layers.arity import one_shape


class Dense(Layer):
    """Every unit sees every value: ``x @ kernel + bias`` along the last axis."""

    type: Literal["dense"]
    units: Annotated[int, Field(gt=0)]
    """Number of values that come out."""
    bias: bool = True
    """Add a trained constant to each unit."""
    initializer: Initializer = "he_uniform"
    """How the kernel is first drawn."""

    def output_shape(self, shapes: Sequence[Shape]) -> Shape:
        """Return ``(..., units)`` for ``(..., n_in)``."""
        return (*one_shape(shapes, min_axes=1)[:-1], self.units)

    def parameter_specs(self, shapes: Sequence[Shape]) -> tuple[ParameterSpec, ...]:
        """Return ``kernel (n_in, units)`` and ``bias (units,)``."""
        n_in = one_shape(shapes, min_axes=1)[-1]
        kernel = ParameterSpec("kernel", (n_in, self.units), self.initializer, n_in, self.units)
        bias = ParameterSpec("bias", (self.units,), "zeros")
        return (kernel, bias) if self.bias else (kernel,)
