"""From symbols to nodes: features computed alike become one matrix operation with vectors of constants.

A table of 49 standardised columns is then a handful of nodes instead of hundreds. Values are matrices
``(n_features, n)``, one feature a row, so that the constants of a feature are next to each other; or
images ``(n, height, width, n_channels)``, whose constants lie along the last axis. Values of objects,
``(n, n_objects)``, and of pairs are computed one by one (`object_emission`); what is made of them for each
event is a row as any other.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from rapidity.artefact.namespace import OBJECT_OPERATORS
from rapidity.artefact.object_emission import add_object_operator, add_object_source
from rapidity.artefact.symbols import COLUMN, CONSTANT, EVENTS, IS_OBJECT, OBJECT_COLUMN, Symbol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from rapidity.artefact.columns import ColumnSource
    from rapidity.artefact.graph import GraphBuilder

SCOPE = "preparation"
Structure = tuple[tuple[object, ...], ...]


@dataclass(frozen=True)
class Layout:
    """How features that are computed together lie beside each other.

    Attributes
    ----------
    axis
        The axis of the features.
    """

    axis: int
    dtype: str

    def constant(self, values: NDArray[Any]) -> NDArray[Any]:
        """Return the constants of all features, ``(n_features,)``, in the shape that fits."""
        return values[:, np.newaxis] if self.axis == 0 else values


ROWS = Layout(axis=0, dtype="float64")
CHANNELS = {dtype: Layout(axis=3, dtype=dtype) for dtype in ("float32", "float64")}


class Emitter:
    """Adds the nodes of features, or of channels, to a graph."""

    def __init__(self, graph: GraphBuilder, source: ColumnSource, layout: Layout = ROWS) -> None:
        self.graph, self.source, self.layout = graph, source, layout
        self._emitted: dict[tuple[int, ...], str] = {}

    def emit_features(self, features: Sequence[Symbol]) -> str:
        """Return the value of all features in their order, ``(n_features, n)`` or as the layout says."""
        groups: dict[Structure, list[Symbol]] = {}
        distinct = {symbol.number: _depend_on_a_column(symbol) for symbol in features}
        for symbol in distinct.values():
            groups.setdefault(structure_of(symbol), []).append(symbol)
        blocks = [self._emit(tuple(group)) for group in groups.values()]
        rows = (
            blocks[0]
            if len(blocks) == 1
            else self.graph.add("Concat", blocks, scope=SCOPE, axis=self.layout.axis)
        )
        position = {
            symbol.number: row
            for row, symbol in enumerate(symbol for group in groups.values() for symbol in group)
        }
        order = [position[distinct[symbol.number].number] for symbol in features]
        if order == list(range(len(position))):
            return rows
        index = self.graph.constant(np.array(order, np.int64), f"{SCOPE}/order")
        return self.graph.add("Gather", [rows, index], scope=SCOPE, axis=self.layout.axis)

    def emit_value(self, symbol: Symbol) -> str:
        """Return the value of one symbol: of objects ``(n, n_objects + 1)``, of events ``(1, n)``."""
        return self._emit((symbol,))

    def _emit(self, symbols: tuple[Symbol, ...]) -> str:
        """Return the value of symbols of one structure, one a row; equal ones stand in a single row."""
        key = tuple(symbol.number for symbol in symbols)
        if len(set(key)) == 1:
            symbols, key = symbols[:1], key[:1]
        if key not in self._emitted:
            self._emitted[key] = self._emit_new(symbols)
        return self._emitted[key]

    def _emit_new(self, symbols: tuple[Symbol, ...]) -> str:
        first = symbols[0]
        if _comes_from_objects(first):
            rows = [self._emit_alone(symbol) for symbol in symbols]
            return rows[0] if len(rows) == 1 else self.graph.add("Concat", rows, scope=SCOPE, axis=0)
        if first.op == COLUMN:
            return self.source.stack(tuple(symbol.name for symbol in symbols))
        if first.op == CONSTANT:
            dtype = np.dtype(np.bool_ if first.is_condition else self.layout.dtype)
            values: NDArray[Any] = np.array([symbol.value for symbol in symbols], dtype)
            shaped = values.reshape(()) if len(values) == 1 else self.layout.constant(values)
            return self.graph.constant(shaped, f"{SCOPE}/constant")
        inputs = [self._emit(tuple(symbol.inputs[i] for symbol in symbols)) for i in range(len(first.inputs))]
        attributes: dict[str, Any] = dict(first.attributes)
        return self.graph.add(first.op, inputs, scope=SCOPE, **attributes)

    def _emit_alone(self, symbol: Symbol) -> str:
        """Return the value of a column of objects, or of something done along objects."""
        key = (symbol.number,)
        if key not in self._emitted:
            if symbol.op in (OBJECT_COLUMN, IS_OBJECT):
                self._emitted[key] = add_object_source(self.graph, self.source, symbol)
            else:
                inputs = [self._emit((inner,)) for inner in symbol.inputs]
                self._emitted[key] = add_object_operator(self.graph, symbol, inputs)
        return self._emitted[key]


def _comes_from_objects(symbol: Symbol) -> bool:
    return symbol.op in OBJECT_OPERATORS or symbol.op in (OBJECT_COLUMN, IS_OBJECT)


def structure_of(symbol: Symbol) -> Structure:
    """Return what is computed, without which columns and which constants.

    Features of the same structure can be computed as the rows of one matrix.

    Examples
    --------
    >>> from rapidity.artefact.namespace import OnnxNamespace
    >>> xp = OnnxNamespace()
    >>> a, b = xp.column("a"), xp.column("b")
    >>> structure_of((a - 1.0) / 2.0) == structure_of((b - 3.0) / 4.0)
    True
    >>> structure_of(a * a) == structure_of(a * b)
    False
    """
    places: dict[int, int] = {}
    steps: list[tuple[object, ...]] = []

    def visit(current: Symbol) -> object:
        if current.op == CONSTANT:
            return "condition" if current.is_condition else "number"
        if _comes_from_objects(current):
            places.setdefault(current.number, len(steps))
            if places[current.number] == len(steps):
                steps.append((EVENTS, current.is_condition))
            return places[current.number]
        if current.number not in places:
            inputs = tuple(visit(inner) for inner in current.inputs)
            places[current.number] = len(steps)
            steps.append((current.op, current.attributes, *inputs))
        return places[current.number]

    steps_end = visit(symbol)
    return (*steps, (steps_end,))


def _depend_on_a_column(symbol: Symbol) -> Symbol:
    """Return the feature as a number; one that is the same for every event still needs a row of n values."""
    number = symbol.pool.as_number(symbol)
    if number.op == CONSTANT:
        message = "a feature depends on no column"
        raise ValueError(message)
    if number.rank > EVENTS:
        message = "a feature has a value for each object; it needs one value an event"
        raise ValueError(message)
    return number
