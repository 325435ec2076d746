"""From text to a tree: Python's grammar, and an allow-list of what may stand in it. Nothing is executed."""

from __future__ import annotations

import ast
import functools
import re
import warnings
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from rapidity.core.errors import ExpressionError, closest, shorten
from rapidity.core.namespace import NUMPY
from rapidity.expressions.functions import CONSTANTS, FUNCTIONS, ArgumentKind, Kind
from rapidity.expressions.tree import Column, Constant, ObjectTerm, Operation, Term
from rapidity.physics.momentum import COMPONENTS, Momentum, missing_components

MAX_CHARACTERS = 10_000
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
    ast.Subscript: "Indices are not part of the language",
    ast.List: "Lists are not part of the language",
    ast.Tuple: "One expression stands for one number; remove the comma",
    ast.Lambda: "Functions cannot be defined here",
}

Objects = Mapping[str, Mapping[str, str]]


def parse(text: str, objects: Objects) -> Term:
    """Return the tree of an expression; every way to be wrong is an ExpressionError."""
    return _Parser(text, objects).parse()


class _Parser:
    """One expression on its way to a tree."""

    def __init__(self, text: str, objects: Objects) -> None:
        self.text = text
        self.objects = objects
        # Line ends become spaces and quoted names underscores of the same length: positions stay right.
        self.source = re.sub(r"[\r\n\t]", " ", text)
        self.shift = len(self.source) - len(self.source.lstrip())
        self.quoted: dict[int, str] = {}
        self.code = re.sub(r"`([^`]+)`", self._hide_quoted, self.source)[self.shift :]
        self.depth = 0

    def parse(self) -> Term:
        if not self.text.strip():
            raise self._error(0, "is empty", "Write a column or a formula such as sqrt(px**2 + py**2)")
        if len(self.text) > MAX_CHARACTERS:
            raise self._error(0, f"has {len(self.text)} characters", f"At most {MAX_CHARACTERS} are allowed")
        if "`" in self.code:
            raise self._error(
                self.code.index("`") + self.shift, "a backtick opens and none closes", "Add one"
            )
        try:
            return self._term(self._read())
        except (RecursionError, MemoryError) as error:
            raise self._error(0, "is nested too deeply", "Split it into several features") from error

    def _read(self) -> ast.expr:
        """Return Python's own tree of the text."""
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", SyntaxWarning)
                return ast.parse(self.code, mode="eval").body
        except SyntaxError as error:
            # Python gives offset 0 for an end that comes too early.
            position = self.shift + (error.offset - 1 if error.offset else len(self.code.rstrip()) - 1)
            advice = _syntax_advice(self.code)
            raise self._error(position, f"cannot be read ({error.msg})", advice) from error
        except ValueError as error:
            raise self._error(0, f"cannot be read ({error})", "Remove the unusual characters") from error

    def _hide_quoted(self, match: re.Match[str]) -> str:
        self.quoted[match.start()] = match.group(1)
        return "_" * len(match.group(0))

    def _position(self, node: ast.expr) -> int:
        """Return where a node begins, as an index into the text (ast counts bytes)."""
        return self.shift + len(self.code.encode()[: node.col_offset].decode())

    def _error(self, where: int | ast.expr, found: str, advice: str) -> ExpressionError:
        """Return the error to raise: the expression, where, what was found, what to do."""
        position = where if isinstance(where, int) else self._position(where)
        shown = " ".join(self.text.split())
        shown = shown if len(shown) <= 120 else f"{shown[:117]}..."
        return ExpressionError(f"expression '{shown}', character {position + 1}: {found}. {advice}.")

    def _term(self, node: ast.expr) -> Term:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise self._error(node, "is nested too deeply", "Split it into several features")
        try:
            return self._dispatch(node)
        finally:
            self.depth -= 1

    def _dispatch(self, node: ast.expr) -> Term:
        readers: dict[type[ast.expr], Callable[[Any], Term]] = {
            ast.Constant: self._constant,
            ast.Name: self._name,
            ast.Attribute: self._dotted,
            ast.Call: self._call,
            ast.UnaryOp: self._unary,
            ast.BinOp: self._binary,
            ast.BoolOp: self._logic,
            ast.Compare: self._compare,
            ast.IfExp: self._choice,
        }
        if type(node) in readers:
            return readers[type(node)](node)
        advice = _ADVICE.get(type(node), "The guide on expressions lists what is")
        raise self._error(node, f"'{_excerpt(node)}' is not allowed", advice)

    def _constant(self, node: ast.Constant) -> Constant:
        if isinstance(node.value, bool | int | float):
            too_long = isinstance(node.value, int) and abs(node.value) >= 2**63
            return Constant(float(node.value) if too_long else node.value)
        raise self._error(
            node, f"{node.value!r} is not a number", "Only numbers and columns can be computed with. "
            "For a column with an unusual name use backticks, `like this`",
        )  # fmt: skip

    def _identifier(self, node: ast.Name) -> tuple[str, bool]:
        """Return the name and whether it is quoted."""
        start = self._position(node)
        return (self.quoted[start], True) if start in self.quoted else (self._written(node), False)

    def _written(self, node: ast.expr) -> str:
        """Return a piece of the text as the user wrote it; Python normalises some letters."""
        end = self.shift + len(self.code.encode()[: node.end_col_offset].decode())
        return self.source[self._position(node) : end]

    def _dotted(self, node: ast.Attribute) -> Column:
        """Return the column of a dotted name, as trees of ROOT often have them."""
        name = self._written(node)
        root = name.split(".", maxsplit=1)[0]
        if root in self.objects:
            found = f"'{name}' is a component of an object"
            raise self._error(node, found, f"Write it as a function: pt({root})")
        if not re.fullmatch(r"\w+(\.\w+)+", name):
            found = f"'{_excerpt(node)}' is not allowed"
            raise self._error(node, found, "Put a column name with unusual letters in backticks, `jet.pt`")
        return Column(name)

    def _name(self, node: ast.Name) -> Term:
        name, is_quoted = self._identifier(node)
        if is_quoted:
            return Column(name)
        if name in CONSTANTS:
            return Constant(CONSTANTS[name])
        if name in self.objects:
            raise self._error(
                node, f"'{name}' is an object, not a number",
                f"Say which property: pt({name}), mass({name}) and so on",
            )  # fmt: skip
        return Column(name)

    def _as(self, node: ast.expr, kind: Kind) -> Term:
        return _convert(self._term(node), kind)

    def _unary(self, node: ast.UnaryOp) -> Term:
        match node.op:
            case ast.UAdd():
                return self._as(node.operand, "number")
            case ast.USub():
                return _apply("negative", self._as(node.operand, "number"))
            case ast.Not():
                return _apply("not", self._as(node.operand, "condition"))
        return _apply("not", self._condition_only(node.operand, "~"))

    def _binary(self, node: ast.BinOp) -> Term:
        if type(node.op) in _LOGIC:
            symbol = "&" if isinstance(node.op, ast.BitAnd) else "|"
            sides = [self._condition_only(side, symbol) for side in (node.left, node.right)]
            return _apply(_LOGIC[type(node.op)], *sides)
        if type(node.op) not in _ARITHMETIC:
            raise self._error(
                node, f"the operator in '{_excerpt(node)}' is not allowed",
                "Use + - * / // % **, comparisons, and, or, not",
            )  # fmt: skip
        return _apply(
            _ARITHMETIC[type(node.op)], self._as(node.left, "number"), self._as(node.right, "number")
        )

    def _condition_only(self, node: ast.expr, symbol: str) -> Term:
        """Return the operand of & | ~, which must be a condition: `a > 1 & b > 2` means a > (1 & b) > 2."""
        term = self._term(node)
        if term.kind != "condition":
            raise self._error(
                node, f"'{_excerpt(node)}' beside '{symbol}' is a number, not a condition",
                f"Put comparisons in parentheses, (a > 1) {symbol} (b > 2), or write 'and', 'or', 'not'",
            )  # fmt: skip
        return term

    def _compare(self, node: ast.Compare) -> Term:
        terms = [self._as(side, "number") for side in (node.left, *node.comparators)]
        links: list[Term] = []
        for kind, left, right in zip(node.ops, terms, terms[1:], strict=False):
            if type(kind) not in _COMPARISONS:
                raise self._error(node, f"'{_excerpt(node)}' is not a comparison", "Use < <= > >= == !=")
            links.append(_apply(_COMPARISONS[type(kind)], left, right))
        return functools.reduce(functools.partial(_apply, "and"), links)

    def _logic(self, node: ast.BoolOp) -> Term:
        name = "and" if isinstance(node.op, ast.And) else "or"
        terms = [self._as(value, "condition") for value in node.values]
        return functools.reduce(functools.partial(_apply, name), terms)

    def _choice(self, node: ast.IfExp) -> Term:
        condition = self._as(node.test, "condition")
        return _apply("where", condition, self._as(node.body, "number"), self._as(node.orelse, "number"))

    def _call(self, node: ast.Call) -> Term:
        if not isinstance(node.func, ast.Name):
            found = f"'{_excerpt(node.func)}' cannot be called"
            raise self._error(node, found, "Call a function by its plain name")
        name, _ = self._identifier(node.func)
        if name not in FUNCTIONS:
            near = closest(name, FUNCTIONS)
            hint = f"Did you mean '{near[0]}'? Known" if near else "Known"
            raise self._error(node, f"unknown function '{name}'", f"{hint}: {shorten(FUNCTIONS, 60)}")
        function = FUNCTIONS[name]
        if node.keywords:
            raise self._error(node, f"{name} takes no named arguments", f"Write {function.signature}")
        if not function.n_min <= len(node.args) <= function.n_max:
            found = f"{name} does not take {len(node.args)} arguments"
            raise self._error(node, found, f"Write {function.signature}")
        kinds = [function.argument_kind(index) for index in range(len(node.args))]
        needs = function.sum_needs if function.sum_needs and len(kinds) > 1 else function.needs
        arguments = [
            self._argument(name, needs, kind, argument)
            for kind, argument in zip(kinds, node.args, strict=True)
        ]
        return _prune(_apply(name, *arguments))

    def _argument(
        self, called: str, needs: tuple[str, ...], kind: ArgumentKind, node: ast.expr
    ) -> Term | ObjectTerm:
        """Return an argument of a function as the kind that it must be."""
        if kind in ("number", "condition"):
            return self._as(node, kind)
        found = self._identifier(node) if isinstance(node, ast.Name) else ("", True)
        if not found[1] and found[0] in self.objects:
            return self._object(found[0], needs, node)
        if kind == "angle":
            return self._as(node, "number")
        near = closest(found[0], self.objects)
        hint = f"Did you mean '{near[0]}'? " if near else ""
        known = shorten(self.objects) if self.objects else "none. Declare them in data.objects"
        reason = f"{called} needs an object, and '{_excerpt(node)}' is none"
        raise self._error(node, reason, f"{hint}Objects: {known}")

    def _object(self, name: str, needs: tuple[str, ...], node: ast.expr) -> ObjectTerm:
        components = self.objects[name]
        for component in components:
            if component not in COMPONENTS:
                found = f"object '{name}' has an unknown component '{component}'"
                raise self._error(node, found, f"Components are {shorten(COMPONENTS)}")
        for need in needs:
            missing = missing_components(components, need)
            if missing:
                found = f"{need} of object '{name}' does not follow from {shorten(components)}"
                raise self._error(node, found, f"Add to data.objects.{name}: {'; '.join(missing)}")
        return ObjectTerm(name, tuple((key, self._component(name, key)) for key in components))

    def _component(self, name: str, component: str) -> Term:
        text = self.objects[name][component]
        try:
            return _convert(parse(text, {}), "number")
        except ExpressionError as error:
            message = f"data.objects.{name}.{component}: {error}"
            raise ExpressionError(message) from error


def _apply(function: str, *arguments: Term | ObjectTerm) -> Operation | Constant:
    """Return the operation, already computed where nothing in it depends on the event."""
    operation = Operation(function, arguments)
    if not all(isinstance(argument, Constant) for argument in arguments):
        return operation
    values = [_exact(argument.value) for argument in arguments if isinstance(argument, Constant)]
    with np.errstate(all="ignore"):
        return Constant(np.asarray(operation.compute(NUMPY, *values)).item())


def _exact(value: float) -> Any:
    """Return a NumPy number, whose powers end at infinity instead of filling the memory."""
    return np.asarray(value)[()]


def _convert(term: Term, kind: Kind) -> Term:
    """Return the term as a condition (not zero) or a number (1 or 0)."""
    if term.kind == kind:
        return term
    return _apply("to number", term) if kind == "number" else _apply("!=", term, Constant(0))


class _Recorder(dict[str, float]):
    """Components that remember which of them were used."""

    def __init__(self, names: list[str]) -> None:
        super().__init__(dict.fromkeys(names, 1.0))
        self.used: set[str] = set()

    def __getitem__(self, name: str) -> float:
        self.used.add(name)
        return super().__getitem__(name)


def _prune(operation: Operation | Constant) -> Operation | Constant:
    """Return the operation without the components of objects that it does not use."""
    if isinstance(operation, Constant):
        return operation
    stand_ins = [
        _Recorder([name for name, _ in argument.components]) if isinstance(argument, ObjectTerm) else 1.0
        for argument in operation.arguments
    ]
    if not any(isinstance(stand_in, _Recorder) for stand_in in stand_ins):
        return operation
    values = [Momentum(item, NUMPY) if isinstance(item, _Recorder) else item for item in stand_ins]
    with np.errstate(all="ignore"):
        operation.compute(NUMPY, *values)
    pruned = [
        ObjectTerm(argument.name, tuple(pair for pair in argument.components if pair[0] in stand_in.used))
        if isinstance(argument, ObjectTerm) and isinstance(stand_in, _Recorder)
        else argument
        for argument, stand_in in zip(operation.arguments, stand_ins, strict=True)
    ]
    return Operation(operation.function, tuple(pruned))


def _excerpt(node: ast.AST) -> str:
    text = ast.unparse(node)
    return text if len(text) <= 40 else f"{text[:37]}..."


def _syntax_advice(code: str) -> str:
    if re.search(r"&&|\|\||!(?!=)", code):
        return "Write 'and', 'or', 'not' for conditions"
    if re.search(r"(?<![=<>!])=(?!=)", code):
        return "Compare with '=='"
    return "Check parentheses and operators; put unusual column names in backticks, `like-this`"
