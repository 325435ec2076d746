"""Going back over a graph: which nodes are visited, in which order, and what arrives at the leaves.

The deepest node that waits is always next, so that everything which flows into a node has arrived when
its turn comes. A node is done once; what it kept is then dropped.
"""

from __future__ import annotations

import heapq
import math
from typing import TYPE_CHECKING

import numpy as np

from rapidity.autodiff.tape import Node, find_source
from rapidity.autodiff.tensor import Operand, Tensor
from rapidity.core.errors import GradientError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from rapidity.autodiff.workspace import Array


def backward(value: Tensor, gradient: Operand = None, *, retain_graph: bool = False) -> None:
    """Add the gradient of `value` to ``leaf.gradient`` of every leaf that requires one.

    Parameters
    ----------
    gradient
        Gradient of something else with respect to `value`; left out, 1 for a `value` of one number.
    retain_graph
        Keep what the nodes hold, for another backward pass. Arrays that a rule needs must then not be
        written to in between.

    Raises
    ------
    GradientError
        If `value` depends on no tensor that requires a gradient, has more than one number while `gradient`
        is left out, or its graph was freed by an earlier pass.
    """
    arrived = _go_back(value, gradient, None, retain_graph=retain_graph, create_graph=False)
    for leaf, found in zip(arrived, _own(arrived.values(), gradient), strict=True):
        if isinstance(leaf, Node):
            continue
        leaf.gradient = (
            found
            if leaf.gradient is None
            else Tensor(leaf.gradient.array + found.array, workspace=leaf.workspace)
        )


def gradients(
    value: Tensor,
    tensors: Sequence[Tensor],
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
    tensors
        Leaves that require a gradient, or intermediate values.
    create_graph
        Record the backward pass itself, so that the gradients can be differentiated again.

    Raises
    ------
    GradientError
        As `backward`; also if one of the tensors requires no gradient, or if an operation on the way has no
        second derivative but `create_graph` is set.

    Examples
    --------
    >>> import rapidity.autodiff as ad
    >>> x = ad.tensor(3.0, requires_gradient=True)
    >>> (slope,) = ad.gradients(x**3, [x], create_graph=True)
    >>> slope.item(), ad.gradients(slope, [x])[0].item()
    (27.0, 18.0)
    """
    wanted = [_wanted_source(tensor, number) for number, tensor in enumerate(tensors)]
    arrived = _go_back(
        value, gradient, set(wanted), retain_graph=retain_graph or create_graph, create_graph=create_graph
    )
    if not create_graph:
        arrived = dict(zip(arrived, _own(arrived.values(), gradient), strict=True))
    return [
        arrived[source]
        if source in arrived
        else Tensor(np.zeros(tensor.shape, tensor.dtype), workspace=tensor.workspace)
        for source, tensor in zip(wanted, tensors, strict=True)
    ]


def _wanted_source(tensor: Tensor, number: int) -> Node | Tensor:
    source = find_source(tensor)
    if source is None:
        message = (
            f"tensor number {number} of those to differentiate by requires no gradient."
            " Make it with requires_gradient=True before computing with it."
        )
        raise GradientError(message)
    return source


def _go_back(
    value: Tensor,
    gradient: Operand,
    wanted: set[Node | Tensor] | None,
    *,
    retain_graph: bool,
    create_graph: bool,
) -> dict[Node | Tensor, Tensor]:
    """Return what arrives at the leaves, or at what is wanted; no other branches are visited."""
    start = find_source(value)
    if start is None:
        message = (
            "there is nothing to differentiate: the value depends on no tensor with requires_gradient=True."
        )
        raise GradientError(message)
    leads = None if wanted is None else _find_nodes_leading_to(start, wanted)
    waiting = _Waiting(create_graph=create_graph)
    waiting.add(start, _first_gradient(value, gradient))
    arrived: dict[Node | Tensor, Tensor] = {}
    journal = value.workspace.journal
    if journal is not None:
        journal.begin_backward()
    try:
        while waiting:
            source, arriving = waiting.pop()
            if isinstance(source, Tensor):
                # A constant of higher precision on the way must not change the type of a parameter.
                arrived[source] = (
                    arriving if arriving.dtype == source.dtype else arriving.astype(source.dtype)
                )
            elif wanted is not None and source in wanted:
                arrived[source] = arriving
            if isinstance(source, Node) and (leads is None or source in leads):
                _visit(source, arriving, waiting, leads, wanted)
                if not retain_graph:
                    source.saved = None
    finally:
        if journal is not None:
            journal.end_backward()
    return arrived


def _visit(
    node: Node,
    arriving: Tensor,
    waiting: _Waiting,
    leads: set[Node | Tensor] | None,
    wanted: set[Node | Tensor] | None,
) -> None:
    """Apply the rules of one node and pass the results on to what it was computed from."""
    operation = node.operation
    if waiting.create_graph and not operation.has_second_order:
        message = (
            f"'{operation.name}' has no second derivative here. Put it together from elementary operations,"
            " or do without create_graph=True."
        )
        raise GradientError(message)
    if node.entry is not None and node.workspace.journal is not None:
        node.workspace.journal.visit(node.entry, arriving.array)
    for index, source in enumerate(node.sources):
        vjp = operation.vjp(index)
        if source is None or vjp is None:
            continue
        if leads is not None and wanted is not None and source not in leads and source not in wanted:
            continue
        needed = node.needed(vjp, is_differentiable=waiting.create_graph)
        settings = node.settings
        if operation.is_variadic:
            settings = {**settings, "index": index}
        shape = node.shapes[index]
        if vjp.wants_shape:
            settings = {**settings, "input_shape": shape}
        result = vjp.rule(arriving, *needed, **settings)
        waiting.add(source, result if result.array.shape == shape else _sum_to(result, node, index))


class _Waiting:
    """Gradients on their way to nodes and leaves, the deepest to be taken first."""

    def __init__(self, *, create_graph: bool) -> None:
        self.create_graph = create_graph
        self._gradients: dict[Node | Tensor, Tensor] = {}
        self._heap: list[tuple[int, int, Node | Tensor]] = []
        self._own: set[Node | Tensor] = set()
        self._count = 0

    def __bool__(self) -> bool:
        return bool(self._heap)

    def add(self, source: Node | Tensor, gradient: Tensor) -> None:
        """Add what arrives at a source to what is there."""
        before = self._gradients.get(source)
        if before is None:
            # Leaves come last; the count keeps the heap from comparing nodes.
            self._count += 1
            depth = source.depth if isinstance(source, Node) else 0
            heapq.heappush(self._heap, (-depth, self._count, source))
            self._gradients[source] = gradient
        elif source in self._own:
            np.add(before.array, gradient.array, out=before.array)
        else:
            self._gradients[source] = before + gradient
            # The first gradient may be shared with another input; their sum is ours to write to.
            if not self.create_graph:
                self._own.add(source)

    def pop(self) -> tuple[Node | Tensor, Tensor]:
        """Return the deepest source that waits, with its gradient."""
        _, _, source = heapq.heappop(self._heap)
        self._own.discard(source)
        return source, self._gradients.pop(source)


def _first_gradient(value: Tensor, gradient: Operand) -> Tensor:
    if gradient is None:
        if value.size != 1:
            message = (
                f"a gradient is taken of one number, but the value has shape {value.shape}."
                " Add it up first, or give the gradient with respect to it."
            )
            raise GradientError(message)
        return Tensor(np.ones(value.shape, value.dtype), workspace=value.workspace)
    given = (
        gradient
        if isinstance(gradient, Tensor)
        else Tensor(np.asarray(gradient, value.dtype), workspace=value.workspace)
    )
    if given.shape != value.shape:
        message = f"the gradient has shape {given.shape}, but the value has shape {value.shape}."
        raise GradientError(message)
    return given


def _find_nodes_leading_to(start: Node | Tensor, wanted: set[Node | Tensor]) -> set[Node | Tensor]:
    """Return the nodes behind `start` from which something wanted can be reached."""
    leads: set[Node | Tensor] = set()
    seen: set[Node] = set()
    stack: list[tuple[Node, bool]] = [(start, False)] if isinstance(start, Node) else []
    while stack:
        node, is_done = stack.pop()
        if is_done:
            if any(source in leads or source in wanted for source in node.sources if source is not None):
                leads.add(node)
        elif node not in seen:
            seen.add(node)
            stack.append((node, True))
            stack += [(source, False) for source in node.sources if isinstance(source, Node)]
    return leads


def _sum_to(gradient: Tensor, node: Node, index: int) -> Tensor:
    """Return a gradient added up over the axes along which an input was broadcast."""
    shape = node.shapes[index]
    n_new = gradient.ndim - len(shape)
    axes = tuple(range(n_new)) + tuple(
        n_new + axis
        for axis, extent in enumerate(shape)
        if extent == 1 and gradient.array.shape[n_new + axis] != 1
    )
    summed = gradient.sum(axes) if axes else gradient
    if summed.array.size != math.prod(shape):
        message = (
            f"the rule of '{node.operation.name}' for input {index} gives shape {gradient.shape}, but the"
            f" input has shape {shape}. A rule returns the shape of its input, or that of the value."
        )
        raise GradientError(message)
    return summed if summed.shape == shape else summed.reshape(shape)


def _own(found: Iterable[Tensor], given: Operand) -> list[Tensor]:
    """Return gradients that share memory neither with each other nor with what the caller gave.

    The rule of a sum hands the same array to both sides, and that of a reduction a broadcast view; the
    caller may want to write to what he gets.
    """
    first = given.array if isinstance(given, Tensor) else given
    owners = {_owner(first)} if isinstance(first, np.ndarray) else set()
    owned = []
    for gradient in found:
        array = gradient.array
        owner = _owner(array)
        if owner in owners or not array.flags.writeable:
            array = array.copy()
        owners.add(owner)
        owned.append(Tensor(array, workspace=gradient.workspace))
    return owned


def _owner(array: Array) -> int:
    return id(array if array.base is None else array.base)
