"""One row out of all objects of an event."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from rapidity.network.layer import Layer, Shape
from rapidity.network.layers.masks import masked_token_shape

if TYPE_CHECKING:
    from collections.abc import Sequence


class MaskedPool(Layer):
    """Takes the mean, the sum or the largest value of each feature over the objects of an event.

    Its inputs are the objects and, last, their mask; without one, all places count. An event without any
    object gives zeros. What comes out does not depend on the order of the objects. Source: Zaheer et al.,
    arXiv:1703.06114.
    """

    type: Literal["masked_pool"]
    function: Literal["mean", "sum", "max"] = "mean"
    """What is taken of the objects that there are."""

    def output_shape(self, shapes: Sequence[Shape]) -> Shape:
        """Return ``(n_features,)``."""
        return masked_token_shape(shapes)[-1:]
