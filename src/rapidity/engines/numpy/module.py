"""The native module: a network as straight-line code over operations of `rapidity.autodiff`.

All trained parameters lie one after another in one array, of which the tensors are views: an optimiser goes
over all of them at once.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from rapidity.autodiff import Tensor
from rapidity.engines.numpy.layers import lower_further_results, lower_node, rectify_in_place
from rapidity.engines.numpy.lowering import EVALUATION, Compute, Mode
from rapidity.engines.rectifiers import find_overwriting

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rapidity.autodiff import Workspace
    from rapidity.core.records import FloatArray
    from rapidity.network import Network, Node

UNDESCRIBED = {"type", "name", "inputs", "function", "initializer"}
"""Keys of a layer that say nothing about what it computes, or are said elsewhere."""


@dataclass(frozen=True)
class Line:
    """One layer of a module.

    Attributes
    ----------
    node
        What it computes, as declared.
    own
        The parameters of the layer by their short names: tensors that require a gradient where trained.
    constants
        The same values for when no gradient is wanted.
    forgets
        Values that no later line needs.
    further
        ``<node>.<name>`` -> what gives it, for what can be asked for beside the result.
    """

    node: Node
    compute: Compute
    own: Mapping[str, Tensor]
    constants: Mapping[str, Tensor]
    forgets: tuple[str, ...]
    further: Mapping[str, Compute]


class GraphModule:
    """A declared network as a function of tensors, with its parameters.

    Usable without an engine: call it on arrays or tensors ``(n_events, ...)``, one per input, and take
    ``ad.gradients`` of what comes out.

    Parameters
    ----------
    network
        The parameters are zero until somebody writes into them.

    Attributes
    ----------
    network
        What was declared.
    tensors
        All parameters by their canonical names, running statistics included.
    parameters
        Those that are trained; each requires a gradient.
    flat_parameters
        The values of `parameters` one after another ``(n_values,)``; the tensors are views of it.
    inputs, outputs
        Input name -> shape of one event; output name -> number of logits.
    """

    def __init__(self, network: Network) -> None:
        self.network = network
        self.inputs = dict(network.inputs)
        self.outputs = {name: network.shape_of(node)[-1] for name, node in network.outputs.items()}
        specs = network.parameter_specs()
        self.flat_parameters = np.zeros(
            sum(math.prod(spec.shape) for spec in specs.values() if spec.is_trained), np.float32
        )
        shapes = {name: spec.shape for name, spec in specs.items() if spec.is_trained}
        self.parameters = {
            name: Tensor(view, requires_gradient=True)
            for name, view in split_flat(self.flat_parameters, shapes).items()
        }
        self.tensors = {
            name: self.parameters[name] if spec.is_trained else Tensor(np.zeros(spec.shape, np.float32))
            for name, spec in specs.items()
        }
        self.kernels = [self.parameters[name] for name, spec in specs.items() if spec.is_kernel]
        self._heads = tuple(network.outputs.values())
        self._lines = make_lines(network, self.tensors)

    @property
    def nodes(self) -> tuple[str, ...]:
        """Names of what can be asked for: the layers in the order in which they are computed, and more."""
        return tuple(name for line in self._lines for name in (line.node.name, *line.further))

    def __call__(self, *inputs: Any, mode: Mode = EVALUATION) -> Tensor | tuple[Tensor, ...]:
        """Return the logits ``(n_events, n_logits)``; of several outputs, a tuple in their order."""
        tensors = [
            value if isinstance(value, Tensor) else Tensor(np.asarray(value, np.float32)) for value in inputs
        ]
        results = self.compute(tensors, mode)
        return results[0] if len(results) == 1 else results

    def compute(
        self,
        inputs: Sequence[Tensor],
        mode: Mode = EVALUATION,
        *,
        is_recorded: bool = True,
        results: dict[str, Any] | None = None,
    ) -> tuple[Tensor, ...]:
        """Return the logits of each output.

        Parameters
        ----------
        is_recorded
            Whether the gradients of the parameters may be asked for.
        results
            The arrays of the layers, and further results, that are keys of it are put into it.
        """
        values: dict[str, Tensor] = dict(zip(self.inputs, inputs, strict=True))
        for line in self._lines:
            name = line.node.name
            own = line.own if is_recorded else line.constants
            taken = [values[source] for source in line.node.inputs]
            if results is not None:
                for title in line.further.keys() & results.keys():
                    results[title] = line.further[title](mode, own, *taken).array.copy()
            values[name] = line.compute(mode, own, *taken)
            if results is not None and name in results:
                # A copy: the layer after it may write over it.
                results[name] = values[name].array.copy()
            for forgotten in line.forgets:
                del values[forgotten]
        return tuple([values[name] for name in self._heads])

    def __repr__(self) -> str:
        inputs = ", ".join(f"{name} {shape}" for name, shape in self.inputs.items())
        lines = [f"GraphModule({inputs}) with {self.flat_parameters.size:,} trained values"]
        for line in self._lines:
            shapes = ", ".join(f"{spec.name} {spec.shape}" for spec in line.node.parameters)
            call = f"{line.node.name} = {describe_layer(line.node)}({', '.join(line.node.inputs)})"
            lines.append(f"  {call}" + (f"  # {shapes}" if shapes else ""))
        return "\n".join([*lines, f"  return {', '.join(self._heads)}"])


def make_lines(network: Network, tensors: Mapping[str, Tensor]) -> tuple[Line, ...]:
    """Return the layers of a network in order, lowered, each with its parameters."""
    overwriting = find_overwriting(network, lambda _: True)
    last_use = {source: node.name for node in network.nodes for source in node.inputs}
    lines = []
    for node in network.nodes:
        own = {spec.name: tensors[f"{node.name}.{spec.name}"] for spec in node.parameters}
        heads = network.outputs.values()
        forgets = tuple(name for name in {*node.inputs} if last_use[name] == node.name and name not in heads)
        compute = lower_node(node)
        if node.name in overwriting:
            compute = rectify_in_place
        constants = {key: t.detach() for key, t in own.items()}
        lines.append(Line(node, compute, own, constants, forgets, lower_further_results(node)))
    return tuple(lines)


def split_flat(flat: FloatArray, shapes: Mapping[str, tuple[int, ...]]) -> dict[str, FloatArray]:
    """Return views of these shapes, one after another in `flat`.

    Examples
    --------
    >>> split_flat(np.arange(5.0), {"kernel": (2, 2), "bias": (1,)})["kernel"]
    array([[0., 1.],
           [2., 3.]])
    """
    views, start = {}, 0
    for name, shape in shapes.items():
        stop = start + math.prod(shape)
        views[name] = flat[start:stop].reshape(shape)
        start = stop
    return views


def describe_layer(node: Node) -> str:
    """Return the kind of a layer with what was set of it: ``dropout[rate=0.1]``."""
    settings = node.layer.model_dump(exclude_defaults=True, exclude=UNDESCRIBED)
    title = node.layer.default_name
    return title + (f"[{', '.join(f'{key}={value}' for key, value in settings.items())}]" if settings else "")


def as_tensors(arrays: Sequence[Any], workspace: Workspace) -> list[Tensor]:
    """Return arrays as tensors that live in a workspace; what is computed from them lives there too."""
    return [Tensor(array, workspace=workspace) for array in arrays]
