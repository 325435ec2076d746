"""Turning many axes into one."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Literal

from rapidity.network.layer import Layer, Shape
from rapidity.network.layers.arity import one_shape

if TYPE_CHECKING:
    from collections.abc import Sequence


class Flatten(Layer):
    """Lays the values of each event out in one row, the last axis fastest."""

    type: Literal["flatten"]

    def output_shape(self, shapes: Sequence[Shape]) -> Shape:
        """Return ``(n_values,)``."""
        return (math.prod(one_shape(shapes)),)
