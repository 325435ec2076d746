"""What layers ask of a mask: which objects of an event there are, and which places only fill it up.

A mask is an input ``(n_objects,)`` of zeros and ones, the last one of a layer that takes it. A class token
stands in front of the objects and is always there, so tokens may be one more than the mask says.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rapidity.network.layer import Shape, ShapeError

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

N_CLASS_TOKENS = 1
"""Tokens in front of the objects that a mask may leave out."""

MASK_SUFFIX = ".mask"
MOMENTA_SUFFIX = ".momenta"
"""Of the input that holds px, py, pz and energy of each object of a cloud, not scaled."""
COORDINATES_SUFFIX = ".coordinates"
"""Of the input that says where each object of a cloud lies, not scaled."""


def mask_name(cloud: str) -> str:
    """Return the name of the input that says where a cloud has objects.

    Examples
    --------
    >>> mask_name("jets")
    'jets.mask'
    """
    return cloud + MASK_SUFFIX


def is_mask(name: str, inputs: Collection[str]) -> bool:
    """Return whether an input is the mask of another.

    Examples
    --------
    >>> is_mask("jets.mask", ["jets", "jets.mask"]), is_mask("jets.mask", ["jets.mask"])
    (True, False)
    """
    return name.endswith(MASK_SUFFIX) and name.removesuffix(MASK_SUFFIX) in inputs


def is_optional(name: str, inputs: Collection[str]) -> bool:
    """Return whether an input stands beside another for networks that ask for it: momenta, coordinates.

    Examples
    --------
    >>> [is_optional(name, ["jets", "jets.momenta"]) for name in ("jets.momenta", "jets")]
    [True, False]
    """
    owners = [
        name.removesuffix(suffix) for suffix in (MOMENTA_SUFFIX, COORDINATES_SUFFIX) if name.endswith(suffix)
    ]
    return any(owner in inputs for owner in owners)


def token_shape(shapes: Sequence[Shape]) -> Shape:
    """Return the first shape if it is that of objects or tokens ``(n_objects, n_features)``."""
    if not shapes or len(shapes[0]) != 2:
        raise ShapeError(
            needs="objects or tokens (n_events, n_objects, n_features) as its first input",
            cure="Name a cloud in its 'inputs'; an image becomes tokens by 'to_tokens'",
        )
    return shapes[0]


def masked_token_shape(shapes: Sequence[Shape]) -> Shape:
    """Return the shape of objects that come alone, or with their mask after them."""
    shape = token_shape(shapes)
    if len(shapes) > 2:
        raise ShapeError(needs="objects and at most a mask", cure="Name the two in its 'inputs'")
    for mask in shapes[1:]:
        check_mask(shape, mask)
    return shape


def check_mask(tokens: Shape, mask: Shape) -> None:
    """Raise a ShapeError unless a mask has a number for each of the tokens, or for all but a class token."""
    n_tokens = tokens[0]
    if len(mask) != 1 or n_tokens - mask[0] not in range(N_CLASS_TOKENS + 1):
        raise ShapeError(
            needs=f"a mask (n_events, {n_tokens}) as its last input, or one shorter beside a class token",
            cure="Name the mask of the same cloud, such as 'jets.mask'",
        )
