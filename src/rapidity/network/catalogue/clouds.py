"""What the networks on clouds of objects ask of their inputs."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rapidity.core.errors import GraphError
from rapidity.network.catalogue.images import describe_inputs
from rapidity.network.layers.masks import mask_name

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rapidity.network.layer import Shape

CLOUD_AXES = 2


@dataclass(frozen=True)
class CloudInputs:
    """The inputs of a network on clouds.

    Attributes
    ----------
    masks
        Cloud -> its mask as a list for the `inputs` of a layer: of one name, or of none if there is no mask.
    tables
        Names of the other inputs, each one row per event.
    """

    masks: Mapping[str, tuple[str, ...]]
    tables: tuple[str, ...]


def sort_cloud_inputs(network: str, inputs: Mapping[str, Shape]) -> CloudInputs:
    """Return which inputs are clouds, their masks, and tables.

    Raises
    ------
    GraphError
        If there is no cloud, or an input is neither cloud nor mask nor table.
    """
    clouds = [name for name, shape in inputs.items() if len(shape) == CLOUD_AXES]
    masks = {name: tuple(mask for mask in (mask_name(name),) if mask in inputs) for name in clouds}
    tables = tuple(name for name in inputs if name not in {*clouds, *map(mask_name, clouds)})
    if not clouds or any(len(inputs[name]) != 1 for name in tables):
        message = (
            f"network '{network}' takes a cloud of objects (n_objects, n_features) or more, and tables, but"
            f" the inputs are {describe_inputs(inputs)}."
            "\n  Give it an input of kind cloud, or use 'mlp' for tables and 'cnn' for images."
        )
        raise GraphError(message)
    return CloudInputs(masks, tables)


def layer_name(input_name: str, *parts: object) -> str:
    """Return the name of a layer of one input's branch.

    Examples
    --------
    >>> layer_name("charged tracks", "dense", 1)
    'charged_tracks_dense_1'
    """
    return "_".join([re.sub(r"[^\w-]", "_", input_name), *map(str, parts)])
