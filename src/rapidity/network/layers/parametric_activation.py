"""Activation functions of which each feature takes as much as it likes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field, FiniteFloat

from rapidity.network.layer import Layer, ParameterSpec, Shape
from rapidity.network.layers.activation import Activation, ActivationName
from rapidity.network.layers.arity import one_shape

if TYPE_CHECKING:
    from collections.abc import Sequence


class ParametricActivation(Layer):
    """``x + part * (function(x) - x)`` with a trained part for each feature (last axis), which starts at 1.

    At 0 the feature is passed on as it is. Source: Holzmueller, Grinsztajn and Steinwart, arXiv:2407.04491,
    section 3.
    """

    type: Literal["parametric_activation"]
    function: ActivationName
    """Which function, as of the layer `activation`."""
    rate_factor: Annotated[FiniteFloat, Field(gt=0)] = 1.0
    """Learning rate of the parts over that of the network."""

    @property
    def activation(self) -> Activation:
        """The function as a layer of its own."""
        return Activation(type="activation", function=self.function)

    @property
    def default_name(self) -> str:
        """The function's name, as of the layer `activation`."""
        return self.function

    def output_shape(self, shapes: Sequence[Shape]) -> Shape:
        """Return the shape of the input."""
        return one_shape(shapes, min_axes=1)

    def parameter_specs(self, shapes: Sequence[Shape]) -> tuple[ParameterSpec, ...]:
        """Return ``part (n_features,)``."""
        features = (one_shape(shapes, min_axes=1)[-1],)
        return (ParameterSpec("part", features, "ones", rate_factor=self.rate_factor),)
