"""From text to a tree: Python's grammar, and an allow-list of what may stand in it. Nothing is executed."""

from __future__ import annotations

import ast
import functools
import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from rapidity.core.errors import ExpressionError, closest, shorten
from rapidity.expressions.calls import CallReader
from rapidity.expressions.functions import CONSTANTS
from rapidity.expressions.shapes import join_shapes
from rapidity.expressions.source import Source, excerpt
from rapidity.expressions.terms import apply, convert
from rapidity.expressions.tree import ELEMENT, SELECTION, Column, Constant, ObjectTerm, Operation, Shape, Term
from rapidity.physics.momentum import COMPONENTS

if TYPE_CHECKING:
    from rapidity.expressions.function import Kind

MAX_DEPTH = 150
"""Levels of nesting; evaluation recurses, and Python's stack ends at 1000."""

_ARITHMETIC: dict[type[ast.operator], str] = {
    ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/", ast.FloorDiv: "//", ast.Mod: "%", ast.Pow: "**",
}  # fmt: skip
_COMPARISONS: dict[type[ast.cmpop], str] = {
    ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">=", ast.Eq: "==", ast.NotEq: "!=",
}  # fmt: skip
_LOGIC: dict[type[ast.operator], str] = {ast.BitAnd: "and", ast.BitOr: "or"}
_ADVICE: dict[type[ast.expr], str] = {
    ast.List: "Lists are not part of the language",
    ast.Tuple: "One expression stands for one number; remove the comma",
    ast.Lambda: "Functions cannot be defined here",
}

Objects = Mapping[str, Mapping[str, str]]
Collections = Mapping[str, str]


def parse(text: str, objects: Objects, collections: Collections) -> Term:
    """Return the tree of an expression; every way to be wrong is an ExpressionError."""
    return Parser(text, objects, collections).parse()


class Parser:
    """One expression on its way to a tree.

    Attributes
    ----------
    source
        The text, which also makes the errors.
    objects
        Object -> component -> column or expression.
    collections
        Column with a value for each object -> its collection.
    """

    def __init__(self, text: str, objects: Objects, collections: Collections) -> None:
        self.source = Source(text)
        self.objects, self.collections = objects, collections
        self._calls = CallReader(self)
        self._depth = 0

    def parse(self) -> Term:
        """Return the tree: numbers or conditions, of events or of objects."""
        try:
            return self.value(self.source.read())
        except (RecursionError, MemoryError) as error:
            raise self.source.error(0, "is nested too deeply", "Split it into several features") from error

    def value(self, node: ast.expr, kind: Kind | None = None) -> Term:
        """Return a term that is a number or a condition, turned into `kind` if given."""
        term = self.term(node)
        if term.kind == "object":
            raise self._bare_object(node, term)
        return term if kind is None else convert(term, kind)

    def term(self, node: ast.expr) -> Term:
        """Return a term of any kind."""
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise self.source.error(node, "is nested too deeply", "Split it into several features")
        try:
            return self._dispatch(node)
        finally:
            self._depth -= 1

    def operation(self, node: ast.expr, function: str, *arguments: Term) -> Term:
        """Return an elementwise operation on values of events, or of the objects of one collection."""
        return apply(function, *arguments, shape=self.join(node, arguments))

    def join(self, node: ast.expr, terms: tuple[Term, ...]) -> Shape:
        """Return what the values of an operation belong to; different objects are an error."""
        return join_shapes(terms, lambda found, advice: self.source.error(node, found, advice))

    def _dispatch(self, node: ast.expr) -> Term:
        readers: dict[type[ast.expr], Callable[[Any], Term]] = {
            ast.Constant: self._constant,
            ast.Name: self._name,
            ast.Attribute: self._dotted,
            ast.Call: self._calls.read,
            ast.UnaryOp: self._unary,
            ast.BinOp: self._binary,
            ast.BoolOp: self._logic,
            ast.Compare: self._compare,
            ast.IfExp: self._choice,
            ast.Subscript: self._subscript,
        }
        if type(node) in readers:
            return readers[type(node)](node)
        advice = _ADVICE.get(type(node), "The guide on expressions lists what is")
        raise self.source.error(node, f"'{excerpt(node)}' is not allowed", advice)

    def _constant(self, node: ast.Constant) -> Constant:
        if isinstance(node.value, bool | int | float):
            too_long = isinstance(node.value, int) and abs(node.value) >= 2**63
            return Constant(float(node.value) if too_long else node.value)
        raise self.source.error(
            node, f"{node.value!r} is not a number", "Only numbers and columns can be computed with. "
            "For a column with an unusual name use backticks, `like this`",
        )  # fmt: skip

    def _column(self, name: str) -> Column:
        return Column(name, collection=self.collections.get(name))

    def _name(self, node: ast.Name) -> Term:
        name, is_quoted = self.source.identifier(node)
        if is_quoted:
            return self._column(name)
        if name in CONSTANTS:
            return Constant(CONSTANTS[name])
        return self._object(name, node) if name in self.objects else self._column(name)

    def _object(self, name: str, node: ast.expr) -> ObjectTerm:
        for component in self.objects[name]:
            if component not in COMPONENTS:
                found = f"object '{name}' has an unknown component '{component}'"
                raise self.source.error(node, found, f"Components are {shorten(COMPONENTS)}")
        components = {key: self._component(name, key) for key in self.objects[name]}
        shape = self.join(node, tuple(components.values()))
        return ObjectTerm(name, tuple(components.items()), shape)

    def _component(self, name: str, component: str) -> Term:
        text = self.objects[name][component]
        try:
            return convert(parse(text, {}, self.collections), "number")
        except ExpressionError as error:
            message = f"data.objects.{name}.{component}: {error}"
            raise ExpressionError(message) from error

    def _bare_object(self, node: ast.expr, term: Term) -> ExpressionError:
        written = excerpt(node)
        if term.shape.collection is None:
            return self.source.error(
                node, f"'{written}' is an object, not a number",
                f"Say which property: pt({written}), mass({written}) and so on",
            )  # fmt: skip
        return self.source.error(
            node, f"'{written}' is a collection of objects, not a number",
            f"Say which property, pt({written}), or make one number: count({written}), pt({written}[0])",
        )  # fmt: skip

    def _dotted(self, node: ast.Attribute) -> Column:
        """Return the column of a dotted name, as trees of ROOT often have them."""
        name = self.source.written(node)
        root = re.split(r"[.\[(]", name, maxsplit=1)[0].strip()
        if root in self.objects:
            raise self._member(node, root)
        if not re.fullmatch(r"\w+(\.\w+)+", name):
            found = f"'{excerpt(node)}' is not allowed"
            raise self.source.error(
                node, found, "Put a column name with unusual letters in backticks, `jet.pt`"
            )
        return self._column(name)

    def _member(self, node: ast.Attribute, root: str) -> ExpressionError:
        """Return the error for ``jets.pt``: what an object has is said by functions."""
        name, member, of = self.source.written(node), node.attr, excerpt(node.value)
        if member in COMPONENTS:
            found = f"'{name}' is a component of an object"
            return self.source.error(node, found, f"Write it as a function: {member}({of})")
        near = closest(member, COMPONENTS)
        hint = f"Did you mean {near[0]}({of})? " if near else ""
        return self.source.error(
            node, f"object '{root}' has no '{member}'",
            f"{hint}Objects have momenta alone: {shorten(COMPONENTS)}; use other columns by their own names",
        )  # fmt: skip

    def _unary(self, node: ast.UnaryOp) -> Term:
        match node.op:
            case ast.UAdd():
                return self.value(node.operand, "number")
            case ast.USub():
                return self.operation(node, "negative", self.value(node.operand, "number"))
            case ast.Not():
                return self.operation(node, "not", self.value(node.operand, "condition"))
        return self.operation(node, "not", self._condition_only(node.operand, "~"))

    def _binary(self, node: ast.BinOp) -> Term:
        if type(node.op) in _LOGIC:
            symbol = "&" if isinstance(node.op, ast.BitAnd) else "|"
            sides = [self._condition_only(side, symbol) for side in (node.left, node.right)]
            return self.operation(node, _LOGIC[type(node.op)], *sides)
        if type(node.op) not in _ARITHMETIC:
            raise self.source.error(
                node, f"the operator in '{excerpt(node)}' is not allowed",
                "Use + - * / // % **, comparisons, and, or, not",
            )  # fmt: skip
        sides = [self.value(side, "number") for side in (node.left, node.right)]
        return self.operation(node, _ARITHMETIC[type(node.op)], *sides)

    def _condition_only(self, node: ast.expr, symbol: str) -> Term:
        """Return the operand of & | ~, which must be a condition: `a > 1 & b > 2` means a > (1 & b) > 2."""
        term = self.value(node)
        if term.kind != "condition":
            raise self.source.error(
                node, f"'{excerpt(node)}' beside '{symbol}' is a number, not a condition",
                f"Put comparisons in parentheses, (a > 1) {symbol} (b > 2), or write 'and', 'or', 'not'",
            )  # fmt: skip
        return term

    def _compare(self, node: ast.Compare) -> Term:
        terms = [self.value(side, "number") for side in (node.left, *node.comparators)]
        links: list[Term] = []
        for kind, left, right in zip(node.ops, terms, terms[1:], strict=False):
            if type(kind) not in _COMPARISONS:
                raise self.source.error(node, f"'{excerpt(node)}' is not a comparison", "Use < <= > >= == !=")
            links.append(self.operation(node, _COMPARISONS[type(kind)], left, right))
        return functools.reduce(functools.partial(self.operation, node, "and"), links)

    def _logic(self, node: ast.BoolOp) -> Term:
        name = "and" if isinstance(node.op, ast.And) else "or"
        terms = [self.value(value, "condition") for value in node.values]
        return functools.reduce(functools.partial(self.operation, node, name), terms)

    def _choice(self, node: ast.IfExp) -> Term:
        condition = self.value(node.test, "condition")
        sides = [self.value(side, "number") for side in (node.body, node.orelse)]
        return self.operation(node, "where", condition, *sides)

    def _subscript(self, node: ast.Subscript) -> Term:
        """Return one object of a collection, ``x[0]``, or those that hold a condition, ``x[x > 30]``."""
        inner = self.term(node.value)
        written = excerpt(node.value)
        if inner.shape.collection is None:
            raise self.source.error(
                node, f"'{written}' has one value an event, so nothing can be picked from it",
                "An index or a condition in brackets needs a column with several values an event, or objects "
                "made of such columns",
            )  # fmt: skip
        index = whole_number(node.slice)
        if index is not None:
            inner = convert(inner, "number") if inner.kind == "condition" else inner
            return Operation(ELEMENT, (inner, Constant(index)))
        return self._selection(node, inner, written)

    def _selection(self, node: ast.Subscript, inner: Term, written: str) -> Term:
        examples = f"{written}[0], {written}[-1] or a condition on the same objects"
        if isinstance(node.slice, ast.Slice | ast.Tuple):
            found = f"the index '{excerpt(node.slice)}' is not allowed"
            raise self.source.error(node, found, f"Write {examples}")
        condition = self.value(node.slice)
        if condition.kind != "condition":
            raise self.source.error(
                node.slice, f"the index '{excerpt(node.slice)}' is neither a whole number nor a condition",
                f"Write {examples}",
            )  # fmt: skip
        if condition.shape.collection is None:
            raise self.source.error(
                node.slice, f"the condition '{excerpt(node.slice)}' holds for whole events, not for objects",
                f"Write {examples}; to choose between values of an event use where(condition, a, b)",
            )  # fmt: skip
        joined = self.join(node, (inner, condition))
        selection = tuple(dict.fromkeys((*joined.selection, condition)))
        return Operation(SELECTION, (inner, condition), Shape(joined.collection, selection))


def whole_number(node: ast.expr) -> int | None:
    """Return the whole number that is written there, with or without a sign; None for anything else."""
    is_negative = isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub)
    inner = node.operand if isinstance(node, ast.UnaryOp) and is_negative else node
    if (
        not isinstance(inner, ast.Constant)
        or not isinstance(inner.value, int)
        or isinstance(inner.value, bool)
    ):
        return None
    return -inner.value if is_negative else inner.value
