"""Checks on the number and the rank of a layer's inputs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rapidity.network.layer import Shape, ShapeError

if TYPE_CHECKING:
    from collections.abc import Sequence


def one_shape(shapes: Sequence[Shape], *, min_axes: int = 0) -> Shape:
    """Return the only shape; anything else is a ShapeError with a cure."""
    if len(shapes) != 1:
        raise ShapeError(needs="one input", cure="Join them first with a 'concatenate' or 'add' layer")
    if len(shapes[0]) < min_axes:
        needs = f"at least {min_axes} axis beside n_events" if min_axes == 1 else f"at least {min_axes} axes"
        raise ShapeError(needs=needs, cure="Feed it from an input or a layer with that many axes")
    return shapes[0]


def image_shape(shapes: Sequence[Shape]) -> Shape:
    """Return the only shape if it is an image's, ``(height, width, channels)``, else raise a ShapeError."""
    shape = one_shape(shapes)
    if len(shape) != 3:
        needs = "images (n_events, height, width, channels)"
        raise ShapeError(
            needs=needs, cure="Name an image input in its 'inputs', and put it before any 'flatten'"
        )
    return shape


def several_shapes(shapes: Sequence[Shape]) -> Sequence[Shape]:
    """Return the shapes if there are two or more, else raise a ShapeError with a cure."""
    if len(shapes) < 2:
        raise ShapeError(needs="two inputs or more", cure="Name them in its 'inputs', or leave the layer out")
    return shapes
