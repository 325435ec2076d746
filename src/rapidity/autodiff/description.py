"""The nodes of a journal in words and numbers: for tables, drawings and JSON."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rapidity.autodiff.journal import Entry, Journal
    from rapidity.autodiff.tensor import Tensor
    from rapidity.autodiff.workspace import Array

NodeKind = Literal["parameter", "input", "constant", "operation"]
SIGNS = {
    "add": "+",
    "subtract": "-",
    "multiply": "*",
    "divide": "/",
    "floor_divide": "//",
    "remainder": "%",
    "power": "**",
    "negative": "-",
    "less": "<",
    "less_equal": "<=",
    "greater": ">",
    "greater_equal": ">=",
    "equal": "==",
    "not_equal": "!=",
}
"""Operations that are written with a sign."""


@dataclass(frozen=True)
class GraphNode:
    """One node of a computational graph.

    Attributes
    ----------
    number
        As in the journal.
    kind
        A parameter is a leaf that requires a gradient, an input one that does not; a leaf without a name is
        a constant.
    name
        Of a parameter or an input; empty otherwise.
    operation
        Empty for leaves.
    formula
        What it is, in terms of names, numbers and other nodes (``#7``).
    inputs
        Numbers of the nodes that it was computed from.
    gradient
        What arrived there in the backward pass; None where nothing did.
    is_recorded
        Whether the tape kept it for the backward pass.
    is_visited
        Whether the backward pass came by.
    freed
        When its value was freed, in words.
    """

    number: int
    kind: NodeKind
    name: str
    operation: str
    formula: str
    inputs: tuple[int, ...]
    value: Array
    gradient: Array | None
    is_recorded: bool
    is_visited: bool
    freed: str

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return {
            **{name: getattr(self, name) for name in ("number", "kind", "name", "operation", "formula")},
            "inputs": list(self.inputs),
            "shape": list(self.value.shape),
            "value": self.value.tolist(),
            "gradient": None if self.gradient is None else self.gradient.tolist(),
            "recorded": self.is_recorded,
            "visited": self.is_visited,
            "freed": self.freed,
        }


def describe_nodes(journal: Journal, leaves: Mapping[str, Tensor]) -> tuple[GraphNode, ...]:
    """Return the nodes of the forward pass in their order.

    Parameters
    ----------
    journal
        One that keeps values.
    leaves
        Names of parameters and inputs.

    Examples
    --------
    >>> import rapidity.autodiff as ad
    >>> journal = ad.Journal(keeps_values=True)
    >>> w = ad.tensor(2.0, requires_gradient=True, workspace=ad.Workspace(journal=journal))
    >>> ad.sin(w * 3.0).backward()
    >>> [node.formula for node in describe_nodes(journal, {"w": w})]
    ['w', '#1 = multiply(w)', '#2 = sin(#1)']
    """
    names = {journal.number_of(leaf.array): name for name, leaf in leaves.items()}
    entries = [entry for entry in journal.entries if not entry.is_gradient]
    labels = {entry.number: _label(entry, names) for entry in entries}
    nodes = []
    for entry in entries:
        name = names.get(entry.number, "")
        leaf = leaves.get(name)
        is_parameter = leaf is not None and leaf.requires_gradient
        arrived = leaf.gradient.array if leaf is not None and leaf.gradient is not None else entry.gradient
        nodes.append(
            GraphNode(
                number=entry.number,
                kind=_kind(entry, leaf),
                name=name,
                operation=entry.operation,
                formula=_formula(entry, labels) if entry.operation else labels[entry.number],
                inputs=entry.inputs,
                value=np.asarray(entry.value),
                gradient=arrived,
                is_recorded=entry.is_recorded or is_parameter,
                is_visited=entry.visited_at is not None or (is_parameter and arrived is not None),
                freed=journal.when_freed(entry.number),
            )
        )
    return tuple(nodes)


def _kind(entry: Entry, leaf: Tensor | None) -> NodeKind:
    if entry.operation:
        return "operation"
    if leaf is None:
        return "constant"
    return "parameter" if leaf.requires_gradient else "input"


def _label(entry: Entry, names: Mapping[int, str]) -> str:
    if entry.number in names:
        return names[entry.number]
    if entry.operation or entry.value is None or entry.value.size != 1:
        return f"#{entry.number}"
    return f"{entry.value.item():g}"


def _formula(entry: Entry, labels: Mapping[int, str]) -> str:
    """Return an operation as it is written; plain numbers among its operands are not known here."""
    operands: Sequence[str] = [labels[number] for number in entry.inputs]
    sign = SIGNS.get(entry.operation)
    n_expected = 1 if entry.operation == "negative" else 2
    if sign is None or len(operands) != n_expected:
        return f"#{entry.number} = {entry.operation}({', '.join(operands)})"
    return f"#{entry.number} = " + (f" {sign} ".join(operands) if n_expected == 2 else f"{sign}{operands[0]}")
