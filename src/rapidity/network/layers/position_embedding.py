"""Where a token stands."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from rapidity.network.layer import Layer, ParameterSpec, Shape
from rapidity.network.layers.class_token import only_tokens

if TYPE_CHECKING:
    from collections.abc import Sequence


class PositionEmbedding(Layer):
    """Adds trained numbers to each token that say at which place it stands.

    Without it attention does not know the order of tokens, which for objects of an event is what one
    wants and for patches of an image is not. Source: Dosovitskiy et al., arXiv:2010.11929.
    """

    type: Literal["position_embedding"]

    def output_shape(self, shapes: Sequence[Shape]) -> Shape:
        """Return the shape of the input."""
        return only_tokens(shapes)

    def parameter_specs(self, shapes: Sequence[Shape]) -> tuple[ParameterSpec, ...]:
        """Return ``embedding (n_tokens, n_features)``."""
        return (ParameterSpec("embedding", only_tokens(shapes), "small_normal"),)
