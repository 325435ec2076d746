"""The functions that make one value of all objects of a collection in an event."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rapidity.expressions.function import Function, Value
from rapidity.expressions.layout import LazyComponents, PerObject, map_components
from rapidity.physics.momentum import Momentum

if TYPE_CHECKING:
    from rapidity.core.namespace import ArrayNamespace

FOUR_MOMENTUM = ("px", "py", "pz", "energy")
"""What the sum of objects is given by."""


def _sum(xp: ArrayNamespace, objects: PerObject) -> Value:
    layout, value = objects.layout, objects.value
    if not isinstance(value, Momentum):
        return layout.sum(value, objects.kept)
    total = LazyComponents(FOUR_MOMENTUM, lambda name: layout.sum(getattr(value, name), objects.kept))
    return Momentum(total, xp)


def _mean(xp: ArrayNamespace, objects: PerObject) -> Value:
    return objects.layout.sum(objects.value, objects.kept) / objects.layout.count(objects.kept)


def _min(xp: ArrayNamespace, objects: PerObject) -> Value:
    return objects.layout.min(objects.value, objects.kept)


def _max(xp: ArrayNamespace, objects: PerObject) -> Value:
    return objects.layout.max(objects.value, objects.kept)


def _count(xp: ArrayNamespace, objects: PerObject) -> Value:
    """Return the number of objects; `parser` makes a selection of a condition."""
    return objects.layout.count(objects.kept)


def _any(xp: ArrayNamespace, objects: PerObject) -> Value:
    return objects.layout.any(objects.value, objects.kept)


def _all(xp: ArrayNamespace, objects: PerObject) -> Value:
    return xp.logical_not(objects.layout.any(xp.logical_not(objects.value), objects.kept))


def _largest(xp: ArrayNamespace, objects: PerObject, index: int) -> Value:
    return objects.layout.nth(objects.value, objects.kept, index)


def _at_max(xp: ArrayNamespace, objects: PerObject, by: PerObject) -> Value:
    layout, value = objects.layout, objects.value
    place = layout.place_of_max(by.value, by.kept)
    if isinstance(value, Momentum):
        return map_components(value, lambda values: layout.take(values, place))
    return layout.take(value, place)


def _at_min(xp: ArrayNamespace, objects: PerObject, by: PerObject) -> Value:
    return _at_max(xp, objects, PerObject(-by.value, by.layout, by.kept))


COLLECTION_FUNCTIONS: dict[str, Function] = {
    "sum": Function(
        _sum, "sum(x)",
        "The sum over the objects, 0 without any; `sum(jets)` is an object: the sum of momenta.",
        ("members or objects",), result="object", scope="collection",
    ),
    "mean": Function(
        _mean, "mean(x)", "The mean over the objects; NaN without any.", ("member numbers",),
        scope="collection",
    ),
    "min": Function(
        _min, "min(x)", "The smallest of the objects; NaN without any.", ("member numbers",),
        scope="collection",
    ),
    "max": Function(
        _max, "max(x)", "The largest of the objects; NaN without any.", ("member numbers",),
        scope="collection",
    ),
    "count": Function(
        _count, "count(x)",
        "How many objects: those for which the condition x holds; all if x is a number or a collection.",
        ("members",), scope="collection",
    ),
    "any": Function(
        _any, "any(c)", "Whether the condition holds for an object; false without any.",
        ("member conditions",), result="condition", scope="collection",
    ),
    "all": Function(
        _all, "all(c)", "Whether the condition holds for every object; true without any.",
        ("member conditions",), result="condition", scope="collection",
    ),
    "largest": Function(
        _largest, "largest(x, i)",
        "Value number i in falling order: `largest(x, 0)` is the largest; NaN without it.",
        ("member numbers", "index"), n_min=2, n_max=2, scope="collection",
    ),
    "at_max": Function(
        _at_max, "at_max(x, by)",
        "x of the object with the largest `by`, of several the first; x may be a collection.",
        ("members or objects", "member numbers"), n_min=2, n_max=2, result="object", scope="collection",
    ),
    "at_min": Function(
        _at_min, "at_min(x, by)",
        "x of the object with the smallest `by`, of several the first; x may be a collection.",
        ("members or objects", "member numbers"), n_min=2, n_max=2, result="object", scope="collection",
    ),
}  # fmt: skip
