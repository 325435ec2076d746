"""Joining branches side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from rapidity.network.layer import Layer, Shape, ShapeError
from rapidity.network.layers.arity import several_shapes

if TYPE_CHECKING:
    from collections.abc import Sequence


class Concatenate(Layer):
    """Puts its inputs side by side along the last axis."""

    type: Literal["concatenate"]

    def output_shape(self, shapes: Sequence[Shape]) -> Shape:
        """Return the common shape with the last sizes added up."""
        first = several_shapes(shapes)[0]
        if any(not shape or shape[:-1] != first[:-1] for shape in shapes):
            needs = "inputs whose shapes differ at most in the last axis"
            raise ShapeError(needs=needs, cure="Put a 'flatten' layer before those with more axes")
        return (*first[:-1], sum(shape[-1] for shape in shapes))
