"""Checks on the number and the rank of a layer's inputs."""

from __future__ import annotations

from collections.abc import Sequence

from rapidity.network.layer import Shape


def one_shape(shapes: Sequence[Shape], *, min_axes: int = 0) -> Shape:
    """Return the only shape; anything else is a ValueError with a cure."""
    if len(shapes) != 1:
        message = f"takes one input, found {len(shapes)}. Put a 'concatenate' or 'add' layer before it"
        raise ValueError(message)
    if len(shapes[0]) < min_axes:
        message = f"needs at least {min_axes} axes per event, found shape {shapes[0]}"
        raise ValueError(message)
    return shapes[0]
