"""A trained factor for each feature."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field, FiniteFloat

from rapidity.network.layer import Layer, ParameterSpec, Shape
from rapidity.network.layers.arity import one_shape

if TYPE_CHECKING:
    from collections.abc import Sequence


class Scale(Layer):
    """Multiplies each feature (last axis) by a trained number of its own.

    A small first value lets a deep branch begin with nothing: Touvron et al., arXiv:2103.17239, section 3.
    """

    type: Literal["scale"]
    initial: FiniteFloat = 1.0
    """First value of every factor."""
    rate_factor: Annotated[FiniteFloat, Field(gt=0)] = 1.0
    """Learning rate of the factors over that of the network."""

    def output_shape(self, shapes: Sequence[Shape]) -> Shape:
        """Return the shape of the input."""
        return one_shape(shapes, min_axes=1)

    def parameter_specs(self, shapes: Sequence[Shape]) -> tuple[ParameterSpec, ...]:
        """Return ``scale (n_features,)``."""
        features = (one_shape(shapes, min_axes=1)[-1],)
        return (ParameterSpec("scale", features, "ones", factor=self.initial, rate_factor=self.rate_factor),)
