"""The array functions of `core.namespace` over symbols of an ONNX graph.

Where ONNX has no such operator, or ONNX Runtime no float64 kernel for it, `decompositions` builds the
function out of those that exist.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from rapidity.artefact import decompositions
from rapidity.artefact.symbols import EVENTS, OBJECTS, PAIRS, Operand, Symbol, SymbolPool
from rapidity.core.jagged import PaddedObjects

if TYPE_CHECKING:
    from collections.abc import Callable

_OPERATORS = {
    "absolute": "Abs", "sign": "Sign", "floor": "Floor", "ceil": "Ceil", "sqrt": "Sqrt", "exp": "Exp",
    "log": "Log", "tanh": "Tanh",
}  # fmt: skip
"""NumPy name -> ONNX operator, where ONNX Runtime's float64 kernel does the same."""

_TESTS = {"isnan": "IsNaN", "isinf": "IsInf"}

_DECOMPOSED: dict[str, Callable[..., Symbol]] = {
    "sin": decompositions.sin,
    "cos": decompositions.cos,
    "tan": decompositions.tan,
    "arcsin": decompositions.arcsin,
    "arccos": decompositions.arccos,
    "arctan": decompositions.arctan,
    "arctan2": decompositions.arctan2,
    "sinh": decompositions.sinh,
    "cosh": decompositions.cosh,
    "arcsinh": decompositions.arcsinh,
    "log10": decompositions.log10,
    "log1p": decompositions.log1p,
    "hypot": decompositions.hypot,
    "minimum": decompositions.minimum,
    "maximum": decompositions.maximum,
}


EXPAND, AS_FIRST, AS_SECOND, POSITIONS = "expand", "as first", "as second", "positions"
SUM_LAST, MAX_LAST, COUNT_LAST, NTH_LAST = "sum last", "max last", "count last", "nth last"
FIRST_LAST, TAKE_LAST, PICK_LAST = "first last", "take last", "pick last"
OBJECT_OPERATORS = {
    EXPAND, AS_FIRST, AS_SECOND, POSITIONS, SUM_LAST, MAX_LAST, COUNT_LAST, NTH_LAST, FIRST_LAST, TAKE_LAST,
    PICK_LAST,
}  # fmt: skip
"""What is done along the objects of events; `object_emission` has the ONNX operators of each."""


class OnnxNamespace(SymbolPool):
    """An `ArrayNamespace` whose values are symbols; numbers alone are computed at once.

    Also an `ObjectNamespace`: `objects` gives the columns of collections.

    Examples
    --------
    >>> xp = OnnxNamespace()
    >>> xp.sqrt(xp.column("px") ** 2 + 1.0)
    Sqrt(Add(Mul(<px>, <px>), <1.0>))
    """

    pi = math.pi

    def __getattr__(self, name: str) -> Callable[..., Any]:
        """Return an elementwise function by its NumPy name."""
        if name in _OPERATORS:
            return self._on_numbers(name, lambda value: self.operation(_OPERATORS[name], value))
        if name in _TESTS:
            return self._on_numbers(
                name, lambda value: self.operation(_TESTS[name], value, is_condition=True)
            )
        if name in _DECOMPOSED:
            return self._on_numbers(name, _DECOMPOSED[name])
        message = f"the ONNX namespace has no function '{name}'"
        raise AttributeError(message)

    def _on_numbers(self, name: str, build: Callable[..., Symbol]) -> Callable[..., Any]:
        def function(*values: Operand) -> Any:
            if not any(isinstance(value, Symbol) for value in values):
                return getattr(np, name)(*values)
            return build(*(self.as_number(value) for value in values))

        return function

    def where(self, condition: Operand, a: Operand, b: Operand) -> Symbol:
        """Return `a` where the condition holds, else `b`."""
        chosen, other = self.symbol(a), self.symbol(b)
        if not (chosen.is_condition and other.is_condition):
            chosen, other = self.as_number(chosen), self.as_number(other)
        return self.operation(
            "Where", self.as_condition(condition), chosen, other, is_condition=chosen.is_condition
        )

    def logical_and(self, a: Operand, b: Operand) -> Symbol:
        """Return whether both hold."""
        return self.logic("And", self.as_condition(a), self.as_condition(b))

    def logical_or(self, a: Operand, b: Operand) -> Symbol:
        """Return whether one holds."""
        return self.logic("Or", self.as_condition(a), self.as_condition(b))

    def logical_not(self, a: Operand) -> Symbol:
        """Return whether it does not hold."""
        return self.logic("Not", self.as_condition(a))

    def objects(self, name: str, collection: str) -> PaddedObjects:
        """Return a raw column with a value for each object of a collection."""
        return PaddedObjects(self.object_column(name, collection), self.is_object(collection), collection)

    def expand(self, value: Operand) -> Operand:
        """Return values of events beside their objects, those of objects beside their pairs."""
        if not isinstance(value, Symbol) or value.rank == 0:
            return value
        return self.operation(EXPAND, value, is_condition=value.is_condition, rank=value.rank + 1)

    def as_first(self, value: Operand) -> Operand:
        """Return values of objects as those of the first ones of pairs."""
        return self._of_pairs(AS_FIRST, value)

    def as_second(self, value: Operand) -> Operand:
        """Return values of objects as those of the second ones of pairs."""
        return self._of_pairs(AS_SECOND, value)

    def _of_pairs(self, op: str, value: Operand) -> Operand:
        if not isinstance(value, Symbol) or value.rank == 0:
            return value
        return self.operation(op, value, is_condition=value.is_condition, rank=PAIRS)

    def positions(self, objects: Symbol) -> Symbol:
        """Return the position of each object in its event, from 0."""
        return self.operation(POSITIONS, objects, rank=OBJECTS)

    def sum_last(self, values: Symbol) -> Symbol:
        """Return the sum along the last axis."""
        return self.operation(SUM_LAST, values, rank=values.rank - 1)

    def max_last(self, values: Symbol) -> Symbol:
        """Return the maximum along the last axis; there must be no NaN."""
        return self.operation(MAX_LAST, values, rank=values.rank - 1)

    def nth_last(self, values: Symbol, index: int) -> Symbol:
        """Return the value at `index` in falling order; the smallest if there are fewer."""
        return self.operation(NTH_LAST, values, rank=EVENTS, index=index)

    def count_last(self, conditions: Symbol, *, from_end: bool) -> Symbol:
        """Return how many conditions hold up to and with each object."""
        return self.operation(COUNT_LAST, self.as_number(conditions), rank=OBJECTS, reverse=int(from_end))

    def first_last(self, conditions: Symbol) -> Symbol:
        """Return the position of the first that holds, for `take_last`; 0 if none does."""
        return self.operation(FIRST_LAST, conditions, rank=EVENTS)

    def take_last(self, values: Symbol, position: Symbol | int) -> Symbol:
        """Return the value at a position, which may be a plain number: anything if there is none so far."""
        if isinstance(position, Symbol):
            return self.operation(TAKE_LAST, values, position, rank=EVENTS)
        return self.operation(PICK_LAST, values, rank=EVENTS, index=position)
