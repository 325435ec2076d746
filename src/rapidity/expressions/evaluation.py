"""From a tree and columns to values, over any array namespace."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rapidity.expressions.layout import PerObject, derive, map_components
from rapidity.expressions.tree import (
    ELEMENT,
    OPERATORS,
    SELECTION,
    Column,
    Constant,
    ObjectTerm,
    Operation,
    Term,
)
from rapidity.physics.momentum import Momentum

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from rapidity.core.namespace import ArrayNamespace
    from rapidity.expressions.layout import Layout

Value = Any


def evaluate(term: Term, columns: Mapping[str, Value], xp: ArrayNamespace) -> Value:
    """Return the values of a term.

    An object becomes a `Momentum`. What has a value for each object of a collection, as `PerObject` columns
    do, becomes a `PerObject`.
    """
    match term:
        case Column(name):
            return columns[name]
        case Constant(value):
            return value
        case ObjectTerm(_, components):
            return _build_object({name: evaluate(inner, columns, xp) for name, inner in components}, xp)
        case Operation(_, arguments):
            return _apply(term, [evaluate(argument, columns, xp) for argument in arguments], xp)


def _apply(term: Operation, values: list[Value], xp: ArrayNamespace) -> Value:
    """Return an operation on values."""
    if term.function == ELEMENT:
        objects, index = values
        return _take_element(objects, index)
    if term.function == SELECTION:
        objects, condition = _align(values)
        kept = objects.layout.select(objects.kept, condition.value)
        return PerObject(objects.value, objects.layout, kept)
    if term.function in OPERATORS or term.definition.scope == "value":
        return _apply_to_each(term.compute, values, xp)
    if term.definition.scope == "collection":
        values = _align(values)
    needs = term.definition.needs
    if needs:
        values = [_derive(value, needs) for value in values]
    return term.compute(xp, *values)


def _apply_to_each(compute: Callable[..., Value], values: list[Value], xp: ArrayNamespace) -> Value:
    """Return an elementwise operation; values of events are repeated for each of their objects."""
    aligned = _align(values)
    per_object = [value for value in aligned if isinstance(value, PerObject)]
    if not per_object:
        return compute(xp, *values)
    layout = per_object[0].layout
    spread = [value.value if isinstance(value, PerObject) else _spread(value, layout) for value in aligned]
    return PerObject(compute(xp, *spread), layout, per_object[0].kept)


def _spread(value: Value, layout: Layout) -> Value:
    if isinstance(value, Momentum):
        return map_components(value, layout.expand)
    return layout.expand(value)


def _align(values: Sequence[Value]) -> list[Value]:
    """Return the values with one selection for all that have a value for each object."""
    kept = None
    for value in values:
        if isinstance(value, PerObject) and value.kept is not None and value.kept is not kept:
            kept = value.layout.select(kept, value.kept) if kept is not None else value.kept
    return [
        PerObject(value.value, value.layout, kept) if isinstance(value, PerObject) else value
        for value in values
    ]


def _derive(value: Value, needs: tuple[str, ...]) -> Value:
    """Return objects with the components that a function asks for; other values stay as they are."""
    if isinstance(value, Momentum):
        return derive(value, needs)
    if isinstance(value, PerObject) and isinstance(value.value, Momentum):
        return PerObject(derive(value.value, needs), value.layout, value.kept)
    return value


def _build_object(components: Mapping[str, Value], xp: ArrayNamespace) -> Value:
    """Return the object; one of a collection has every component for each object."""
    names, values = list(components), _align(list(components.values()))
    per_object = [value for value in values if isinstance(value, PerObject)]
    if not per_object:
        return Momentum(components, xp)
    layout = per_object[0].layout
    filled = [value.value if isinstance(value, PerObject) else layout.fill(value) for value in values]
    return PerObject(Momentum(dict(zip(names, filled, strict=True)), xp), layout, per_object[0].kept)


def _take_element(objects: PerObject, index: int) -> Value:
    layout = objects.layout
    place = layout.place_of_index(index, objects.kept)
    if isinstance(objects.value, Momentum):
        return map_components(objects.value, lambda values: layout.take(values, place))
    return layout.take(objects.value, place)
