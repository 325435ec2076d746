"""Invariant masses of all pairs of objects."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

from rapidity.expressions.makers.maker import Features, GivenObject, Maker, first_members

if TYPE_CHECKING:
    from collections.abc import Sequence


def expand(objects: Sequence[GivenObject], n_members: int) -> Features:
    """Yield the mass of each pair."""
    for a, b in itertools.combinations(first_members(objects, n_members), 2):
        yield f"mass_{a.label}_{b.label}", f"mass({a.text}, {b.text})"


INVARIANT_MASSES = Maker(
    expand,
    "invariant_masses(a, ..., n)",
    "`mass` of every pair among the first n (2) objects of each collection and the single objects.",
    default_members=2,
)
