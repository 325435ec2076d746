"""Dropout."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import AfterValidator

from rapidity.network.layer import Layer, Shape
from rapidity.network.layers.arity import one_shape

if TYPE_CHECKING:
    from collections.abc import Sequence


def check_rate(rate: float) -> float:
    """Return a dropout rate in [0, 1); anything else is a ValueError that says what the rate is."""
    if not 0 <= rate < 1:
        message = f"{rate} is not in [0, 1). Dropout rate is the fraction of units set to zero."
        raise ValueError(message)
    return rate


DropoutRate = Annotated[float, AfterValidator(check_rate)]


class Dropout(Layer):
    """Sets values to zero at random while training, and scales the rest by ``1 / (1 - rate)``.

    Outside training it does nothing. Source: Srivastava et al., JMLR 15 (2014) 1929.
    """

    type: Literal["dropout"]
    rate: DropoutRate
    """Fraction of the values set to zero, in [0, 1)."""

    def output_shape(self, shapes: Sequence[Shape]) -> Shape:
        """Return the shape of the input."""
        return one_shape(shapes)
