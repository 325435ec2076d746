"""Columns of objects and what is done along them, as ONNX nodes.

Values of objects are ``(n, n_objects + 1)`` and those of pairs ``(n, n_first + 1, n_second + 1)``: the
padding always has one place, since operators that reduce or pick cannot do with none, and a batch may be
without any object. Values of events are rows ``(1, n)``, as in `emission`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from rapidity.artefact import namespace as names
from rapidity.artefact.graph import ELEMENT_TYPES
from rapidity.artefact.symbols import IS_OBJECT, OBJECTS, Symbol

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from rapidity.artefact.columns import ColumnSource
    from rapidity.artefact.graph import GraphBuilder

    Add = Callable[["_Nodes", Symbol, Sequence[str]], str]

SCOPE = "objects"


def add_object_source(graph: GraphBuilder, source: ColumnSource, symbol: Symbol) -> str:
    """Return the values of a column of objects, or where there is one, with a place of padding."""
    nodes = _Nodes(graph)
    if symbol.op == IS_OBJECT:
        return nodes.pad(source.is_object(symbol.collection), filler=False)
    return nodes.pad(source.objects(symbol.name), filler=0.0)


def add_object_operator(graph: GraphBuilder, symbol: Symbol, inputs: Sequence[str]) -> str:
    """Return the value of one of `namespace.OBJECT_OPERATORS`."""
    return _OPERATORS[symbol.op](_Nodes(graph), symbol, inputs)


class _Nodes:
    """Adds nodes and the small constants that go with them."""

    def __init__(self, graph: GraphBuilder) -> None:
        self.graph = graph

    def add(self, op: str, *inputs: str, **attributes: Any) -> str:
        return self.graph.add(op, list(inputs), scope=SCOPE, **attributes)

    def integers(self, *values: int) -> str:
        return self.graph.constant(np.array(values, np.int64), f"{SCOPE}/integers")

    def scalar(self, value: float) -> str:
        return self.graph.constant(np.array(value), f"{SCOPE}/constant")

    def pad(self, objects: str, *, filler: float) -> str:
        """Return values of objects with one more place."""
        n_events = self.add("Shape", objects, start=0, end=1)
        shape = self.add("Concat", n_events, self.integers(1), axis=0)
        place = self.add("Expand", self.scalar(filler), shape)
        return self.add("Concat", objects, place, axis=1)

    def row(self, values: str) -> str:
        """Return one value an event, of any shape, as a row."""
        return self.add("Reshape", values, self.integers(1, -1))

    def width(self, objects: str) -> str:
        """Return the number of places of each event, ``(1,)``."""
        return self.add("Shape", objects, start=1, end=2)


def _expand(nodes: _Nodes, symbol: Symbol, inputs: Sequence[str]) -> str:
    if symbol.rank == OBJECTS:
        return nodes.add("Reshape", inputs[0], nodes.integers(-1, 1))
    return nodes.add("Unsqueeze", inputs[0], nodes.integers(2))


def _as_first(nodes: _Nodes, symbol: Symbol, inputs: Sequence[str]) -> str:
    return nodes.add("Unsqueeze", inputs[0], nodes.integers(2))


def _as_second(nodes: _Nodes, symbol: Symbol, inputs: Sequence[str]) -> str:
    return nodes.add("Unsqueeze", inputs[0], nodes.integers(1))


def _positions(nodes: _Nodes, symbol: Symbol, inputs: Sequence[str]) -> str:
    width = nodes.add("Squeeze", nodes.width(inputs[0]))
    start, step = (nodes.graph.constant(np.array(value, np.int64), f"{SCOPE}/whole") for value in (0, 1))
    positions = nodes.add("Cast", nodes.add("Range", start, width, step), to=ELEMENT_TYPES["float64"])
    return nodes.add("Unsqueeze", positions, nodes.integers(0))


def _reduce(op: str) -> Add:
    def add(nodes: _Nodes, symbol: Symbol, inputs: Sequence[str]) -> str:
        reduced = nodes.add(op, inputs[0], nodes.integers(symbol.rank), keepdims=0)
        return reduced if symbol.rank == OBJECTS else nodes.row(reduced)

    return add


def _nth_last(nodes: _Nodes, symbol: Symbol, inputs: Sequence[str]) -> str:
    index = int(dict(symbol.attributes)["index"])
    n_wanted = nodes.add("Min", nodes.integers(index + 1), nodes.width(inputs[0]))
    ordered = nodes.add("TopK", inputs[0], n_wanted, axis=1, largest=1, sorted=1, n_unused=1)
    return nodes.row(nodes.add("Gather", ordered, nodes.integers(-1), axis=1))


def _count_last(nodes: _Nodes, symbol: Symbol, inputs: Sequence[str]) -> str:
    axis = nodes.graph.constant(np.array(1, np.int64), f"{SCOPE}/whole")
    return nodes.add("CumSum", inputs[0], axis, reverse=int(dict(symbol.attributes)["reverse"]))


def _first_last(nodes: _Nodes, symbol: Symbol, inputs: Sequence[str]) -> str:
    numbers = nodes.add("Cast", inputs[0], to=ELEMENT_TYPES["float32"])
    return nodes.add("ArgMax", numbers, axis=1, keepdims=1)


def _take_last(nodes: _Nodes, symbol: Symbol, inputs: Sequence[str]) -> str:
    return nodes.row(nodes.add("GatherElements", *inputs, axis=1))


def _pick_last(nodes: _Nodes, symbol: Symbol, inputs: Sequence[str]) -> str:
    index = int(dict(symbol.attributes)["index"])
    last = nodes.add("Sub", nodes.width(inputs[0]), nodes.integers(1))
    position = nodes.add("Min", nodes.integers(index), last)
    return nodes.row(nodes.add("Gather", inputs[0], position, axis=1))


_OPERATORS: dict[str, Add] = {
    names.EXPAND: _expand,
    names.AS_FIRST: _as_first,
    names.AS_SECOND: _as_second,
    names.POSITIONS: _positions,
    names.SUM_LAST: _reduce("ReduceSum"),
    names.MAX_LAST: _reduce("ReduceMax"),
    names.NTH_LAST: _nth_last,
    names.COUNT_LAST: _count_last,
    names.FIRST_LAST: _first_last,
    names.TAKE_LAST: _take_last,
    names.PICK_LAST: _pick_last,
}
