"""A fully connected layer."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Annotated, Literal, Self

from pydantic import Field, FiniteFloat, model_validator

from rapidity.network.initializers import Initializer
from rapidity.network.layer import Layer, ParameterSpec, Shape
from rapidity.network.layers.arity import one_shape

if TYPE_CHECKING:
    from collections.abc import Sequence

NonNegative = Annotated[FiniteFloat, Field(ge=0)]
Parametrization = Literal["standard", "ntk"]


class Dense(Layer):
    """Every unit sees every value: ``x @ kernel + bias`` along the last axis.

    The parametrisation `ntk` divides the product by ``sqrt(n_in)`` and draws the kernel as much larger: it
    starts where the standard one does, but one learning rate then suits layers of any width (Jacot, Gabriel
    and Hongler, arXiv:1806.07572, section 3).
    """

    type: Literal["dense"]
    units: Annotated[int, Field(gt=0)]
    """Number of values that come out."""
    bias: bool = True
    """Add a trained constant to each unit."""
    initializer: Initializer = "he_uniform"
    """How the kernel is first drawn."""
    parametrization: Parametrization = "standard"
    """`ntk`: the product is divided by the root of the number of values that come in."""
    bias_deviation: NonNegative = 0.0
    """Standard deviation of the first values of the bias, which are normal; 0: they are all zero."""
    bias_rate_factor: Annotated[FiniteFloat, Field(gt=0)] = 1.0
    """Learning rate of the bias over that of the network."""
    bias_decay_factor: NonNegative = 1.0
    """Weight decay of the bias over that of the optimiser."""

    @model_validator(mode="after")
    def _keys_of_the_bias_have_one(self) -> Self:
        given = {"bias_deviation": 0.0, "bias_rate_factor": 1.0, "bias_decay_factor": 1.0}
        for key, default in given.items():
            if not self.bias and getattr(self, key) != default:
                message = f"{key} belongs to the bias, and there is none (bias: false). Leave it out"
                raise ValueError(message)
        return self

    def input_factor(self, n_in: int) -> float:
        """Return what the values that come in are multiplied by before the kernel."""
        return 1 / math.sqrt(n_in) if self.parametrization == "ntk" else 1.0

    def output_shape(self, shapes: Sequence[Shape]) -> Shape:
        """Return ``(..., units)`` for ``(..., n_in)``."""
        return (*one_shape(shapes, min_axes=1)[:-1], self.units)

    def parameter_specs(self, shapes: Sequence[Shape]) -> tuple[ParameterSpec, ...]:
        """Return ``kernel (n_in, units)`` and ``bias (units,)``."""
        n_in = one_shape(shapes, min_axes=1)[-1]
        kernel = ParameterSpec(
            "kernel",
            (n_in, self.units),
            self.initializer,
            n_in,
            self.units,
            factor=1 / self.input_factor(n_in),
        )
        bias = ParameterSpec(
            "bias",
            (self.units,),
            "unit_normal" if self.bias_deviation else "zeros",
            factor=self.bias_deviation or 1.0,
            rate_factor=self.bias_rate_factor,
            decay_factor=self.bias_decay_factor,
        )
        return (kernel, bias) if self.bias else (kernel,)
