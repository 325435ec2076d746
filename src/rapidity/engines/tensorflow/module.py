"""Native models: building one from a network, and what a model needs to know of any."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import keras
import numpy as np
import tensorflow as tf

from rapidity.engines.groups import ORDINARY, ParameterGroup, group_of
from rapidity.engines.tensorflow.layers import lower_node

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from numpy.typing import NDArray

    from rapidity.network import Network, Shape

ALLOWED_IN_NAME = re.compile(r"[^A-Za-z0-9_.-]")
"""What a scope of TensorFlow, and so a layer of Keras, may not have in its name."""


@dataclass(frozen=True)
class VariableSlot:
    """A variable of a model under its canonical name and in its canonical shape.

    Attributes
    ----------
    variable
        The `keras.Variable`.
    shape
        The canonical shape; the variable may have another with the same numbers in the same order.
    group
        How the optimiser treats it.
    """

    name: str
    variable: Any
    shape: tuple[int, ...]
    is_trained: bool = True
    is_kernel: bool = False
    group: ParameterGroup = ORDINARY

    @property
    def is_floating_point(self) -> bool:
        """Whether it is a parameter; counters of a user's own layers are not."""
        return bool(keras.backend.is_float_dtype(self.variable.dtype))

    def read(self, tensor: Any = None) -> NDArray[Any]:
        """Return a copy of the variable, or of a tensor laid out like it, as a canonical array."""
        source = self.variable.value if tensor is None else tensor
        return np.array(source.numpy(), copy=True).reshape(self.shape)

    def write(self, array: NDArray[Any], target: Any = None) -> None:
        """Copy a canonical array into the variable, or into a `tf.Variable` laid out like it."""
        variable = self.variable.value if target is None else target
        variable.assign(tf.constant(array.reshape(tuple(variable.shape)), variable.dtype))


@dataclass(frozen=True)
class NativeNetwork:
    """A Keras model with all that training and prediction need to know of it.

    Attributes
    ----------
    model
        What a user can take away.
    graph
        A functional model of the same layers: a list of inputs in order, a list of logits in order.
    inputs, outputs
        Input name -> shape of one event; output name -> number of logits.
    slots
        The variables that make up the state.
    nodes
        Name of a node, or of a further result of one -> its symbolic result.
    declared
        The network that it was built from; None for a user's own model.
    """

    model: Any
    graph: Any
    inputs: Mapping[str, Shape]
    outputs: Mapping[str, int]
    slots: tuple[VariableSlot, ...]
    nodes: Mapping[str, Any]
    declared: Network | None = None

    @property
    def is_foreign(self) -> bool:
        """Whether a user wrote the model."""
        return self.declared is None

    def logits(self, inputs: Sequence[Any], *, training: bool) -> list[Any]:
        """Return the logits ``(n_events, n_logits)`` of each output, float32."""
        results = self.graph(list(inputs), training=training)
        return [
            tf.cast(tf.expand_dims(values, 1) if len(values.shape) == 1 else values, tf.float32)
            for values in (results if isinstance(results, list | tuple) else [results])
        ]


def build_native(network: Network) -> NativeNetwork:
    """Return a network as a functional `keras.Model` whose layers are called as the nodes."""
    names = layer_names([*network.inputs, *(node.name for node in network.nodes)])
    values: dict[str, Any] = {
        name: keras.Input(shape, name=names[name], dtype="float32") for name, shape in network.inputs.items()
    }
    inputs = list(values.values())
    lowered = {node.name: lower_node(node, names[node.name]) for node in network.nodes}
    further: dict[str, Any] = {}
    for node in network.nodes:
        arguments: Any = [values[source] for source in node.inputs]
        part = lowered[node.name]
        if part.padding is not None:
            arguments = [part.padding(arguments[0])]
        values[node.name] = part.layer(_one_or_all(arguments))
        for title, layer in part.further.items():
            further[f"{node.name}.{title}"] = layer(_one_or_all(arguments))
    results = [values[name] for name in network.outputs.values()]
    model = keras.Model(_one_or_all(inputs), _one_or_all(results), name="network")
    slots = tuple(
        VariableSlot(
            f"{node.name}.{spec.name}",
            getattr(lowered[node.name].layer, lowered[node.name].places[spec.name]),
            spec.shape,
            spec.is_trained,
            spec.is_kernel,
            group_of(spec),
        )
        for node in network.nodes
        for spec in node.parameters
    )
    outputs = {name: network.shape_of(node)[-1] for name, node in network.outputs.items()}
    nodes = {node.name: values[node.name] for node in network.nodes} | further
    graph = keras.Model(inputs, results)
    return NativeNetwork(model, graph, dict(network.inputs), outputs, slots, nodes, network)


def _one_or_all(values: list[Any]) -> Any:
    return values[0] if len(values) == 1 else values


def layer_names(names: Iterable[str]) -> dict[str, str]:
    """Return a name that Keras and TensorFlow allow for each name, mostly the same.

    Examples
    --------
    >>> layer_names(["jet pt", "jet_pt", "_hidden", "my-layer"])
    {'jet pt': 'jet_pt', 'jet_pt': 'jet_pt_', '_hidden': '_hidden', 'my-layer': 'my-layer'}
    """
    allowed: dict[str, str] = {}
    for name in names:
        candidate = ALLOWED_IN_NAME.sub("_", name)
        while candidate in allowed.values():
            candidate += "_"
        allowed[name] = candidate
    return allowed
