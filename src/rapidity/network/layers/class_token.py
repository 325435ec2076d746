"""A token that stands for the event."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from rapidity.network.layer import Layer, ParameterSpec, Shape, ShapeError
from rapidity.network.layers.masks import token_shape

if TYPE_CHECKING:
    from collections.abc import Sequence


class ClassToken(Layer):
    """Puts a trained token in front of the others, where attention gathers what describes the event.

    Layers after it take the mask of the objects as it was: the token in front always counts. Source: Devlin
    et al., arXiv:1810.04805; for images Dosovitskiy et al., arXiv:2010.11929.
    """

    type: Literal["class_token"]

    def output_shape(self, shapes: Sequence[Shape]) -> Shape:
        """Return ``(1 + n_tokens, n_features)``."""
        n_tokens, n_features = only_tokens(shapes)
        return (1 + n_tokens, n_features)

    def parameter_specs(self, shapes: Sequence[Shape]) -> tuple[ParameterSpec, ...]:
        """Return ``token (n_features,)``."""
        return (ParameterSpec("token", (only_tokens(shapes)[-1],), "small_normal"),)


def only_tokens(shapes: Sequence[Shape]) -> Shape:
    """Return the only shape, that of tokens ``(n_tokens, n_features)``, else raise a ShapeError."""
    shape = token_shape(shapes)
    if len(shapes) > 1:
        cure = "Leave the mask to the layers that take objects together, such as 'attention'"
        raise ShapeError(needs="one input", cure=cure)
    return shape
