"""The functions of all pairs of objects, of one collection or of two.

Every object of the first is paired with every one of the second; within one collection each with each other,
never with itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rapidity.expressions.function import Function, Value
from rapidity.expressions.layout import Components, Layout, PerObject
from rapidity.physics import kinematics
from rapidity.physics.momentum import Momentum, add_momenta

if TYPE_CHECKING:
    from collections.abc import Callable

    from rapidity.core.namespace import ArrayNamespace

    Quantity = Callable[[ArrayNamespace, Momentum, Momentum], Value]
    Reduce = Callable[[Layout, Value, Value, Value], Value]

CARTESIAN = ("px", "py", "pz", "energy")


def _delta_r(xp: ArrayNamespace, a: Momentum, b: Momentum) -> Value:
    # Not `hypot`: these numbers do not overflow, and there are many pairs.
    delta_eta, delta_phi = a.eta - b.eta, kinematics.delta_phi(a.phi, b.phi, xp)
    return xp.sqrt(delta_eta * delta_eta + delta_phi * delta_phi)


def _delta_phi(xp: ArrayNamespace, a: Momentum, b: Momentum) -> Value:
    return xp.absolute(kinematics.delta_phi(a.phi, b.phi, xp))


def _delta_eta(xp: ArrayNamespace, a: Momentum, b: Momentum) -> Value:
    return xp.absolute(a.eta - b.eta)


def _mass(xp: ArrayNamespace, a: Momentum, b: Momentum) -> Value:
    return add_momenta([a, b]).mass


def _smallest(layout: Layout, values: Value, target: Value, kept: Value) -> Value:
    return layout.min(values, kept)


def _largest(layout: Layout, values: Value, target: Value, kept: Value) -> Value:
    return layout.max(values, kept)


def _closest(layout: Layout, values: Value, target: Value, kept: Value) -> Value:
    return layout.closest(values, target, kept)


def _nearest(
    quantity: Quantity, reduce: Reduce, xp: ArrayNamespace, a: PerObject, b: Value, target: Value
) -> PerObject:
    """Return for each object of `a` what is reduced of its pairs; `b` None stands for the others of `a`.

    `target` is a value for each object of `a`, or a constant.
    """
    if isinstance(b, Momentum):
        partner = Momentum({name: a.layout.expand(b.given[name]) for name in b.given}, xp)
        return PerObject(quantity(xp, a.value, partner), a.layout, a.kept)

    def reduce_pairs(layout: Layout, own: Components, theirs: Components, kept: Value) -> Value:
        values = quantity(xp, Momentum(own, xp), Momentum(theirs, xp))
        return reduce(layout, values, own["target"], kept)

    return a.layout.match(a, a if b is None else b, {"target": target}, reduce_pairs, once=b is None)


def _over_pairs(quantity: Quantity, reduce: Reduce) -> Callable[..., Value]:
    """Return the implementation of a function that reduces all pairs of an event to one value."""

    def compute(xp: ArrayNamespace, a: Value, b: Value = None, target: Value = 0.0) -> Value:
        if isinstance(a, Momentum):  # all quantities are the same both ways
            a, b = b, a
        targets = a.layout.expand(target)
        nearest = _nearest(quantity, reduce, xp, a, b, targets)
        return reduce(a.layout, nearest.value, targets, nearest.kept)

    return compute


def _mass_closest(xp: ArrayNamespace, *arguments: Value) -> Value:
    *objects, target = arguments
    return _over_pairs(_mass, _closest)(xp, *objects, *([None] if len(objects) == 1 else []), target)


def _nearest_delta_r(xp: ArrayNamespace, a: PerObject, b: Value) -> PerObject:
    nearest = _nearest(_delta_r, _smallest, xp, a, b, 0.0)
    # NaN where there is no partner: the object is there, and keeps its place.
    return PerObject(nearest.value, a.layout, a.kept)


def _extreme(quantity: Quantity, reduce: Reduce, name: str, words: str, *needs: str) -> Function:
    return Function(
        _over_pairs(quantity, reduce), f"{name}(a, b)",
        f"The {words} of all pairs of an object of a and one of b; `{name}(a)`: of any two of a.",
        ("objects",), n_min=1, n_max=2, needs=needs, scope="event", needs_collection=True,
    )  # fmt: skip


PAIR_FUNCTIONS: dict[str, Function] = {
    "min_delta_r": _extreme(_delta_r, _smallest, "min_delta_r", "smallest delta_r", "eta", "phi"),
    "max_delta_r": _extreme(_delta_r, _largest, "max_delta_r", "largest delta_r", "eta", "phi"),
    "min_delta_phi": _extreme(_delta_phi, _smallest, "min_delta_phi", "smallest size of delta_phi", "phi"),
    "max_delta_phi": _extreme(_delta_phi, _largest, "max_delta_phi", "largest size of delta_phi", "phi"),
    "min_delta_eta": _extreme(_delta_eta, _smallest, "min_delta_eta", "smallest size of delta_eta", "eta"),
    "max_delta_eta": _extreme(_delta_eta, _largest, "max_delta_eta", "largest size of delta_eta", "eta"),
    "min_mass": _extreme(_mass, _smallest, "min_mass", "smallest invariant mass", *CARTESIAN),
    "max_mass": _extreme(_mass, _largest, "max_mass", "largest invariant mass", *CARTESIAN),
    "mass_closest": Function(
        _mass_closest, "mass_closest(a, m)",
        "The invariant mass closest to m, of any two objects of a; `mass_closest(a, b, m)`: of all pairs.",
        ("objects",), n_min=2, n_max=3, needs=CARTESIAN, scope="event", needs_collection=True,
        last="event number",
    ),
    "nearest_delta_r": Function(
        _nearest_delta_r, "nearest_delta_r(a, b)",
        "For each object of the collection a, delta_r to the nearest one of b (not itself); NaN without any.",
        ("collection", "objects"), n_min=2, n_max=2, needs=("eta", "phi"), scope="event", keeps_objects=True,
    ),
}  # fmt: skip
