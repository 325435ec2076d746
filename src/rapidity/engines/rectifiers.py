"""Which rectifiers may write over their input: it saves an array, and its pages, in every step."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rapidity.network.layers import Activation

if TYPE_CHECKING:
    from collections.abc import Callable

    from rapidity.network import Network, Node

KINDS_WITHOUT_SAVED_RESULT = ("dense", "conv2d", "depthwise_conv2d", "batch_norm", "layer_norm")
"""Layers whose gradient follows from their input alone."""


def find_overwriting(network: Network, is_maker: Callable[[Node], bool]) -> frozenset[str]:
    """Return the names of the rectifiers that may write over what comes in.

    Nothing else may need that value: neither another node, nor an output, nor the backward pass of the layer
    that made it.

    Parameters
    ----------
    is_maker
        Whether the result of a node may be written over as far as the library of the engine is concerned;
        asked of `KINDS_WITHOUT_SAVED_RESULT` only.
    """
    users = [source for node in network.nodes for source in node.inputs] + list(network.outputs.values())
    makers = {
        node.name
        for node in network.nodes
        if node.layer.kind in KINDS_WITHOUT_SAVED_RESULT and is_maker(node)
    }
    return frozenset(
        node.name
        for node in network.nodes
        if isinstance(node.layer, Activation)
        and node.layer.function == "relu"
        and node.inputs[0] in makers
        and users.count(node.inputs[0]) == 1
    )
