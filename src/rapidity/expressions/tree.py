"""The tree of a parsed expression, and its evaluation over any array namespace."""

from __future__ import annotations

import operator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rapidity.expressions.functions import FUNCTIONS, Kind
from rapidity.physics.momentum import Momentum

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from rapidity.core.namespace import ArrayNamespace

Value = Any


def _power(xp: ArrayNamespace, base: Value, exponent: Value) -> Value:
    # NumPy refuses negative powers of integers, and overflows silently in positive ones.
    return (base * 1.0) ** exponent


def _of(function: Callable[..., Value]) -> Callable[..., Value]:
    """Return a Python operator as a function of namespace and operands."""
    return lambda xp, *values: function(*values)


OPERATORS: dict[str, tuple[Callable[..., Value], Kind, Kind]] = {
    # name: (compute, kind of the operands, kind of the result)
    "+": (_of(operator.add), "number", "number"),
    "-": (_of(operator.sub), "number", "number"),
    "*": (_of(operator.mul), "number", "number"),
    "/": (_of(operator.truediv), "number", "number"),
    "//": (_of(operator.floordiv), "number", "number"),
    "%": (_of(operator.mod), "number", "number"),
    "**": (_power, "number", "number"),
    "negative": (_of(operator.neg), "number", "number"),
    "<": (_of(operator.lt), "number", "condition"),
    "<=": (_of(operator.le), "number", "condition"),
    ">": (_of(operator.gt), "number", "condition"),
    ">=": (_of(operator.ge), "number", "condition"),
    "==": (_of(operator.eq), "number", "condition"),
    "!=": (_of(operator.ne), "number", "condition"),
    "and": (lambda xp, a, b: xp.logical_and(a, b), "condition", "condition"),
    "or": (lambda xp, a, b: xp.logical_or(a, b), "condition", "condition"),
    "not": (lambda xp, a: xp.logical_not(a), "condition", "condition"),
    "to number": (lambda xp, a: xp.where(a, 1.0, 0.0), "condition", "number"),
}


@dataclass(frozen=True)
class Column:
    """A raw column."""

    name: str
    kind: Kind = "number"


@dataclass(frozen=True)
class Constant:
    """A number or truth value that is the same for every event."""

    value: float | int | bool

    @property
    def kind(self) -> Kind:
        """A truth value is a condition."""
        return "condition" if isinstance(self.value, bool) else "number"


@dataclass(frozen=True)
class ObjectTerm:
    """An object: its components by name."""

    name: str
    components: tuple[tuple[str, Term], ...]


@dataclass(frozen=True)
class Operation:
    """An operator or function applied to arguments."""

    function: str
    arguments: tuple[Term | ObjectTerm, ...]

    @property
    def kind(self) -> Kind:
        """What comes out."""
        return OPERATORS[self.function][2] if self.function in OPERATORS else FUNCTIONS[self.function].result

    @property
    def compute(self) -> Callable[..., Value]:
        """The implementation, ``(xp, *arguments)``."""
        if self.function in OPERATORS:
            return OPERATORS[self.function][0]
        return FUNCTIONS[self.function].compute


Term = Column | Constant | Operation


def evaluate(term: Term | ObjectTerm, columns: Mapping[str, Value], xp: ArrayNamespace) -> Value:
    """Return the values of a term; an object becomes a `Momentum`."""
    match term:
        case Column(name):
            return columns[name]
        case Constant(value):
            return value
        case ObjectTerm(_, components):
            return Momentum({name: evaluate(inner, columns, xp) for name, inner in components}, xp)
        case Operation(_, arguments):
            return term.compute(xp, *(evaluate(argument, columns, xp) for argument in arguments))


def column_names(term: Term | ObjectTerm) -> Iterator[str]:
    """Yield the columns in the order of appearance, repeated ones again."""
    match term:
        case Column(name):
            yield name
        case ObjectTerm(_, components):
            for _, inner in components:
                yield from column_names(inner)
        case Operation(_, arguments):
            for argument in arguments:
                yield from column_names(argument)
        case Constant():
            return
