"""Several clouds as one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from rapidity.network.layer import Layer, Shape, ShapeError
from rapidity.network.layers.arity import several_shapes
from rapidity.network.layers.masks import token_shape

if TYPE_CHECKING:
    from collections.abc import Sequence


class JoinObjects(Layer):
    """Puts the objects of several clouds one after another; all need the same number of features.

    Masks of clouds are joined by `concatenate`, in the same order.
    """

    type: Literal["join_objects"]

    def output_shape(self, shapes: Sequence[Shape]) -> Shape:
        """Return ``(sum of the n_objects, n_features)``."""
        n_features = token_shape(several_shapes(shapes))[1]
        if any(len(shape) != 2 or shape[1] != n_features for shape in shapes):
            raise ShapeError(
                needs="clouds (n_events, n_objects, n_features) that differ at most in the number of objects",
                cure="Give them one number of features with a 'dense' layer each; a table needs 'to_token'",
            )
        return (sum(shape[0] for shape in shapes), n_features)
