"""Columns that do not follow when objects are changed: computed from them before, or named nowhere."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np

from rapidity.core.errors import RapidityError
from rapidity.core.jagged import Jagged
from rapidity.expressions import parse_expression

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from numpy.typing import NDArray

    from rapidity.expressions import Expression
    from rapidity.training.augmentation.augmenter import ColumnStep

SAME = 1e-3
"""Columns that agree so far, up to a unit, in nearly all events are the same quantity."""
NEARLY_ALL = 0.95
FEWEST_EVENTS = 20
MOST_OBJECTS = 8
DIRECTIONS = {"rotate_phi": {"phi"}, "reflect_eta": {"eta", "pz"}, "boost_z": {"eta", "pz"}}
"""Words in names of columns that an augmentation should change."""
DIFFERENCES = {"d", "delta", "abs"}
"""Words beside them in names of what stays."""
WORDS = re.compile(r"[A-Z]?[a-z]+|[A-Z]+")


@dataclass(frozen=True)
class StaleColumn:
    """A column that equals an expression which augmentation changes."""

    column: str
    expression: str


def find_stale_columns(
    columns: Mapping[str, Any],
    candidates: Iterable[str],
    steps: Iterable[ColumnStep],
    objects: Mapping[str, Mapping[str, str]],
    collections: Mapping[str, str],
) -> list[StaleColumn]:
    """Return the columns that hold what was computed from objects, where these then change.

    Looked for are components, sums and invariant masses of objects and of pairs of them, distances and
    numbers of objects; in any unit. A quantity that the augmentations leave invariant is no problem.

    Parameters
    ----------
    columns
        Raw column -> values of some events, before.
    candidates
        Columns of one number an event that the network sees and that no augmentation changes.
    """
    after = dict(columns)
    for step in steps:
        step.apply(after, np.random.default_rng(1))
    found: dict[str, StaleColumn] = {}
    listed = list(candidates)
    for expression in _derived(objects, collections, columns):
        before, changed = _evaluate(expression, columns), _evaluate(expression, after)
        if _is_same(before, changed, fixed_unit=True):
            continue
        for name in listed:
            if name not in found and _is_same(before, np.asarray(columns[name], np.float64)):
                found[name] = StaleColumn(name, expression.text)
    return list(found.values())


def find_unnamed_columns(candidates: Iterable[str], kinds: Iterable[str]) -> dict[str, str]:
    """Return column -> the augmentation that should change it by its name, but has no object that it is of.

    Parameters
    ----------
    candidates
        Columns that the network needs and that no augmentation changes.
    kinds
        Types of the augmentations.

    Examples
    --------
    >>> find_unnamed_columns(["met_phi", "delta_phi_ll", "JetEta", "theta"], ["rotate_phi", "boost_z"])
    {'met_phi': 'rotate_phi', 'JetEta': 'boost_z'}
    """
    found: dict[str, str] = {}
    for name in candidates:
        words = {word.lower() for word in WORDS.findall(name)}
        for kind in kinds:
            if words & DIRECTIONS.get(kind, set()) and not words & DIFFERENCES:
                found.setdefault(name, kind)
    return found


def _derived(
    objects: Mapping[str, Mapping[str, str]], collections: Mapping[str, str], columns: Mapping[str, Any]
) -> Iterator[Expression]:
    """Yield what is often computed of objects, as far as their columns allow."""
    for text in _texts(list(objects)[:MOST_OBJECTS]):
        try:
            expression = parse_expression(text, objects, collections)
        except RapidityError:
            continue  # the object lacks a component, or is none of several
        if expression.collection is None and set(expression.columns) <= set(columns):
            yield expression


def _texts(names: list[str]) -> Iterator[str]:
    quantities = ("pt", "eta", "phi", "mass", "energy", "pz")
    for name in names:
        yield from (f"{quantity}({name})" for quantity in quantities)
        yield from (f"{quantity}({name}[{place}])" for place in (0, 1) for quantity in quantities)
        yield from (f"count({name})", f"sum(pt({name}))", f"max(pt({name}))", f"mass(sum({name}))")
        yield from (f"{pair}({name}[0], {name}[1])" for pair in ("mass", "delta_r", "delta_phi", "delta_eta"))
    for one, other in combinations(names, 2):
        pairs = ((one, other), (f"{one}[0]", other), (one, f"{other}[0]"), (f"{one}[0]", f"{other}[0]"))
        for pair in pairs:
            yield from (f"{quantity}({', '.join(pair)})" for quantity in ("mass", "delta_r", "delta_phi"))


def _evaluate(expression: Expression, columns: Mapping[str, Any]) -> NDArray[np.float64]:
    needed = {
        name: values.astype(np.float64) if isinstance(values, Jagged) else np.asarray(values, np.float64)
        for name, values in ((name, columns[name]) for name in expression.columns)
    }
    with np.errstate(all="ignore"):
        return np.asarray(expression.evaluate(needed), np.float64)


def _is_same(one: NDArray[np.float64], other: NDArray[np.float64], *, fixed_unit: bool = False) -> bool:
    """Return whether two quantities agree in nearly all events where the first is known and not zero."""
    is_known = np.isfinite(one) & np.isfinite(other) & (np.abs(one) > SAME)
    if is_known.sum() < FEWEST_EVENTS or np.ptp(one[is_known]) == 0:
        return fixed_unit
    ratio = other[is_known] / one[is_known]
    unit = 1.0 if fixed_unit else float(np.median(ratio))
    if unit == 0:
        return False
    return float(np.mean(np.abs(ratio / unit - 1) < SAME)) >= NEARLY_ALL
