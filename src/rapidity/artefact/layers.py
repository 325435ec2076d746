"""Layers as ONNX nodes: one small lowering per layer type, in float32, with PyTorch's semantics.

A layer of `network.layers` without a lowering here fails a test.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from rapidity.artefact.activations import ACTIVATIONS
from rapidity.core.errors import ExportError
from rapidity.core.registry import Registry

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from rapidity.artefact.graph import GraphBuilder
    from rapidity.core.records import FloatArray, Parameters
    from rapidity.network.graph import Network, Node
    from rapidity.network.layers import Activation, BatchNorm, Dense, LayerNorm

SCOPE = "network"


@dataclass(frozen=True)
class Place:
    """A node of the network on its way into the graph.

    Attributes
    ----------
    inputs
        Values that the node takes.
    n_axes
        Number of axes of each input, ``n_events`` included.
    """

    graph: GraphBuilder
    node: Node
    inputs: Sequence[str]
    n_axes: int
    parameters: Parameters

    def add(self, op: str, inputs: Sequence[str] | None = None, **attributes: Any) -> str:
        """Add an operator; its name begins with that of the node."""
        values = self.inputs if inputs is None else inputs
        return self.graph.add(op, values, scope=f"{SCOPE}/{self.node.name}", **attributes)

    def constant(self, array: FloatArray, name: str) -> str:
        """Add a constant of the node, stored in float32."""
        return self.graph.constant(np.asarray(array, np.float32), f"{SCOPE}/{self.node.name}.{name}")

    def parameter(self, name: str) -> FloatArray:
        """Return a canonical parameter of the node."""
        full_name = f"{self.node.name}.{name}"
        if full_name not in self.parameters:
            message = f"parameter '{full_name}' of the network was not given. Pass all of model.parameters()."
            raise ExportError(message)
        return self.parameters[full_name]


def lower_dense(place: Place) -> str:
    """Return ``x @ kernel + bias`` along the last axis."""
    layer = cast("Dense", place.node.layer)
    kernel = place.constant(place.parameter("kernel"), "kernel")
    if not layer.bias:
        return place.add("MatMul", [*place.inputs, kernel])
    bias = place.constant(place.parameter("bias"), "bias")
    if place.n_axes == 2:
        return place.add("Gemm", [*place.inputs, kernel, bias])
    return place.add("Add", [place.add("MatMul", [*place.inputs, kernel]), bias])


def lower_activation(place: Place) -> str:
    """Return the activation function of each value."""
    layer = cast("Activation", place.node.layer)
    return ACTIVATIONS[layer.function](place, layer)


def lower_dropout(place: Place) -> str:
    """Return the values as they are: dropout is for training."""
    return place.inputs[0]


def lower_batch_norm(place: Place) -> str:
    """Return ``x * factor + offset``: the running statistics are constants by now."""
    layer = cast("BatchNorm", place.node.layer)
    names = ("scale", "bias", "running_mean", "running_variance")
    scale, bias, mean, variance = (place.parameter(name).astype(np.float64) for name in names)
    factor = scale / np.sqrt(variance + layer.epsilon)
    scaled = place.add("Mul", [*place.inputs, place.constant(factor.astype(np.float32), "factor")])
    return place.add("Add", [scaled, place.constant((bias - mean * factor).astype(np.float32), "offset")])


def lower_layer_norm(place: Place) -> str:
    """Return the values standardised along the last axis."""
    layer = cast("LayerNorm", place.node.layer)
    scale, bias = (place.constant(place.parameter(name), name) for name in ("scale", "bias"))
    return place.add("LayerNormalization", [*place.inputs, scale, bias], axis=-1, epsilon=layer.epsilon)


def lower_concatenate(place: Place) -> str:
    """Return the inputs side by side along the last axis."""
    return place.add("Concat", axis=-1)


def lower_add(place: Place) -> str:
    """Return the sum of the inputs."""
    total = place.inputs[0]
    for value in place.inputs[1:]:
        total = place.add("Add", [total, value])
    return total


def lower_flatten(place: Place) -> str:
    """Return the values of each event in one row."""
    return place.add("Flatten", axis=1)


LOWERINGS: Registry[Callable[[Place], str]] = Registry(
    "layer",
    {
        "dense": lower_dense,
        "activation": lower_activation,
        "dropout": lower_dropout,
        "batch_norm": lower_batch_norm,
        "layer_norm": lower_layer_norm,
        "concatenate": lower_concatenate,
        "add": lower_add,
        "flatten": lower_flatten,
    },
    ExportError,
)


def lower_network(
    graph: GraphBuilder, network: Network, parameters: Parameters, inputs: Mapping[str, str]
) -> dict[str, str]:
    """Add a network to a graph and return output name -> the value of its logits.

    Parameters
    ----------
    inputs
        Input name -> value in the graph, float32 ``(n, ...)``.
    """
    values = dict(inputs)
    for node in network.nodes:
        taken = [values[name] for name in node.inputs]
        place = Place(graph, node, taken, 1 + len(network.shape_of(node.inputs[0])), parameters)
        values[node.name] = LOWERINGS.get_variant(node.layer.kind)(place)
    return {name: values[node] for name, node in network.outputs.items()}
