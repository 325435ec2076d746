"""A node of the network on its way into the graph: what a lowering gets."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from rapidity.core.errors import ExportError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from rapidity.artefact.graph import GraphBuilder
    from rapidity.core.records import FloatArray, Parameters
    from rapidity.network.graph import Node

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
    has_channels_first
        Whether the inputs are images ``(n, channels, height, width)``; the result then is too.
    """

    graph: GraphBuilder
    node: Node
    inputs: Sequence[str]
    n_axes: int
    parameters: Parameters
    has_channels_first: bool = False

    @property
    def channel_axis(self) -> int:
        """Axis of the channels, or of the features, in the inputs."""
        return 1 if self.has_channels_first else -1

    def add(self, op: str, inputs: Sequence[str] | None = None, **attributes: Any) -> str:
        """Add an operator; its name begins with that of the node."""
        values = self.inputs if inputs is None else inputs
        return self.graph.add(op, values, scope=f"{SCOPE}/{self.node.name}", **attributes)

    def constant(self, array: NDArray[Any], name: str) -> str:
        """Add a constant of the node, stored in float32."""
        return self.graph.constant(np.asarray(array, np.float32), f"{SCOPE}/{self.node.name}.{name}")

    def integers(self, values: Sequence[int] | int, name: str) -> str:
        """Add whole numbers of the node: axes, a shape, an index."""
        return self.graph.constant(np.asarray(values, np.int64), f"{SCOPE}/{self.node.name}.{name}")

    def channel_constant(self, array: NDArray[Any], name: str) -> str:
        """Add a constant of one number per channel, in a shape that broadcasts with the inputs."""
        return self.constant(array[:, None, None] if self.has_channels_first else array, name)

    def parameter(self, name: str) -> FloatArray:
        """Return a canonical parameter of the node."""
        full_name = f"{self.node.name}.{name}"
        if full_name not in self.parameters:
            message = f"parameter '{full_name}' of the network was not given. Pass all of model.parameters()."
            raise ExportError(message)
        return self.parameters[full_name]
