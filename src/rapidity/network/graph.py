"""The declared graph: layers with their names, shapes and parameters, ready for any engine."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from rapidity.core.records import Parameters
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
    """

    name: str
    layer: Layer
    inputs: tuple[str, ...]
    shape: Shape
    parameters: tuple[ParameterSpec, ...]


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
        return sum(
            int(np.prod(spec.shape)) for node in self.nodes for spec in node.parameters if spec.is_trained
        )

    def parameter_specs(self) -> dict[str, ParameterSpec]:
        """Return canonical name -> specification, in the order of the nodes."""
        return {f"{node.name}.{spec.name}": spec for node in self.nodes for spec in node.parameters}

    def initial_parameters(self, rng: np.random.Generator) -> Parameters:
        """Draw the initial parameters; one generator gives every engine the same start."""
        raise NotImplementedError
