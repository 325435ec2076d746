"""Values of a graph that is still to be written: columns, constants and operations on them.

A `Symbol` has one value an event, or one for each object of the events, or for each pair of them (`rank`);
these meet in `artefact.namespace` alone, where one is expanded to the other or reduced to it.

A `Symbol` behaves as a NumPy array of numbers or truth values does, but remembers what would be
computed. Equal operations on equal values are one symbol, so nothing is computed twice.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

Number = float | int | bool | np.generic
Attributes = tuple[tuple[str, int | float], ...]

COLUMN, CONSTANT = "column", "constant"
OBJECT_COLUMN, IS_OBJECT = "object column", "is object"
"""The values of a column for each object, and where there is one."""

EVENTS, OBJECTS, PAIRS = 1, 2, 3
"""Ranks: one value an event, each object, each pair; a constant has rank 0."""


class Symbol:
    """One value: a column, a constant, or an ONNX operator applied to symbols.

    Attributes
    ----------
    op
        ONNX operator, one of `namespace.OBJECT_OPERATORS`, or `COLUMN`, `CONSTANT`, `OBJECT_COLUMN`,
        `IS_OBJECT`.
    name
        Of a column.
    collection
        Of a column with a value for each object.
    rank
        `EVENTS`, `OBJECTS` or `PAIRS`; 0 for a constant.
    value
        Of a constant.
    number
        Position in the pool; stands for the identity of the symbol.
    is_condition
        Truth values instead of float64.
    """

    __array_ufunc__ = None  # NumPy numbers leave the operators to us
    __slots__ = (
        "attributes", "collection", "inputs", "is_condition", "name", "number", "op", "pool", "rank", "value",
    )  # fmt: skip

    def __init__(  # noqa: PLR0913 - called in one place, `SymbolPool`
        self,
        pool: SymbolPool,
        number: int,
        op: str,
        inputs: tuple[Symbol, ...] = (),
        attributes: Attributes = (),
        *,
        name: str = "",
        collection: str = "",
        value: float | bool = 0.0,
        is_condition: bool = False,
        rank: int = 0,
    ) -> None:
        self.pool, self.number = pool, number
        self.op, self.inputs, self.attributes = op, inputs, attributes
        self.name, self.value, self.is_condition = name, value, is_condition
        self.collection, self.rank = collection, rank

    def __repr__(self) -> str:
        if not self.inputs:
            return f"<{self.name or self.collection or self.value}>"
        return f"{self.op}({', '.join(map(repr, self.inputs))})"

    def __bool__(self) -> bool:
        message = "a value of an ONNX graph has no truth value; use where(condition, a, b)"
        raise TypeError(message)

    __hash__ = object.__hash__

    def __add__(self, other: Operand) -> Symbol:
        return self.pool.arithmetic("Add", self, other)

    def __radd__(self, other: Operand) -> Symbol:
        return self.pool.arithmetic("Add", other, self)

    def __sub__(self, other: Operand) -> Symbol:
        return self.pool.arithmetic("Sub", self, other)

    def __rsub__(self, other: Operand) -> Symbol:
        return self.pool.arithmetic("Sub", other, self)

    def __mul__(self, other: Operand) -> Symbol:
        return self.pool.arithmetic("Mul", self, other)

    def __rmul__(self, other: Operand) -> Symbol:
        return self.pool.arithmetic("Mul", other, self)

    def __truediv__(self, other: Operand) -> Symbol:
        return self.pool.arithmetic("Div", self, other)

    def __rtruediv__(self, other: Operand) -> Symbol:
        return self.pool.arithmetic("Div", other, self)

    def __mod__(self, other: Operand) -> Symbol:
        return floor_mod(self, self.pool.symbol(other))

    def __rmod__(self, other: Operand) -> Symbol:
        return floor_mod(self.pool.symbol(other), self)

    def __floordiv__(self, other: Operand) -> Symbol:
        return floor_divide(self, self.pool.symbol(other))

    def __rfloordiv__(self, other: Operand) -> Symbol:
        return floor_divide(self.pool.symbol(other), self)

    def __pow__(self, other: Operand) -> Symbol:
        # NumPy takes these short ways for a plain number in the exponent.
        short_ways: dict[float, Callable[[], Symbol]] = {
            1.0: lambda: self,
            2.0: lambda: self * self,
            0.5: lambda: self.pool.operation("Sqrt", self),
            -1.0: lambda: 1.0 / self,
        }
        if not isinstance(other, Symbol) and float(other) in short_ways:
            return short_ways[float(other)]()
        return self.pool.arithmetic("Pow", self, other)

    def __rpow__(self, other: Operand) -> Symbol:
        return self.pool.arithmetic("Pow", other, self)

    def __neg__(self) -> Symbol:
        return self.pool.operation("Neg", self.pool.as_number(self))

    def __pos__(self) -> Symbol:
        return self

    def __abs__(self) -> Symbol:
        return self.pool.operation("Abs", self.pool.as_number(self))

    def __lt__(self, other: Operand) -> Symbol:
        return self.pool.compare("Less", self, other)

    def __le__(self, other: Operand) -> Symbol:
        return self.pool.compare("LessOrEqual", self, other)

    def __gt__(self, other: Operand) -> Symbol:
        return self.pool.compare("Greater", self, other)

    def __ge__(self, other: Operand) -> Symbol:
        return self.pool.compare("GreaterOrEqual", self, other)

    def __eq__(self, other: Operand) -> Any:  # type: ignore[override]
        return self.pool.compare("Equal", self, other)

    def __ne__(self, other: Operand) -> Any:  # type: ignore[override]
        return self.pool.logic("Not", self.pool.compare("Equal", self, other))

    def __and__(self, other: Operand) -> Symbol:
        return self.pool.logic("And", self, other)

    __rand__ = __and__

    def __or__(self, other: Operand) -> Symbol:
        return self.pool.logic("Or", self, other)

    __ror__ = __or__

    def __invert__(self) -> Symbol:
        return self.pool.logic("Not", self)


Operand = Symbol | Number


class SymbolPool:
    """Keeps one symbol for each different value."""

    def __init__(self) -> None:
        self._known: dict[tuple[object, ...], Symbol] = {}

    def column(self, name: str) -> Symbol:
        """Return the float64 values of a raw column."""
        return self._intern((COLUMN, name), COLUMN, name=name, rank=EVENTS)

    def object_column(self, name: str, collection: str) -> Symbol:
        """Return the float64 values of a raw column for each object of a collection."""
        key = (OBJECT_COLUMN, name, collection)
        return self._intern(key, OBJECT_COLUMN, name=name, collection=collection, rank=OBJECTS)

    def is_object(self, collection: str) -> Symbol:
        """Return where there is an object of a collection, and not padding."""
        key = (IS_OBJECT, collection)
        return self._intern(key, IS_OBJECT, collection=collection, is_condition=True, rank=OBJECTS)

    @property
    def has_pairs(self) -> bool:
        """Whether something is computed for each pair of objects."""
        return any(symbol.rank == PAIRS for symbol in self._known.values())

    def constant(self, value: Number) -> Symbol:
        """Return a number or truth value that is the same for every event."""
        if isinstance(value, bool | np.bool_):
            return self._intern((CONSTANT, bool(value)), CONSTANT, value=bool(value), is_condition=True)
        # By its bytes: 0.0 equals -0.0 and NaN does not equal itself.
        key = (CONSTANT, struct.pack("<d", float(value)))
        return self._intern(key, CONSTANT, value=float(value))

    def symbol(self, value: Operand) -> Symbol:
        """Return a number as a symbol; a symbol stays as it is."""
        return value if isinstance(value, Symbol) else self.constant(value)

    def operation(
        self,
        op: str,
        *inputs: Operand,
        is_condition: bool = False,
        rank: int | None = None,
        **attributes: float,
    ) -> Symbol:
        """Return an ONNX operator applied to values; `rank` is that of the values unless given."""
        symbols = tuple(self.symbol(value) for value in inputs)
        listed = tuple(sorted(attributes.items()))
        key = (op, listed, *(symbol.number for symbol in symbols))
        if key in self._known:
            return self._known[key]
        rank = common_rank(op, symbols) if rank is None else rank
        return self._intern(key, op, symbols, listed, is_condition=is_condition, rank=rank)

    def as_number(self, value: Operand) -> Symbol:
        """Return conditions as 1 and 0."""
        symbol = self.symbol(value)
        return self.operation("Where", symbol, 1.0, 0.0) if symbol.is_condition else symbol

    def as_condition(self, value: Operand) -> Symbol:
        """Return numbers as whether they differ from zero."""
        symbol = self.symbol(value)
        return symbol if symbol.is_condition else symbol != 0.0

    def arithmetic(self, op: str, a: Operand, b: Operand) -> Symbol:
        """Return an operator on two numbers."""
        left, right = self.as_number(a), self.as_number(b)
        if op == "Mul" and right.op == CONSTANT and right.value == 1.0:
            return left
        if op == "Mul" and left.op == CONSTANT and left.value == 1.0:
            return right
        return self.operation(op, left, right)

    def compare(self, op: str, a: Operand, b: Operand) -> Symbol:
        """Return a comparison of two numbers."""
        return self.operation(op, self.as_number(a), self.as_number(b), is_condition=True)

    def logic(self, op: str, *values: Operand) -> Symbol:
        """Return And, Or or Not of conditions; numbers are an error, as they would mean bits."""
        symbols = [self.symbol(value) for value in values]
        if not all(symbol.is_condition for symbol in symbols):
            message = f"{op} joins conditions, not numbers; compare them first"
            raise TypeError(message)
        return self.operation(op, *symbols, is_condition=True)

    def _intern(
        self,
        key: tuple[object, ...],
        op: str,
        inputs: tuple[Symbol, ...] = (),
        attributes: Attributes = (),
        **fields: Any,
    ) -> Symbol:
        if key not in self._known:
            self._known[key] = Symbol(self, len(self._known), op, inputs, attributes, **fields)
        return self._known[key]


def common_rank(op: str, symbols: tuple[Symbol, ...]) -> int:
    """Return the rank of the result of an elementwise operator; values of different ranks do not mix."""
    ranks = {symbol.rank for symbol in symbols} - {0}
    if len(ranks) > 1:
        message = f"{op} of values of ranks {sorted(ranks)}: expand those of events first"
        raise TypeError(message)
    return max(ranks, default=0)


def floor_mod(a: Symbol, b: Symbol) -> Symbol:
    """Return the remainder with the sign of the divisor, as NumPy's ``%``."""
    pool = a.pool
    rest = pool.operation("Mod", pool.as_number(a), pool.as_number(b), fmod=1)
    needs_turn = pool.logic("And", rest != 0.0, pool.operation("Xor", rest < 0.0, b < 0.0, is_condition=True))
    return pool.operation("Where", needs_turn, rest + b, rest)


def floor_divide(a: Symbol, b: Symbol) -> Symbol:
    """Return the quotient rounded down, as NumPy's ``//`` (npy_divmod), for zero and infinity too."""
    pool = a.pool
    quotient = (a - floor_mod(a, b)) / b
    floor = pool.operation("Floor", quotient)
    nearest = pool.operation("Where", quotient - floor > 0.5, floor + 1.0, floor)
    # A finite number over an infinite one is 0, or -1 where the signs differ.
    opposite = pool.operation("Xor", a < 0.0, b < 0.0, is_condition=True)
    tiny = pool.operation("Where", pool.logic("And", opposite, a != 0.0), -1.0, 0.0)
    is_finite = pool.operation("Abs", a) < np.inf
    over_infinity = pool.logic("And", pool.operation("IsInf", b, is_condition=True), is_finite)
    return pool.operation("Where", b == 0.0, a / b, pool.operation("Where", over_infinity, tiny, nearest))
