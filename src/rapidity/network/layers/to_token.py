"""Tables as objects, and the mask of what is always there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from rapidity.network.layer import Layer, Shape, ShapeError
from rapidity.network.layers.arity import one_shape
from rapidity.network.layers.class_token import only_tokens

if TYPE_CHECKING:
    from collections.abc import Sequence


class ToToken(Layer):
    """Makes one object of a row ``(n_features,)``: missing momentum, say, among jets and leptons."""

    type: Literal["to_token"]

    def output_shape(self, shapes: Sequence[Shape]) -> Shape:
        """Return ``(1, n_features)``."""
        shape = one_shape(shapes)
        if len(shape) != 1:
            raise ShapeError(needs="a row (n_events, n_features)", cure="Name a table in its 'inputs'")
        return (1, *shape)


class FullMask(Layer):
    """Gives objects that are always there a mask of ones ``(n_objects,)``, to be joined with other masks."""

    type: Literal["full_mask"]

    def output_shape(self, shapes: Sequence[Shape]) -> Shape:
        """Return ``(n_objects,)``."""
        return only_tokens(shapes)[:1]
