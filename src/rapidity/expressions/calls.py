"""Reading calls: which function is meant, and whether the arguments are what it takes."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from rapidity.core.errors import ExpressionError, closest, shorten
from rapidity.expressions.functions import COLLECTION_FUNCTIONS, FUNCTIONS, find_function
from rapidity.expressions.pruning import given_components, missing_for, name_of, prune
from rapidity.expressions.source import excerpt
from rapidity.expressions.terms import apply, convert
from rapidity.expressions.tree import EVENT, SELECTION, Constant, Operation, Shape, Term
from rapidity.physics.event_shapes import MAX_ORDER

if TYPE_CHECKING:
    from collections.abc import Callable

    from rapidity.expressions.function import ArgumentKind, Function
    from rapidity.expressions.parser import Parser

MAX_INDEX = {"fox_wolfram": MAX_ORDER}
"""Function -> the largest index that it takes; others take any."""


class CallReader:
    """Reads calls for a `Parser`, which reads the arguments."""

    def __init__(self, parser: Parser) -> None:
        self.parser = parser

    def read(self, node: ast.Call) -> Term:
        """Return the operation that a call means."""
        name = self._name(node)
        function = find_function(name, len(node.args))
        if node.keywords:
            raise self._error(node, f"{name} takes no named arguments", f"Write {function.signature}")
        if not function.n_min <= len(node.args) <= function.n_max:
            found = f"{name} does not take {len(node.args)} arguments"
            raise self._error(node, found, f"Write {_signatures(name)}")
        arguments = tuple(
            self._argument(name, function, function.argument_kind(index, len(node.args)), argument)
            for index, argument in enumerate(node.args)
        )
        self._check_components(function, node, arguments)
        if function.needs_collection and all(term.shape == EVENT for term in arguments):
            raise self._no_collection(node, name, function)
        operation = apply(name, *arguments, shape=self._shape(node, function, arguments))
        return prune(operation) if isinstance(operation, Operation) else operation

    def _name(self, node: ast.Call) -> str:
        if not isinstance(node.func, ast.Name):
            found = f"'{excerpt(node.func)}' cannot be called"
            raise self._error(node, found, "Call a function by its plain name")
        name, _ = self.parser.source.identifier(node.func)
        if name in FUNCTIONS:
            return name
        near = closest(name, FUNCTIONS)
        hint = f"Did you mean '{near[0]}'? Known" if near else "Known"
        raise self._error(node, f"unknown function '{name}'", f"{hint}: {shorten(FUNCTIONS, len(FUNCTIONS))}")

    def _shape(self, node: ast.Call, function: Function, arguments: tuple[Term, ...]) -> Shape:
        if function.scope == "event":
            return arguments[0].shape if function.keeps_objects else EVENT
        joined = self.parser.join(node, arguments)
        return joined if function.scope == "value" else EVENT

    def _argument(self, called: str, function: Function, kind: ArgumentKind, node: ast.expr) -> Term:
        """Return an argument of a function as the kind that it must be."""
        readers: dict[ArgumentKind, Callable[[str, Function, ast.expr], Term]] = {
            "object": self._object,
            "objects": self._object,
            "collection": self._collection,
            "angle": self._angle,
            "index": self._index,
            "event number": self._event_number,
            "members": self._members,
            "member numbers": self._member_numbers,
            "member conditions": self._member_conditions,
            "members or objects": self._members_or_objects,
        }
        if kind == "number" or kind == "condition":  # noqa: PLR1714 - mypy understands this one
            return self.parser.value(node, kind)
        return readers[kind](called, function, node)

    def _object(self, called: str, function: Function, node: ast.expr) -> Term:
        if isinstance(node, ast.Name) and self.parser.source.identifier(node)[0] not in self.parser.objects:
            raise self._not_an_object(called, node)
        term = self.parser.term(node)
        if term.kind != "object":
            raise self._not_an_object(called, node)
        return term

    def _collection(self, called: str, function: Function, node: ast.expr) -> Term:
        term = self._object(called, function, node)
        if term.shape.collection is None:
            found = f"{called} needs a collection here, and '{excerpt(node)}' is one object an event"
            raise self._error(node, found, f"Write {function.signature}; of two objects, delta_r(a, b)")
        return term

    def _angle(self, called: str, function: Function, node: ast.expr) -> Term:
        term = self.parser.term(node)
        return term if term.kind == "object" else convert(term, "number")

    def _index(self, called: str, function: Function, node: ast.expr) -> Term:
        # `parser` folds -1 into a constant.
        term = self.parser.term(node)
        largest = MAX_INDEX.get(called)
        value = term.value if isinstance(term, Constant) else None
        if type(value) is int and value >= 0 and (largest is None or value <= largest):
            return term
        limits = "0, 1, 2, ..." if largest is None else f"from 0 to {largest}"
        found = f"{called} needs a whole number, and '{excerpt(node)}' is none of {limits}"
        raise self._error(node, found, f"Write {function.signature}, with the number itself")

    def _event_number(self, called: str, function: Function, node: ast.expr) -> Term:
        term = self.parser.value(node, "number")
        if term.shape.collection is None:
            return term
        raise self._error(
            node, f"{called} needs one number an event here, and '{excerpt(node)}' has one for each "
            f"object of '{term.shape.collection}'",
            f"Reduce it with sum, max, [0] and so on: max({excerpt(node)})",
        )  # fmt: skip

    def _members(self, called: str, function: Function, node: ast.expr) -> Term:
        term = self._several(called, self.parser.term(node), node)
        if term.kind != "condition":
            return term
        selection = Shape(term.shape.collection, (*term.shape.selection, term))
        return Operation(SELECTION, (term, term), selection)

    def _member_numbers(self, called: str, function: Function, node: ast.expr) -> Term:
        return self._several(called, self.parser.value(node, "number"), node)

    def _member_conditions(self, called: str, function: Function, node: ast.expr) -> Term:
        return self._several(called, self.parser.value(node, "condition"), node)

    def _members_or_objects(self, called: str, function: Function, node: ast.expr) -> Term:
        term = self.parser.term(node)
        return self._several(called, term if term.kind == "object" else convert(term, "number"), node)

    def _several(self, called: str, term: Term, node: ast.expr) -> Term:
        """Return the term if it has a value for each object; there is nothing to reduce otherwise."""
        if term.shape.collection is not None:
            return term
        written = excerpt(node)
        advice = f"Use '{written}' as it is, or a column with several values"
        if called in ("min", "max"):
            advice = f"For the extreme of several numbers write {FUNCTIONS[called].signature}"
        raise self._error(
            node, f"{called} makes one value an event out of one for each object, and '{written}' has one "
            "value an event already", advice,
        )  # fmt: skip

    def _check_components(self, function: Function, node: ast.Call, arguments: tuple[Term, ...]) -> None:
        """Raise an ExpressionError if an object cannot give what the function needs."""
        needs = function.sum_needs if function.sum_needs and len(arguments) > 1 else function.needs
        for term, written in zip(arguments, node.args, strict=True):
            for need in needs if term.kind == "object" else ():
                missing = missing_for(term, need)
                if missing:
                    name = name_of(term)
                    given = shorten(self.parser.objects.get(name, given_components(term)))
                    found = f"{need} of object '{name}' does not follow from {given}"
                    raise self._error(written, found, f"Add to data.objects.{name}: {'; '.join(missing)}")

    def _not_an_object(self, called: str, node: ast.expr) -> ExpressionError:
        objects = self.parser.objects
        name = self.parser.source.identifier(node)[0] if isinstance(node, ast.Name) else ""
        near = closest(name, objects)
        hint = f"Did you mean '{near[0]}'? " if near else ""
        known = shorten(objects) if objects else "none. Declare them in data.objects"
        return self._error(
            node, f"{called} needs an object, and '{excerpt(node)}' is none", f"{hint}Objects: {known}"
        )

    def _no_collection(self, node: ast.Call, name: str, function: Function) -> ExpressionError:
        found = f"{name} takes all pairs of objects, but no collection is given"
        single = name.split("_", maxsplit=1)[1] if name.startswith(("min_", "max_")) else "mass"
        return self._error(node, found, f"Write {function.signature}; of two objects, {single}(a, b)")

    def _error(self, node: ast.expr, found: str, advice: str) -> ExpressionError:
        return self.parser.source.error(node, found, advice)


def _signatures(name: str) -> str:
    """Return the ways to write a function."""
    alone = COLLECTION_FUNCTIONS.get(name, FUNCTIONS[name])
    ways = dict.fromkeys((FUNCTIONS[name].signature, alone.signature))
    return " or ".join(ways)
