"""Reading the call of a feature maker."""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping

from rapidity.core.errors import ExpressionError, closest, shorten
from rapidity.core.registry import Registry
from rapidity.expressions.functions import FUNCTIONS
from rapidity.expressions.makers.angles import ANGLES
from rapidity.expressions.makers.event_shapes import EVENT_SHAPES
from rapidity.expressions.makers.invariant_masses import INVARIANT_MASSES
from rapidity.expressions.makers.kinematics import KINEMATICS
from rapidity.expressions.makers.maker import MAX_MEMBERS, GivenObject, Maker
from rapidity.expressions.parser import Parser, whole_number
from rapidity.expressions.source import Source, excerpt
from rapidity.expressions.tree import Constant, ObjectTerm, Term

Objects = Mapping[str, Mapping[str, str]]

MAKERS: Registry[Maker] = Registry(
    "feature maker",
    {
        "kinematics": KINEMATICS,
        "invariant_masses": INVARIANT_MASSES,
        "angles": ANGLES,
        "event_shapes": EVENT_SHAPES,
    },
    ExpressionError,
)


def expand_maker(
    text: str, objects: Objects | None = None, collections: Mapping[str, str] | None = None
) -> list[tuple[str, str]] | None:
    """Return name and expression of the features that the call of a maker stands for; None for anything else.

    Parameters
    ----------
    text
        An entry of `columns:`.
    objects, collections
        As for `parse_expression`.

    Raises
    ------
    ExpressionError
        If a maker is called with something that it cannot take.

    Examples
    --------
    >>> jets = {"pt": "jet_pt", "eta": "jet_eta", "phi": "jet_phi"}
    >>> of_jets = dict.fromkeys(jets.values(), "jets")
    >>> expand_maker("invariant_masses(jets, 2)", {"jets": jets}, of_jets)
    [('mass_jets0_jets1', 'mass(jets[0], jets[1])')]
    """
    called = re.match(r"\s*([A-Za-z_]\w*)\s*\(", text)
    if called is None or called.group(1) in FUNCTIONS:
        return None
    name = called.group(1)
    if name not in MAKERS:
        _refuse_near_miss(text, name)
        return None
    source = Source(text)
    node = source.read()
    if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name)):
        found = f"'{name}' makes several features, and cannot be part of a formula"
        raise source.error(node, found, f"Write {MAKERS[name].signature} alone")
    parser = Parser(text, objects or {}, collections or {})
    return _Call(parser, node, name).expand()


def _refuse_near_miss(text: str, name: str) -> None:
    near = closest(name, [*MAKERS, *FUNCTIONS])
    if near and near[0] in MAKERS:
        found = f"unknown function or feature maker '{name}'"
        advice = f"Did you mean '{near[0]}'? Feature makers: {shorten(MAKERS)}"
        raise Source(text).error(len(text) - len(text.lstrip()), found, advice)


def _varying_components(term: Term) -> tuple[str, ...]:
    """Return what an object is given by, but no mass that is the same for all: that is no feature."""
    components = term.components if isinstance(term, ObjectTerm) else ()
    return tuple(name for name, inner in components if name != "mass" or not isinstance(inner, Constant))


class _Call:
    """A call of a maker with its arguments."""

    def __init__(self, parser: Parser, node: ast.Call, name: str) -> None:
        self.parser, self.node, self.name = parser, node, name
        self.maker = MAKERS[name]

    def expand(self) -> list[tuple[str, str]]:
        """Return the features."""
        arguments = list(self.node.args)
        n_members = self.maker.default_members or 1
        if self.maker.default_members is not None and arguments and whole_number(arguments[-1]) is not None:
            n_members = self._count(arguments.pop())
        if not arguments or self.node.keywords:
            raise self._error(self.node, f"{self.name} needs objects")
        objects = list({each.name: each for each in map(self._object, arguments)}.values())
        features = list(self.maker.expand(objects, n_members))
        if features:
            return features
        found = f"{self.name} of {excerpt(self.node)[len(self.name) :]} makes no feature"
        raise self._error(self.node, found, "Give it more objects")

    def _count(self, node: ast.expr) -> int:
        count = whole_number(node)
        if count is not None and 1 <= count <= MAX_MEMBERS:
            return count
        raise self._error(node, f"{self.name} takes from 1 to {MAX_MEMBERS} objects, not {excerpt(node)}")

    def _object(self, node: ast.expr) -> GivenObject:
        objects = self.parser.objects
        name = self.parser.source.identifier(node)[0] if isinstance(node, ast.Name) else ""
        if name in objects:
            term = self.parser.term(node)
            return GivenObject(name, term.shape.collection is not None, _varying_components(term))
        near = closest(name, objects)
        hint = f"Did you mean '{near[0]}'? " if near else ""
        known = shorten(objects) if objects else "none. Declare them in data.objects"
        found = f"{self.name} needs declared objects, and '{excerpt(node)}' is none"
        raise self._error(node, found, f"{hint}Objects: {known}")

    def _error(self, node: ast.expr, found: str, advice: str = "") -> ExpressionError:
        return self.parser.source.error(node, found, advice or f"Write {self.maker.signature}")
