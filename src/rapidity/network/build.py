"""From the `network:` block to the graph: names, connections, shapes, heads, and what is wrong with them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rapidity.core.errors import GraphError, closest, shorten
from rapidity.network.catalogue.entry import make_head
from rapidity.network.config import LayerList
from rapidity.network.graph import Network, Node
from rapidity.network.layer import Layer, Shape, ShapeError
from rapidity.network.layers import Add, Concatenate, Multiply
from rapidity.network.layers.masks import is_mask, is_optional

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from rapidity.network.config import NetworkConfig

JOINED_INPUTS = "joined_inputs"
"""Name of the concatenation that is put in when the first layer takes one input and there are several."""


def head_name(output: str) -> str:
    """Return the name of the node whose result are the logits of `output`."""
    return f"{output}_logits"


def build_network(
    config: NetworkConfig,
    inputs: Mapping[str, Shape],
    outputs: Mapping[str, int],
    tokens: Mapping[str, str] | None = None,
) -> Network:
    """Return the graph of a `network:` block.

    Parameters
    ----------
    config
        A network of the catalogue, or a list of layers.
    inputs
        Input name -> shape of one event.
    outputs
        Output name -> number of logits. Each gets a head: a dense layer ``<output>_logits`` after the last
        layer.
    tokens
        Output name -> name of the layer with a row for each object ``(n_events, n_objects, n_features)``
        that the head of this output follows instead; it gives logits for every object.

    Raises
    ------
    GraphError
        If names clash or are unknown, shapes do not fit, or an input or a layer leads to no output.

    Examples
    --------
    >>> from rapidity.network import Mlp
    >>> network = build_network(Mlp(type="mlp", hidden=(8,)), {"features": (3,)}, {"class": 1})
    >>> [(node.name, node.shape) for node in network.nodes]
    [('dense_1', (8,)), ('relu_1', (8,)), ('class_logits', (1,))]
    """
    layers = config.layers if isinstance(config, LayerList) else config.layers(inputs)
    cure = "Give it another name, or leave the name out."
    if not isinstance(config, LayerList):
        cure = f"Rename the input: the layers of '{config.kind}' have names of their own."
    _check_names(inputs, layers, [head_name(output) for output in outputs], cure)
    graph = _GraphBuilder(inputs, layers, [head_name(output) for output in outputs])
    for layer in layers:
        graph.append(layer)
    graph.append_heads(outputs, tokens or {}, make_head if isinstance(config, LayerList) else config.head)
    nodes = graph.nodes
    if not isinstance(config, LayerList):
        nodes = _keep_used(nodes, [head_name(name) for name in outputs])
    network = Network(dict(inputs), tuple(nodes), {name: head_name(name) for name in outputs})
    _check_everything_is_used(network, needs_masks=isinstance(config, LayerList))
    return network


class _GraphBuilder:
    """Appends layers one by one; knows the shapes of what is there already."""

    def __init__(self, inputs: Mapping[str, Shape], layers: Sequence[Layer], heads: Sequence[str]) -> None:
        self.inputs = inputs
        self.nodes: list[Node] = []
        self._shapes: dict[str, Shape] = dict(inputs)
        given = [layer.name for layer in layers if layer.name is not None]
        self._taken = {JOINED_INPUTS, *inputs, *given, *heads}
        self._given = set(given)
        self._counts: dict[str, int] = {}

    def append(self, layer: Layer) -> None:
        """Append one layer under its own or a new name."""
        name = layer.name or self._make_name(layer.default_name)
        sources = self._find_sources(name, layer)
        self._append_node(name, layer, sources)

    def append_heads(
        self, outputs: Mapping[str, int], tokens: Mapping[str, str], make: Callable[[str, int], Layer]
    ) -> None:
        """Append the dense layer of each output after the last layer, or after its layer of objects."""
        last: str | None = None
        if tokens.keys() != outputs.keys():
            (last,) = [self.nodes[-1].name] if self.nodes else self._all_inputs(joined=True)
        for output, n_logits in outputs.items():
            name = head_name(output)
            source = self._find_tokens(output, tokens[output]) if output in tokens else last or ""
            shape = self._shapes[source]
            if output not in tokens and len(shape) != 1:
                error = ShapeError(needs="(n_events, n_features)", cure="Put a 'flatten' layer between them")
                raise GraphError(_misfit_message(name, "dense", [(source, shape)], error))
            self._append_node(name, make(name, n_logits), (source,))

    def _find_tokens(self, output: str, source: str) -> str:
        if source not in self._shapes:
            near = closest(source, self._shapes)
            hint = f" Did you mean '{near[0]}'?" if near else ""
            message = (
                f"output '{output}' takes the objects of '{source}', which is neither an input nor a"
                f" layer.{hint}\n  There are: {shorten(self._shapes)}"
            )
            raise GraphError(message)
        shape = self._shapes[source]
        if len(shape) != 2:
            error = ShapeError(
                needs="(n_events, n_objects, n_features)",
                cure="Name in `from` a layer that has a row for each object",
            )
            raise GraphError(_misfit_message(head_name(output), "dense", [(source, shape)], error))
        return source

    def _append_node(self, name: str, layer: Layer, sources: tuple[str, ...]) -> None:
        shapes = [self._shapes[source] for source in sources]
        try:
            shape = layer.output_shape(shapes)
        except ShapeError as error:
            fed = list(zip(sources, shapes, strict=True))
            raise GraphError(_misfit_message(name, layer.kind, fed, error)) from None
        specs = layer.parameter_specs(shapes)
        self.nodes.append(Node(name, layer, sources, shape, specs, tuple(shapes)))
        self._shapes[name] = shape

    def _make_name(self, stem: str) -> str:
        while True:
            self._counts[stem] = self._counts.get(stem, 0) + 1
            name = f"{stem}_{self._counts[stem]}"
            if name not in self._taken:
                self._taken.add(name)
                return name

    def _find_sources(self, name: str, layer: Layer) -> tuple[str, ...]:
        if layer.inputs is None:
            if self.nodes:
                return (self.nodes[-1].name,)
            return self._all_inputs(joined=not isinstance(layer, Concatenate | Add | Multiply))
        sources = (layer.inputs,) if isinstance(layer.inputs, str) else layer.inputs
        for source in sources:
            if source not in self._shapes:
                raise GraphError(self._unknown_source_message(name, layer, source))
        return sources

    def _all_inputs(self, *, joined: bool) -> tuple[str, ...]:
        # The momentum beside a table is not scaled, and there for networks that ask for it.
        names = tuple(name for name in self.inputs if not is_optional(name, self.inputs))
        if len(names) == 1 or not joined:
            return names
        self._append_node(JOINED_INPUTS, Concatenate(type="concatenate", name=JOINED_INPUTS), names)
        return (JOINED_INPUTS,)

    def _unknown_source_message(self, name: str, layer: Layer, source: str) -> str:
        where = f"layer '{name}' ({layer.kind})"
        if source == name:
            return f"{where} takes its own result as input. Name an input or an earlier layer instead."
        if source in self._given:
            return (
                f"{where} takes '{source}', which comes later in the list, and a graph has no circles."
                f" Move '{source}' before '{name}'."
            )
        near = closest(source, self._shapes)
        hint = f" Did you mean '{near[0]}'?" if near else ""
        return (
            f"{where} takes '{source}', which is neither an input nor an earlier layer.{hint}"
            f"\n  There are: {shorten(self._shapes)}"
        )


def _misfit_message(name: str, kind: str, fed: Sequence[tuple[str, Shape]], error: ShapeError) -> str:
    gets = ", ".join(f"{describe_shape(shape)} from '{source}'" for source, shape in fed) or "nothing"
    noun = "shape" if len(fed) == 1 else "shapes"
    return f"layer '{name}' ({kind}) gets {noun} {gets} but needs {error.needs}.\n  {error.cure}."


def describe_shape(shape: Shape) -> str:
    """Return the shape as users read it, with the axis of the events in front.

    Examples
    --------
    >>> describe_shape((20, 64))
    '(n_events, 20, 64)'
    """
    return "(" + ", ".join(["n_events", *map(str, shape)]) + ")"


def _check_names(
    inputs: Mapping[str, Shape], layers: Sequence[Layer], heads: Sequence[str], cure: str
) -> None:
    seen: dict[str, str] = dict.fromkeys(inputs, "an input")
    seen |= dict.fromkeys(heads, "the head of an output") | {JOINED_INPUTS: "the joined inputs"}
    for number, layer in enumerate(layers, start=1):
        if layer.name is None:
            continue
        if layer.name in seen:
            other = seen[layer.name]
            message = f"layer {number} ({layer.kind}) is called '{layer.name}', but so is {other}. {cure}"
            raise GraphError(message)
        seen[layer.name] = f"layer {number} ({layer.kind})"


def _keep_used(nodes: Sequence[Node], heads: Sequence[str]) -> list[Node]:
    """Return the nodes that lead to a head.

    A network of the catalogue holds more where an output is asked of each object, or none is: the pooling and
    what follows it, or the objects of each cloud by themselves.
    """
    used = set(heads)
    for node in reversed(nodes):
        if node.name in used:
            used.update(node.inputs)
    return [node for node in nodes if node.name in used]


def _check_everything_is_used(network: Network, *, needs_masks: bool) -> None:
    """Raise a GraphError if an input or a layer leads to no output.

    A network of the catalogue that looks at each object by itself, for an output of each, has no use for
    their mask; in a list of layers a mask that nobody takes was forgotten.
    """
    used = set(network.outputs.values())
    for node in reversed(network.nodes):
        if node.name in used:
            used.update(node.inputs)
    may_be_idle = {name for name in network.inputs if is_optional(name, network.inputs)}
    if not needs_masks:
        may_be_idle |= {name for name in network.inputs if is_mask(name, network.inputs)}
    idle = [name for name in network.inputs if name not in used | may_be_idle]
    if idle:
        message = (
            f"network input '{idle[0]}' {describe_shape(network.inputs[idle[0]])} leads to no output."
            f" Name it in the 'inputs' of a layer, or remove it from the configuration's inputs."
        )
        raise GraphError(message)
    dead = [node for node in network.nodes if node.name not in used]
    if dead:
        message = (
            f"layer '{dead[-1].name}' ({dead[-1].layer.kind}) leads to no output: heads follow the last"
            " layer of the list. Name it in the 'inputs' of a later layer, or remove it."
        )
        raise GraphError(message)
