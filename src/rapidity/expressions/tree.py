"""The tree of a parsed expression; `evaluation` computes it."""

from __future__ import annotations

import operator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from rapidity.expressions.functions import find_function

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rapidity.core.namespace import ArrayNamespace
    from rapidity.expressions.function import Function, Kind

Value = Any

ELEMENT, SELECTION = "[index]", "[condition]"
"""The operations ``x[0]`` and ``x[x > 30]``."""


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
class Shape:
    """Whether a term has one value an event or one for each object, and of which objects.

    Attributes
    ----------
    collection
        The collection; None for one value an event.
    selection
        The conditions that the objects hold, in the order of appearance.
    """

    collection: str | None = None
    selection: tuple[Term, ...] = ()

    def covers(self, other: Shape) -> bool:
        """Return whether every object of `other` has a value here."""
        return self.collection == other.collection and set(self.selection) <= set(other.selection)


EVENT = Shape()


@dataclass(frozen=True)
class Column:
    """A raw column; with a collection, it has a value for each object of it."""

    name: str
    kind: Kind = "number"
    collection: str | None = None

    @property
    def shape(self) -> Shape:
        """Of the whole collection."""
        return Shape(self.collection)


@dataclass(frozen=True)
class Constant:
    """A number or truth value that is the same for every event."""

    value: float | int | bool

    @property
    def kind(self) -> Kind:
        """A truth value is a condition."""
        return "condition" if isinstance(self.value, bool) else "number"

    @property
    def shape(self) -> Shape:
        """One value an event."""
        return EVENT


@dataclass(frozen=True)
class ObjectTerm:
    """An object, or a collection of them: its components by name."""

    name: str
    components: tuple[tuple[str, Term], ...]
    shape: Shape = field(default=EVENT, compare=False)

    @property
    def kind(self) -> Kind:
        """An object."""
        return "object"


@dataclass(frozen=True)
class Operation:
    """An operator or function applied to arguments.

    Attributes
    ----------
    shape
        Follows from the arguments; `parser` works it out.
    """

    function: str
    arguments: tuple[Term, ...]
    shape: Shape = field(default=EVENT, compare=False)

    @property
    def kind(self) -> Kind:
        """What comes out."""
        if self.function in (ELEMENT, SELECTION):
            return self.arguments[0].kind
        if self.function in OPERATORS:
            return OPERATORS[self.function][2]
        return self.arguments[0].kind if self.definition.result == "object" else self.definition.result

    @property
    def definition(self) -> Function:
        """The function of the language that is called; operators have none."""
        return find_function(self.function, len(self.arguments))

    @property
    def compute(self) -> Callable[..., Value]:
        """The implementation, ``(xp, *arguments)``."""
        if self.function in OPERATORS:
            return OPERATORS[self.function][0]
        return self.definition.compute


Term = Column | Constant | ObjectTerm | Operation


def columns_of(term: Term) -> Iterator[Column]:
    """Yield the columns in the order of appearance, repeated ones again."""
    match term:
        case Column():
            yield term
        case ObjectTerm(_, components):
            for _, inner in components:
                yield from columns_of(inner)
        case Operation(_, arguments):
            for argument in arguments:
                yield from columns_of(argument)
        case Constant():
            return
