"""Layer normalisation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from rapidity.network.layer import Layer, ParameterSpec, Shape
from rapidity.network.layers.arity import one_shape

if TYPE_CHECKING:
    from collections.abc import Sequence


class LayerNorm(Layer):
    """Shifts and scales the features of each event (last axis) to mean 0 and variance 1.

    Source: Ba, Kiros and Hinton, arXiv:1607.06450.
    """

    type: Literal["layer_norm"]
    epsilon: Annotated[float, Field(gt=0)] = 1e-5
    """Added to the variance."""

    def output_shape(self, shapes: Sequence[Shape]) -> Shape:
        """Return the shape of the input."""
        return one_shape(shapes, min_axes=1)

    def parameter_specs(self, shapes: Sequence[Shape]) -> tuple[ParameterSpec, ...]:
        """Return ``scale`` and ``bias``, each ``(n_features,)``."""
        features = (one_shape(shapes, min_axes=1)[-1],)
        return (ParameterSpec("scale", features, "ones"), ParameterSpec("bias", features, "zeros"))
