"""Some of the objects."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from rapidity.network.layer import Layer, Shape, ShapeError
from rapidity.network.layers.class_token import only_tokens

if TYPE_CHECKING:
    from collections.abc import Sequence


class TakeObjects(Layer):
    """Keeps `count` objects from the place `start` on: one of the clouds that `join_objects` joined."""

    type: Literal["take_objects"]
    start: Annotated[int, Field(ge=0)] = 0
    """The first place that is kept, counted from 0."""
    count: Annotated[int, Field(gt=0)]
    """How many places are kept."""

    def output_shape(self, shapes: Sequence[Shape]) -> Shape:
        """Return ``(count, n_features)``."""
        n_objects, n_features = only_tokens(shapes)
        if self.start + self.count > n_objects:
            raise ShapeError(
                needs=f"{self.start + self.count} objects for start {self.start} and count {self.count}",
                cure=f"There are {n_objects}: take fewer, or begin earlier",
            )
        return (self.count, n_features)
