"""The shapes of events, of collections and objects together; formulae in `physics.event_shapes`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rapidity.expressions.function import UNLIMITED, Function, Value
from rapidity.expressions.layout import PerObject
from rapidity.physics import event_shapes

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from rapidity.core.namespace import ArrayNamespace
    from rapidity.physics.event_shapes import Total
    from rapidity.physics.momentum import Momentum

CARTESIAN = ("px", "py", "pz")


def _total_of(objects: Sequence[PerObject | Momentum]) -> Total:
    """Return the sum over all objects given."""

    def total(quantity: Callable[[Momentum], Value]) -> Value:
        parts = [
            each.layout.sum(quantity(each.value), each.kept)
            if isinstance(each, PerObject)
            else quantity(each)
            for each in objects
        ]
        result = parts[0]
        for part in parts[1:]:
            result = result + part
        return result

    return total


def _shape(formula: Callable[[Total, Any], Value], description: str, *needs: str) -> Function:
    def compute(xp: ArrayNamespace, *objects: PerObject | Momentum) -> Value:
        return formula(_total_of(objects), xp)

    return Function(
        compute,
        f"{formula.__name__}(a, ...)",
        description,
        ("objects",),
        n_max=UNLIMITED,
        needs=needs,
        scope="event",
    )


def _fox_wolfram(xp: ArrayNamespace, *arguments: Any) -> Value:
    *objects, order = arguments
    return event_shapes.fox_wolfram(_total_of(objects), order, xp)


SHAPE_FUNCTIONS: dict[str, Function] = {
    "ht": _shape(event_shapes.ht, "Scalar sum of transverse momenta; 0 without objects.", "pt"),
    "centrality": _shape(
        event_shapes.centrality, "`sum pt / sum energy`.", "pt", "energy"
    ),
    "sphericity": _shape(
        event_shapes.sphericity,
        "`3/2 (l2 + l3)` of the quadratic momentum tensor: 0 a line, 1 isotropic.",
        *CARTESIAN,
    ),
    "aplanarity": _shape(
        event_shapes.aplanarity,
        "`3/2 l3` of the quadratic momentum tensor: 0 a plane, 1/2 isotropic.",
        *CARTESIAN,
    ),
    "planarity": _shape(
        event_shapes.planarity,
        "`l2 - l3` of the quadratic momentum tensor: 1/2 even in a plane.",
        *CARTESIAN,
    ),
    "transverse_sphericity": _shape(
        event_shapes.transverse_sphericity,
        "`2 l2 / (l1 + l2)` of the quadratic tensor of transverse momenta.",
        "px", "py",
    ),
    "c_parameter": _shape(
        event_shapes.c_parameter, "`3 (l1 l2 + l2 l3 + l3 l1)` of the linear momentum tensor.", *CARTESIAN
    ),
    "d_parameter": _shape(
        event_shapes.d_parameter, "`27 l1 l2 l3` of the linear momentum tensor.", *CARTESIAN
    ),
    "fox_wolfram": Function(
        _fox_wolfram, "fox_wolfram(a, ..., k)",
        "Fox-Wolfram moment `H_k / H_0` of order k, from 0 to 20: 1 for a single direction.",
        ("objects",), n_min=2, n_max=UNLIMITED, needs=CARTESIAN, scope="event", last="index",
    ),
}  # fmt: skip
