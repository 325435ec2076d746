"""The tape: recording operations as they are computed, and going back over them.

There is no tape object: each tensor knows the node that made it, each node the nodes before it. A node keeps
only the values that the rules of its required inputs need, so an intermediate is freed as soon as neither
the caller nor a rule needs it; during the backward pass each node drops what it kept once it is done.
What depends on no tensor that requires a gradient is computed but not recorded.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from rapidity.autodiff.operation import OUTPUT, Operation, Vjp
from rapidity.autodiff.tensor import Operand, Tensor
from rapidity.autodiff.workspace import NO_WORKSPACE, Array, Workspace
from rapidity.core.errors import GradientError

Source = "Node | Tensor | None"


class Node:
    """One recorded operation.

    Attributes
    ----------
    sources
        For each input the node that made it, the leaf itself, or None where no gradient is needed.
    saved
        What the rules need: number (of an input, `OUTPUT`, an extra) -> array; None once freed.
    depth
        Longest way to a leaf: a node lies deeper than all that it was computed from.
    entry
        Number in the journal, or None.
    """

    __slots__ = (
        "depth",
        "dtypes",
        "entry",
        "operation",
        "saved",
        "settings",
        "shapes",
        "sources",
        "workspace",
    )

    def __init__(
        self,
        operation: Operation,
        settings: dict[str, Any],
        inputs: Sequence[Operand],
        workspace: Workspace,
    ) -> None:
        self.operation = operation
        self.settings = settings
        self.workspace = workspace
        self.sources = tuple(_find_source(value) for value in inputs)
        self.shapes = tuple(
            value.array.shape if isinstance(value, Tensor) else np.shape(value) for value in inputs
        )
        self.depth = 1 + max((s.depth for s in self.sources if isinstance(s, Node)), default=0)
        self.saved: dict[int, Any] | None = {}
        self.entry: int | None = None

    def save(self, inputs: Sequence[Operand], output: Array, extras: Sequence[Any]) -> None:
        """Keep what the rules of the required inputs need."""
        saved: dict[int, Any] = {}
        for index, source in enumerate(self.sources):
            vjp = self.operation.vjp(index) if source is not None else None
            for need in vjp.needs if vjp is not None else ():
                if need == OUTPUT:
                    saved[need] = output
                else:
                    saved[need] = inputs[need] if need >= 0 else extras[-2 - need]
        # The nodes behind saved inputs are in `sources`: keeping tensors would keep their gradients too.
        self.saved = {
            need: value.array if isinstance(value, Tensor) else value for need, value in saved.items()
        }

    def needed(self, vjp: Vjp, *, is_differentiable: bool) -> list[Any]:
        """Return what a rule needs, as tensors; connected to the graph where second derivatives are wanted."""
        saved = self.saved
        if saved is None:
            message = (
                f"backward came to '{self.operation.name}' a second time, but what it kept was freed by the"
                " first pass. Call the first one with retain_graph=True, or compute the value again."
            )
            raise GradientError(message)
        return [self._wrap(need, saved[need], is_differentiable) for need in vjp.needs]

    def _wrap(self, need: int, value: Any, is_differentiable: bool) -> Any:
        if not isinstance(value, np.ndarray):
            return value
        if is_differentiable and need == OUTPUT:
            return Tensor(value, workspace=self.workspace, node=self)
        source = self.sources[need] if is_differentiable and need >= 0 else None
        if isinstance(source, Tensor):
            return source
        return Tensor(value, workspace=self.workspace, node=source)


def _find_source(value: Operand) -> Node | Tensor | None:
    if not isinstance(value, Tensor):
        return None
    return value.node or (value if value.requires_gradient else None)


def apply(operation: Operation, *inputs: Operand, **settings: Any) -> Tensor:
    """Compute an operation, and record it if a gradient may be asked for.

    Numbers among the inputs keep the precision of the tensors beside them, as in NumPy.
    """
    workspace = NO_WORKSPACE
    is_recorded = False
    arrays = []
    for value in inputs:
        if isinstance(value, Tensor):
            arrays.append(value.array)
            if value.workspace is not NO_WORKSPACE:
                workspace = value.workspace
            if value.requires_gradient or value.node is not None:
                is_recorded = True
        else:
            arrays.append(value)
    result = operation.forward(workspace.memory, *arrays, **settings)
    extras: Sequence[Any] = ()
    if isinstance(result, tuple):
        result, *extras = result
    made = Tensor(np.asarray(result), workspace=workspace)
    if is_recorded:
        node = Node(operation, settings, inputs, workspace)
        if any(source is not None and operation.vjp(i) for i, source in enumerate(node.sources)):
            node.save(inputs, made.array, extras)
            made.node = node
    if workspace.journal is not None:
        _write_down(workspace, operation, arrays, made)
    return made


def _write_down(workspace: Workspace, operation: Operation, arrays: Sequence[Any], made: Tensor) -> None:
    journal = workspace.journal
    if journal is None:
        return
    numbers = tuple(journal.number_of(array) for array in arrays if isinstance(array, np.ndarray))
    number = journal.add(operation.name, numbers, made.array, is_recorded=made.node is not None)
    if made.node is not None:
        made.node.entry = number


def backward(value: Tensor, gradient: Operand = None, *, retain_graph: bool = False) -> None:
    """Add the gradient of `value` to ``leaf.gradient`` of every leaf that requires one.

    Parameters
    ----------
    gradient
        Gradient of something else with respect to `value`; left out, 1 for a `value` of one number.
    retain_graph
        Keep what the nodes hold, for another backward pass.

    Raises
    ------
    GradientError
        If `value` depends on no tensor that requires a gradient, has more than one number while `gradient`
        is left out, or its graph was freed by an earlier pass.
    """
    for leaf, found in _go_back(value, gradient, None, retain_graph=retain_graph, create_graph=False):
        if leaf.gradient is None:
            leaf.gradient = found
        else:
            leaf.gradient = Tensor(leaf.gradient.array + found.array, workspace=leaf.workspace)


def gradients(
    value: Tensor,
    leaves: Sequence[Tensor],
    gradient: Operand = None,
    *,
    retain_graph: bool = False,
    create_graph: bool = False,
) -> list[Tensor]:
    """Return the gradient of `value` for each of the tensors, leaving their ``.gradient`` alone.

    Only nodes between `value` and these tensors are visited. A tensor that `value` does not depend on has
    a gradient of zeros.

    Parameters
    ----------
    leaves
        Leaves that require a gradient.
    create_graph
        Record the backward pass itself, so that the gradients can be differentiated again.

    Raises
    ------
    GradientError
        As `backward`; also if an operation on the way has no second derivative but `create_graph` is set.

    Examples
    --------
    >>> import rapidity.autodiff as ad
    >>> x = ad.tensor(3.0, requires_gradient=True)
    >>> (slope,) = ad.gradients(x**3, [x], create_graph=True)
    >>> slope.item(), ad.gradients(slope, [x])[0].item()
    (27.0, 18.0)
    """
    wanted = {id(leaf) for leaf in leaves}
    found = {
        id(leaf): result
        for leaf, result in _go_back(
            value, gradient, wanted, retain_graph=retain_graph or create_graph, create_graph=create_graph
        )
    }
    return [
        found[id(leaf)]
        if id(leaf) in found
        else Tensor(np.zeros(leaf.shape, leaf.dtype), workspace=leaf.workspace)
        for leaf in leaves
    ]


def _go_back(
    value: Tensor, gradient: Operand, wanted: set[int] | None, *, retain_graph: bool, create_graph: bool
) -> list[tuple[Tensor, Tensor]]:
    """Return the leaves with their gradients, visiting the nodes that lead to them and no others."""
    start = _find_source(value)
    if start is None:
        message = (
            "there is nothing to differentiate: the value depends on no tensor with requires_gradient=True."
        )
        raise GradientError(message)
    pending = _Pending()
    pending.add(start, _first_gradient(value, gradient), create_graph=create_graph)
    leads = None if wanted is None else _find_nodes_leading_to(start, wanted)
    with _marked_as_backward(value.workspace):
        while pending.nodes:
            node, arriving = pending.pop()
            _visit(node, arriving, pending, leads, wanted, create_graph)
            if not retain_graph:
                node.saved = None
    return [pending.leaves[key] for key in pending.leaves if wanted is None or key in wanted]


def _visit(
    node: Node,
    arriving: Tensor,
    pending: _Pending,
    leads: set[int] | None,
    wanted: set[int] | None,
    create_graph: bool,
) -> None:
    """Apply the rules of one node and pass the results on to what it was computed from."""
    operation = node.operation
    if create_graph and not operation.has_second_order:
        message = (
            f"'{operation.name}' has no second derivative here. Put it together from elementary operations,"
            " or do without create_graph=True."
        )
        raise GradientError(message)
    if node.entry is not None and node.workspace.journal is not None:
        node.workspace.journal.visit(node.entry)
    for index, source in enumerate(node.sources):
        vjp = operation.vjp(index)
        if source is None or vjp is None:
            continue
        if isinstance(source, Node):
            if leads is not None and id(source) not in leads:
                continue
        elif wanted is not None and id(source) not in wanted:
            continue
        needed = node.needed(vjp, is_differentiable=create_graph)
        settings = dict(node.settings)
        if operation.is_variadic:
            settings["index"] = index
        if vjp.wants_shape:
            settings["input_shape"] = node.shapes[index]
        result = vjp.rule(arriving, *needed, **settings)
        pending.add(source, _sum_to(result, node.shapes[index]), create_graph=create_graph)


class _Pending:
    """Gradients on their way: those of nodes, the deepest first, and those that have arrived at leaves."""

    def __init__(self) -> None:
        self.nodes: dict[int, tuple[Node, Tensor, bool]] = {}
        self.leaves: dict[int, tuple[Tensor, Tensor]] = {}
        self._heap: list[tuple[int, int]] = []
        self._owned: set[int] = set()

    def add(self, source: Node | Tensor, gradient: Tensor, *, create_graph: bool) -> None:
        """Add what arrives at a source to what is there."""
        key = id(source)
        if isinstance(source, Tensor):
            before = self.leaves[key][1] if key in self.leaves else None
            self.leaves[key] = (source, self._total(key, before, gradient, create_graph))
            return
        if key not in self.nodes:
            heapq.heappush(self._heap, (-source.depth, key))
        before = self.nodes[key][1] if key in self.nodes else None
        self.nodes[key] = (source, self._total(key, before, gradient, create_graph), True)

    def _total(self, key: int, before: Tensor | None, gradient: Tensor, create_graph: bool) -> Tensor:
        if before is None:
            return gradient
        if create_graph:
            return before + gradient
        # The first gradient may be shared with another input; the first sum is ours to write to.
        if key in self._owned:
            np.add(before.array, gradient.array, out=before.array)
            return before
        self._owned.add(key)
        return before + gradient

    def pop(self) -> tuple[Node, Tensor]:
        """Return the deepest node that waits, with its gradient."""
        _, key = heapq.heappop(self._heap)
        node, gradient, _ = self.nodes.pop(key)
        self._owned.discard(key)
        return node, gradient


def _first_gradient(value: Tensor, gradient: Operand) -> Tensor:
    if gradient is None:
        if value.size != 1:
            message = (
                f"a gradient is taken of one number, but the value has shape {value.shape}."
                " Add it up first, or give the gradient with respect to it."
            )
            raise GradientError(message)
        return Tensor(np.ones(value.shape, value.dtype), workspace=value.workspace)
    given = gradient if isinstance(gradient, Tensor) else Tensor(np.asarray(gradient, value.dtype))
    if given.shape != value.shape:
        message = f"the gradient has shape {given.shape}, but the value has shape {value.shape}."
        raise GradientError(message)
    return given


def _find_nodes_leading_to(start: Node | Tensor, wanted: set[int]) -> set[int]:
    """Return the identities of the nodes behind `start` from which a wanted leaf can be reached."""
    leads: set[int] = set()
    seen: set[int] = set()
    stack: list[tuple[Node, bool]] = [(start, False)] if isinstance(start, Node) else []
    while stack:
        node, is_done = stack.pop()
        if is_done:
            if any(
                id(source) in leads or id(source) in wanted for source in node.sources if source is not None
            ):
                leads.add(id(node))
        elif id(node) not in seen:
            seen.add(id(node))
            stack.append((node, True))
            stack += [(source, False) for source in node.sources if isinstance(source, Node)]
    return leads


def _sum_to(gradient: Tensor, shape: tuple[int, ...]) -> Tensor:
    """Return a gradient added up over the axes along which an input was broadcast."""
    if gradient.array.shape == shape:
        return gradient
    n_new = gradient.ndim - len(shape)
    axes = tuple(range(n_new)) + tuple(
        n_new + axis
        for axis, extent in enumerate(shape)
        if extent == 1 and gradient.array.shape[n_new + axis] != 1
    )
    summed = gradient.sum(axes) if axes else gradient
    return summed if summed.shape == shape else summed.reshape(shape)


@contextmanager
def _marked_as_backward(workspace: Workspace) -> Iterator[None]:
    """Have the journal know that what is computed inside are gradients."""
    journal = workspace.journal
    if journal is None:
        yield
        return
    before, journal.is_backward = journal.is_backward, True
    try:
        yield
    finally:
        journal.is_backward = before
