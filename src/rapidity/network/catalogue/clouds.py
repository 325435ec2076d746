"""What the networks on clouds of objects ask of their inputs."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rapidity.core.errors import GraphError
from rapidity.network.catalogue.images import describe_inputs
from rapidity.network.layers import Concatenate, FullMask, JoinObjects, TakeObjects
from rapidity.network.layers.masks import is_optional, mask_name

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rapidity.network.layer import Layer, Shape

CLOUD_AXES = 2
MOMENTA_CURE = (
    "'momenta: {pt: ..., eta: ..., phi: ..., mass: ...}' or {px, py, pz, energy}, columns or expressions;"
    " or set network.pairs: none, to do without."
)


@dataclass(frozen=True)
class CloudInputs:
    """The inputs of a network on clouds.

    Attributes
    ----------
    masks
        Cloud -> its mask as a list for the `inputs` of a layer: of one name, or of none if there is no mask.
    tables
        Names of the other inputs, each one row per event.
    shapes
        Shape of every input, momenta and coordinates included.
    """

    masks: Mapping[str, tuple[str, ...]]
    tables: tuple[str, ...]
    shapes: Mapping[str, Shape]

    @property
    def clouds(self) -> tuple[str, ...]:
        """Names of the clouds."""
        return tuple(self.masks)

    def n_objects(self, cloud: str) -> int:
        """Return how many places for objects a cloud has."""
        return self.shapes[cloud][0]

    def check_beside(self, network: str, suffix: str, what: str, cure: str) -> None:
        """Raise a GraphError unless every cloud has an input with that suffix beside it.

        Parameters
        ----------
        what
            What the network does with it.
        cure
            What to write in the block of the input, or instead of it.
        """
        for cloud in self.clouds:
            if cloud + suffix not in self.shapes:
                message = (
                    f"network '{network}' {what} of '{cloud}', but there is no '{cloud}{suffix}': the inputs"
                    f" are {describe_inputs(self.shapes)}.\n  Add to inputs.{cloud}: {cure}"
                )
                raise GraphError(message)


def sort_cloud_inputs(network: str, inputs: Mapping[str, Shape]) -> CloudInputs:
    """Return which inputs are clouds, their masks, and tables.

    Raises
    ------
    GraphError
        If there is no cloud, or an input is neither cloud nor mask nor table.
    """
    own = {name: shape for name, shape in inputs.items() if not is_optional(name, inputs)}
    clouds = [name for name, shape in own.items() if len(shape) == CLOUD_AXES]
    masks = {name: tuple(mask for mask in (mask_name(name),) if mask in inputs) for name in clouds}
    tables = tuple(name for name in own if name not in {*clouds, *map(mask_name, clouds)})
    if not clouds or any(len(inputs[name]) != 1 for name in tables):
        message = (
            f"network '{network}' takes a cloud of objects (n_objects, n_features) or more, and tables, but"
            f" the inputs are {describe_inputs(inputs)}."
            "\n  Give it an input of kind cloud, or use 'mlp' for tables and 'cnn' for images."
        )
        raise GraphError(message)
    return CloudInputs(masks, tables, inputs)


def join_clouds(name: str, starts: Sequence[str]) -> list[Layer]:
    """Return the layer `name` that puts clouds one after another, or none if there is but one."""
    if len(starts) == 1:
        return []
    return [JoinObjects(type="join_objects", name=name, inputs=tuple(starts))]


def join_masks(name: str, given: CloudInputs) -> list[Layer]:
    """Return the layers that make one mask `name` of those of all clouds, in their order.

    There is none to make for a single cloud. A cloud without a mask is all there.
    """
    if len(given.clouds) == 1:
        return []
    layers: list[Layer] = []
    masks = []
    for cloud, mask in given.masks.items():
        if not mask:
            full = layer_name(cloud, "mask")
            layers.append(FullMask(type="full_mask", name=full, inputs=cloud))
        masks.append(mask[0] if mask else layer_name(cloud, "mask"))
    return [*layers, Concatenate(type="concatenate", name=name, inputs=tuple(masks))]


def take_clouds(given: CloudInputs, joined: str) -> list[Layer]:
    """Return the layers that take each cloud out of the objects of all; see `tokens_of_clouds`."""
    if len(given.clouds) == 1:
        return []
    layers: list[Layer] = []
    start = 0
    for cloud in given.clouds:
        count = given.n_objects(cloud)
        name = layer_name(cloud, "tokens")
        layers.append(TakeObjects(type="take_objects", name=name, inputs=joined, start=start, count=count))
        start += count
    return layers


def tokens_of_clouds(given: CloudInputs, joined: str) -> dict[str, str]:
    """Return cloud -> node that holds its objects, where `joined` holds those of all clouds."""
    if len(given.clouds) == 1:
        return {given.clouds[0]: joined}
    return {cloud: layer_name(cloud, "tokens") for cloud in given.clouds}


def layer_name(input_name: str, *parts: object) -> str:
    """Return the name of a layer of one input's branch.

    Examples
    --------
    >>> layer_name("charged tracks", "dense", 1)
    'charged_tracks_dense_1'
    """
    return "_".join([re.sub(r"[^\w-]", "_", input_name), *map(str, parts)])
