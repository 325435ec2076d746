"""The tape: recording operations as they are computed, and going back over them.

There is no tape object: each tensor knows the node that made it, each node the nodes before it. A node keeps
only the values that the rules of its required inputs need, so an intermediate is freed as soon as neither
the caller nor a rule needs it; during the backward pass each node drops what it kept once it is done.
What depends on no tensor that requires a gradient is computed but not recorded.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from rapidity.autodiff.operation import OUTPUT, Operation, Vjp
from rapidity.autodiff.tensor import Operand, Tensor
from rapidity.autodiff.workspace import NO_WORKSPACE, Array, Workspace
from rapidity.core.errors import GradientError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rapidity.autodiff.journal import Journal


class Node:
    """One recorded operation.

    Attributes
    ----------
    sources
        For each input the node that made it, the leaf itself, or None where no gradient is needed.
    shapes
        For each input with a source its shape.
    saved
        What the rules need: number (of an input, `OUTPUT`, an extra) -> array; None once freed.
    depth
        Longest way to a leaf: a node lies deeper than all that it was computed from.
    entry
        Number in the journal, or None.
    """

    __slots__ = ("depth", "entry", "operation", "saved", "settings", "shapes", "sources", "workspace")

    def __init__(
        self,
        operation: Operation,
        settings: dict[str, Any],
        sources: list[Node | Tensor | None],
        workspace: Workspace,
    ) -> None:
        self.operation = operation
        self.settings = settings
        self.sources = sources
        self.workspace = workspace
        self.shapes: list[tuple[int, ...]] = [()] * len(sources)
        self.saved: dict[int, Any] | None = {}
        self.depth: int = 1
        self.entry: int | None = None

    def keep(self, arrays: Sequence[Any], output: Array, extras: Sequence[Any]) -> bool:
        """Keep what the rules of the required inputs need; return whether there is such a rule."""
        operation, sources = self.operation, self.sources
        saved: dict[int, Any] = {}
        depth = 0
        for index, source in enumerate(sources):
            if source is None:
                continue
            vjp = operation.vjp(index)
            if vjp is None:
                sources[index] = None
                continue
            depth = max(depth, 1 + source.depth if isinstance(source, Node) else 1)
            self.shapes[index] = arrays[index].shape
            # Arrays and not tensors: a tensor would keep its gradient too.
            for need in vjp.needs:
                saved[need] = arrays[need] if need >= 0 else output if need == OUTPUT else extras[-2 - need]
        self.saved, self.depth = saved, depth
        return depth > 0

    def needed(self, vjp: Vjp, *, is_differentiable: bool) -> list[Any]:
        """Return what a rule needs, as tensors; parts of the graph where second derivatives are wanted."""
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
        if not is_differentiable or need < OUTPUT:
            return Tensor(value, workspace=self.workspace)
        source = self if need == OUTPUT else self.sources[need]
        if isinstance(source, Tensor):
            return source
        return Tensor(value, workspace=self.workspace, node=source)


def find_source(value: Tensor) -> Node | Tensor | None:
    """Return the node behind a tensor, the tensor itself if it is a leaf to differentiate by, else None."""
    return value.node or (value if value.requires_gradient else None)


def apply(operation: Operation, *inputs: Operand, **settings: Any) -> Tensor:
    """Compute an operation, and record it if a gradient may be asked for.

    Numbers among the inputs keep the precision of the tensors beside them, as in NumPy.
    """
    workspace = NO_WORKSPACE
    is_recorded = False
    arrays: list[Any] = []
    sources: list[Node | Tensor | None] = []
    for value in inputs:
        if isinstance(value, Tensor):
            arrays.append(value.array)
            source = value.node or (value if value.requires_gradient else None)
            sources.append(source)
            if source is not None:
                is_recorded = True
            if value.workspace is not NO_WORKSPACE:
                workspace = value.workspace
        else:
            arrays.append(np.asarray(value) if isinstance(value, list | tuple) else value)
            sources.append(None)
    result = operation.forward(workspace.memory, *arrays, **settings)
    extras: Sequence[Any] = ()
    if type(result) is tuple:
        result, *extras = result
    if not isinstance(result, np.ndarray):
        result = np.asarray(result)
    made = Tensor(result, workspace=workspace)
    if is_recorded:
        node = Node(operation, settings, sources, workspace)
        if node.keep(arrays, result, extras):
            made.node = node
    if workspace.journal is not None:
        _write_down(workspace.journal, operation, arrays, made, extras)
    return made


def _write_down(
    journal: Journal, operation: Operation, arrays: Sequence[Any], made: Tensor, extras: Sequence[Any]
) -> None:
    node = made.node
    number = journal.add(operation.name, arrays, made.array, extras=extras, is_recorded=node is not None)
    if node is not None:
        node.entry = number
