"""Native modules: building one from a network, or taking a user's own; and the tensors in them."""

from __future__ import annotations

import keyword
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from operator import attrgetter
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, fx, nn

from rapidity.engines.groups import ORDINARY, ParameterGroup, group_of
from rapidity.engines.rectifiers import find_overwriting
from rapidity.engines.torch.layers import lower_node

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from rapidity.network import Network, Node, Shape

Forward = Callable[..., tuple[Tensor, ...]]


@dataclass(frozen=True)
class TensorSlot:
    """A tensor of a module under its canonical name and in its canonical layout.

    Attributes
    ----------
    axes
        Order of the canonical axes in the tensor, or None if it is the same.
    group
        How the optimiser treats it.
    """

    name: str
    tensor: Tensor
    axes: tuple[int, ...] | None = None
    is_kernel: bool = False
    group: ParameterGroup = ORDINARY

    @property
    def is_trained(self) -> bool:
        """Whether the optimiser changes it."""
        return self.tensor.requires_grad

    @property
    def is_floating_point(self) -> bool:
        """Whether it is a parameter; counters of a user's own layers are not."""
        return self.tensor.is_floating_point()

    @property
    def shape(self) -> tuple[int, ...]:
        """The canonical shape."""
        return tuple(self.to_canonical(self.tensor).shape)

    def to_canonical(self, tensor: Tensor) -> Tensor:
        """Return a tensor laid out like this one (a gradient, a moment) in the canonical layout."""
        if self.axes is None:
            return tensor
        return tensor.permute(tuple(np.argsort(self.axes).tolist()))

    def to_native(self, tensor: Tensor) -> Tensor:
        """Return a tensor in the canonical layout laid out like this one."""
        return tensor if self.axes is None else tensor.permute(self.axes)

    def read(self, tensor: Tensor | None = None) -> NDArray[Any]:
        """Return a copy of this tensor, or of one laid out like it, as a canonical array."""
        source = self.tensor if tensor is None else tensor
        canonical = self.to_canonical(source.detach()).cpu().contiguous()
        return np.array(canonical.numpy(), copy=True)

    def write(self, array: NDArray[Any], tensor: Tensor | None = None) -> None:
        """Copy a canonical array into this tensor, or into one laid out like it."""
        target = self.tensor if tensor is None else tensor
        with torch.no_grad():
            target.copy_(self.to_native(torch.from_numpy(np.array(array, copy=True))))


@dataclass(frozen=True)
class NativeNetwork:
    """A native module with all that a model needs to know of it.

    Attributes
    ----------
    module
        What a user can take away; takes the inputs in order, gives one tensor of logits, or a tuple of them.
    forward
        The same, always with a tuple of ``(n_events, n_logits)``, one per output.
    inputs, outputs
        Input name -> shape of one event; output name -> number of logits.
    slots
        The tensors that make up the state.
    nodes
        Name -> module whose result can be asked for.
    declared
        The network that it was built from; None for a user's own module.
    further
        Name -> name of a node, and what gives it of the inputs of that node, for what can be asked for beside
        the results of nodes.
    """

    module: nn.Module
    forward: Forward
    inputs: Mapping[str, Shape]
    outputs: Mapping[str, int]
    slots: tuple[TensorSlot, ...]
    nodes: Mapping[str, nn.Module]
    declared: Network | None = None
    further: Mapping[str, tuple[str, Callable[..., Tensor]]] = field(default_factory=dict)

    @property
    def is_foreign(self) -> bool:
        """Whether a user wrote the module."""
        return self.declared is None


def build_native(network: Network, device: torch.device) -> NativeNetwork:
    """Return a network as a `torch.fx.GraphModule`: native modules and straight-line code between."""
    graph = fx.Graph()
    attributes = _attribute_names([node.name for node in network.nodes])
    values = {
        name: graph.placeholder(argument)
        for name, argument in zip(network.inputs, _argument_names(network.inputs), strict=True)
    }
    lowered = {node.name: lower_node(node) for node in network.nodes}
    for rectifier in [lowered[name].module for name in find_overwriting(network, _is_row)]:
        if isinstance(rectifier, nn.ReLU):
            rectifier.inplace = True
    for node in network.nodes:
        arguments = tuple(values[source] for source in node.inputs)
        values[node.name] = graph.call_module(attributes[node.name], arguments)
    results = tuple(values[name] for name in network.outputs.values())
    graph.output(results[0] if len(results) == 1 else results)
    modules = {name: part.module for name, part in lowered.items()}
    module = fx.GraphModule({attributes[name]: part for name, part in modules.items()}, graph, "Network").to(
        device
    )
    slots = tuple(
        TensorSlot(
            f"{node.name}.{spec.name}",
            attrgetter(place.attribute)(modules[node.name]),
            place.axes,
            spec.is_kernel,
            group_of(spec),
        )
        for node in network.nodes
        for spec in node.parameters
        for place in [lowered[node.name].places[spec.name]]
    )
    outputs = {name: network.shape_of(node)[-1] for name, node in network.outputs.items()}
    further = {
        f"{name}.{title}": (name, compute)
        for name, part in lowered.items()
        for title, compute in part.further.items()
    }
    forward = _as_tuple(module)
    return NativeNetwork(module, forward, dict(network.inputs), outputs, slots, modules, network, further)


def _is_row(node: Node) -> bool:
    """Return whether the result of a node is a tensor of its own, which a rectifier may write over.

    Those of images are views of tensors with the channels first, and autograd copies a view that is written
    over, in a step that takes up to half as long again.
    """
    return len(node.shape) == 1


def _as_tuple(module: nn.Module) -> Forward:
    def forward(*inputs: Tensor) -> tuple[Tensor, ...]:
        result = module(*inputs)
        return (result,) if isinstance(result, Tensor) else result

    return forward


def _attribute_names(names: Iterable[str]) -> dict[str, str]:
    """Return a name for each node that does not hide an attribute of the module."""
    attributes: dict[str, str] = {}
    for name in names:
        attribute = name
        while hasattr(fx.GraphModule, attribute) or attribute in {"training", *attributes.values()}:
            attribute += "_"
        attributes[name] = attribute
    return attributes


def _argument_names(names: Iterable[str]) -> list[str]:
    """Return the names of the inputs where Python allows them as arguments, else ``input_<number>``."""
    listed = list(names)
    return [
        name
        if name.isidentifier() and not keyword.iskeyword(name) and name not in {"self", "torch"}
        else f"input_{number}"
        for number, name in enumerate(listed)
    ]
