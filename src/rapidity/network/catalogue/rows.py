"""One row of numbers per event out of inputs of any shape, for networks of dense layers."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from rapidity.network.layers import Concatenate, Flatten
from rapidity.network.layers.masks import is_optional

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rapidity.network.layer import Layer, Shape


def flat_name(input_name: str) -> str:
    """Return the name of the layer that lays out an input, or a branch from it, in one row.

    Examples
    --------
    >>> flat_name("hit energy")
    'flat_hit_energy'
    """
    return "flat_" + re.sub(r"[^\w-]", "_", input_name)


def join_rows(inputs: Mapping[str, Shape]) -> list[Layer]:
    """Return layers that lay out inputs of several axes, such as images, and put all inputs side by side.

    Nothing is needed for tables: `build_network` joins those by itself. What stands beside a cloud for
    networks of objects, momenta and coordinates, is left out: it is not scaled.
    """
    inputs = {name: shape for name, shape in inputs.items() if not is_optional(name, inputs)}
    if all(len(shape) == 1 for shape in inputs.values()):
        return []
    layers: list[Layer] = [
        Flatten(type="flatten", name=flat_name(name), inputs=name)
        for name, shape in inputs.items()
        if len(shape) != 1
    ]
    if len(inputs) > 1:
        names = tuple(name if len(shape) == 1 else flat_name(name) for name, shape in inputs.items())
        layers.append(Concatenate(type="concatenate", inputs=names))
    return layers
