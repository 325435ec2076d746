"""In which order the axes of images are stored in the graph: the network's own, or that of ONNX."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rapidity.artefact.place import SCOPE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rapidity.artefact.graph import GraphBuilder
    from rapidity.network.graph import Node

CHANNELS_FIRST_KINDS = (
    "conv2d",
    "depthwise_conv2d",
    "max_pool2d",
    "average_pool2d",
    "global_pool",
    "upsample2d",
)
"""Layers whose operators take ``(n, channels, height, width)``."""
EITHER_ORDER_KINDS = ("activation", "dropout", "batch_norm", "add", "concatenate", "multiply", "scale")
"""Layers that take images as they come."""

TO_CHANNELS_FIRST = (0, 3, 1, 2)
TO_CHANNELS_LAST = (0, 2, 3, 1)


def can_take_channels_first(node: Node) -> bool:
    """Return whether the node can leave images as they come."""
    is_masked = node.layer.kind == "batch_norm" and len(node.inputs) > 1
    return node.layer.kind in EITHER_ORDER_KINDS and len(node.shape) == 3 and not is_masked


class ImageValues:
    """The values of a network in the graph, each in the order that is asked for.

    Parameters
    ----------
    inputs
        Input name -> value in the canonical order, ``(n, height, width, channels)`` for images.
    """

    def __init__(self, graph: GraphBuilder, inputs: Mapping[str, str]) -> None:
        self._graph = graph
        self._stored_first: set[str] = set()
        self._values = {(name, False): value for name, value in inputs.items()}

    def put(self, name: str, value: str, *, channels_first: bool) -> None:
        """Remember the value that a node made."""
        self._values[name, channels_first] = value
        if channels_first:
            self._stored_first.add(name)

    def has_channels_first(self, name: str) -> bool:
        """Return whether the node made its value with the channels first."""
        return name in self._stored_first

    def get(self, name: str, *, channels_first: bool) -> str:
        """Return the value of a node in this order; it is transposed at most once."""
        key = (name, channels_first)
        if key not in self._values:
            order = TO_CHANNELS_FIRST if channels_first else TO_CHANNELS_LAST
            value = self._values[name, not channels_first]
            self._values[key] = self._graph.add("Transpose", [value], scope=f"{SCOPE}/{name}", perm=order)
        return self._values[key]
