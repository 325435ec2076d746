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
    object gives zeros. What comes out does not depend on the order of the objects. Edges
    ``(n_objects, k, n_features)`` with their mask ``(n_objects, k)`` become one row for each object, taken
    over its neighbours. Source: Zaheer et al., arXiv:1703.06114; of neighbours Wang et al.,
    arXiv:1801.07829.
    """

    type: Literal["masked_pool"]
    function: Literal["mean", "sum", "max"] = "mean"
    """What is taken of the objects that there are."""

    def output_shape(self, shapes: Sequence[Shape]) -> Shape:
        """Return ``(n_features,)``, or of edges ``(n_objects, n_features)``."""
        if len(shapes) == 2 and len(shapes[0]) == 3 and shapes[1] == shapes[0][:-1]:
            return (shapes[0][0], shapes[0][-1])
        return masked_token_shape(shapes)[-1:]
