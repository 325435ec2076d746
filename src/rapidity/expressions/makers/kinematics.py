"""Transverse momentum, direction and mass of single objects."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rapidity.expressions.makers.maker import Features, GivenObject, Maker, first_members
from rapidity.physics.momentum import missing_components

if TYPE_CHECKING:
    from collections.abc import Sequence

QUANTITIES = ("pt", "eta", "phi", "mass")


def expand(objects: Sequence[GivenObject], n_members: int) -> Features:
    """Yield each quantity that an object has; an object without mass and energy has no mass to show."""
    for member in first_members(objects, n_members):
        has_mass = bool({"mass", "energy"} & set(member.components))
        for quantity in QUANTITIES if has_mass else QUANTITIES[:-1]:
            if not missing_components(member.components, quantity):
                yield f"{quantity}_{member.label}", f"{quantity}({member.text})"


KINEMATICS = Maker(
    expand,
    "kinematics(a, ..., n)",
    "`pt`, `eta`, `phi` and `mass` of the first n (1) objects of each collection, and of single objects.",
    default_members=1,
)
