"""Distances in angle between objects."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

from rapidity.expressions.makers.maker import Features, GivenObject, Maker, Member, first_members
from rapidity.physics.momentum import missing_components

if TYPE_CHECKING:
    from collections.abc import Sequence


def expand(objects: Sequence[GivenObject], n_members: int) -> Features:
    """Yield the distances of each pair of members, then the extreme ones of whole collections."""
    for a, b in itertools.combinations(first_members(objects, n_members), 2):
        for distance in _distances(a, b):
            yield f"{distance}_{a.label}_{b.label}", f"{distance}({a.text}, {b.text})"
    for one, other in itertools.combinations_with_replacement(objects, 2):
        if not (one.is_collection or other.is_collection):
            continue
        names = (one.name,) if one is other else (one.name, other.name)
        furthest = _distances(one, other)[-1]
        for extreme in ("min", "max"):
            yield f"{extreme}_{furthest}_{'_'.join(names)}", f"{extreme}_{furthest}({', '.join(names)})"


def _distances(a: Member | GivenObject, b: Member | GivenObject) -> tuple[str, ...]:
    """Return what can be said: delta_phi alone without a direction along the beam, as of missing momentum."""
    has_eta = not (missing_components(a.components, "eta") or missing_components(b.components, "eta"))
    return ("delta_eta", "delta_phi", "delta_r") if has_eta else ("delta_phi",)


ANGLES = Maker(
    expand,
    "angles(a, ..., n)",
    "`delta_eta`, `delta_phi`, `delta_r` of every pair among the first n (1) objects of each collection and "
    "the single objects; `min_delta_r`, `max_delta_r` of all objects. Without eta, `delta_phi` instead.",
    default_members=1,
)
