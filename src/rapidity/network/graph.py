"""The declared graph: layers with their names, shapes and parameters, ready for any engine."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from rapidity.core.errors import MissingNameError, closest, shorten
from rapidity.core.random import make_generator
from rapidity.network.initializers import INITIALIZERS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rapidity.core.records import FloatArray, Parameters
    from rapidity.network.layer import Layer, ParameterSpec, Shape


@dataclass(frozen=True)
class Node:
    """One layer in its place.

    Attributes
    ----------
    inputs
        Names of network inputs or earlier nodes.
    shape
        Shape of the result for one event.
    parameters
        What the layer owns; the canonical name of each is ``<node>.<parameter>``.
    input_shapes
        Shape of each of the inputs for one event.
    """

    name: str
    layer: Layer
    inputs: tuple[str, ...]
    shape: Shape
    parameters: tuple[ParameterSpec, ...]
    input_shapes: tuple[Shape, ...]

    @property
    def n_parameters(self) -> int:
        """Number of trained numbers."""
        return sum(math.prod(spec.shape) for spec in self.parameters if spec.is_trained)

    @property
    def further_results(self) -> dict[str, Shape]:
        """What can be asked for beside the result, such as attention weights: ``<node>.<name>`` -> shape."""
        found = self.layer.further_results(self.input_shapes)
        return {f"{self.name}.{key}": shape for key, shape in found.items()}


@dataclass(frozen=True)
class SummaryRow:
    """One line of a network's summary: an input (of type ``input``) or a node."""

    name: str
    type: str
    inputs: tuple[str, ...]
    shape: Shape
    n_parameters: int


@dataclass(frozen=True)
class Network:
    """A network: inputs, nodes in an order in which they can be computed, outputs.

    Attributes
    ----------
    inputs
        Input name -> shape of one event.
    outputs
        Output name -> name of the node whose result are its logits.
    """

    inputs: Mapping[str, Shape]
    nodes: tuple[Node, ...]
    outputs: Mapping[str, str]

    @property
    def n_parameters(self) -> int:
        """Number of trained numbers."""
        return sum(node.n_parameters for node in self.nodes)

    @property
    def is_continuous(self) -> bool:
        """Whether no layer jumps where its inputs change by next to nothing."""
        return all(node.layer.is_continuous for node in self.nodes)

    def node(self, name: str) -> Node:
        """Return the node called `name`; an unknown name is a MissingNameError with the near ones."""
        by_name = {node.name: node for node in self.nodes}
        if name not in by_name:
            near = closest(name, by_name)
            hint = f" Did you mean '{near[0]}'?" if near else ""
            message = f"the network has no layer '{name}'.{hint} Layers: {shorten(by_name)}"
            raise MissingNameError(message)
        return by_name[name]

    def shape_of(self, name: str) -> Shape:
        """Return the shape, for one event, of a network input, a node, or a further result of one."""
        if name in self.inputs:
            return self.inputs[name]
        further = self.further_results()
        return further[name] if name in further else self.node(name).shape

    def further_results(self) -> dict[str, Shape]:
        """Return ``<node>.<name>`` -> shape of all that can be asked for beside the results of nodes."""
        return {name: shape for node in self.nodes for name, shape in node.further_results.items()}

    def summary(self) -> tuple[SummaryRow, ...]:
        """Return one row per input and node, in order, for printing and drawing."""
        inputs = [SummaryRow(name, "input", (), shape, 0) for name, shape in self.inputs.items()]
        nodes = [
            SummaryRow(node.name, _describe_type(node.layer), node.inputs, node.shape, node.n_parameters)
            for node in self.nodes
        ]
        return (*inputs, *nodes)

    def parameter_specs(self) -> dict[str, ParameterSpec]:
        """Return canonical name -> specification, in the order of the nodes."""
        return {f"{node.name}.{spec.name}": spec for node in self.nodes for spec in node.parameters}

    def initial_parameters(self, rng: np.random.Generator) -> Parameters:
        """Draw the initial parameters; one generator gives every engine the same start.

        Each parameter has a stream of its own, made from one number of `rng` and its name: another layer
        elsewhere in the network leaves its first values as they are.
        """
        seed = int(rng.integers(2**63))
        return {
            name: _draw(make_generator(seed, "parameter", name), spec)
            for name, spec in self.parameter_specs().items()
        }


def _draw(rng: np.random.Generator, spec: ParameterSpec) -> FloatArray:
    values = INITIALIZERS[spec.initializer](rng, spec)
    return values if spec.factor == 1 else values * np.float32(spec.factor)


def _describe_type(layer: Layer) -> str:
    """Return `dense`, or `activation (relu)`: the type, with what tells it from others of its kind."""
    return layer.kind if layer.default_name == layer.kind else f"{layer.kind} ({layer.default_name})"
