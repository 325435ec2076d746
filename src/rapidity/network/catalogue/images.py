"""What the networks on images ask of their inputs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rapidity.core.errors import GraphError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rapidity.network.layer import Shape

IMAGE_AXES = 3


def one_image_shape(network: str, inputs: Mapping[str, Shape]) -> Shape:
    """Return ``(height, width, channels)`` of all inputs together: images of one size, side by side.

    Raises
    ------
    GraphError
        If an input is not an image, or the images differ in height or width.
    """
    sizes = {shape[:2] for shape in inputs.values()}
    if len(sizes) != 1 or any(len(shape) != IMAGE_AXES for shape in inputs.values()):
        message = (
            f"network '{network}' takes one image (height, width, channels), or several of one size, but the"
            f" inputs are {describe_inputs(inputs)}."
            "\n  Use 'two_branch_cnn' for images beside tables or of several sizes, 'mlp' for tables."
        )
        raise GraphError(message)
    (size,) = sizes
    return (*size, sum(shape[2] for shape in inputs.values()))


def check_pixels(network: str, name: str, shape: Shape, n_halvings: int, cure: str) -> None:
    """Raise a GraphError if an image cannot be halved so many times."""
    smallest = 2**n_halvings
    if min(shape[:2]) < smallest:
        message = (
            f"network '{network}' halves images {n_halvings} times and so needs at least"
            f" {smallest} x {smallest} pixels, but '{name}' has {shape[0]} x {shape[1]}. {cure}."
        )
        raise GraphError(message)


def describe_inputs(inputs: Mapping[str, Shape]) -> str:
    """Return names and shapes as users read them.

    Examples
    --------
    >>> describe_inputs({"image": (28, 28, 1), "features": (4,)})
    "'image' (28, 28, 1), 'features' (4)"
    """
    return ", ".join(f"'{name}' ({', '.join(map(str, shape))})" for name, shape in inputs.items())
