"""All event shapes of some objects."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rapidity.expressions.makers.maker import Features, GivenObject, Maker

if TYPE_CHECKING:
    from collections.abc import Sequence

SHAPES = (
    "ht", "centrality", "sphericity", "aplanarity", "planarity", "transverse_sphericity", "c_parameter",
    "d_parameter",
)  # fmt: skip
ORDERS = (1, 2, 3, 4)
"""Of the Fox-Wolfram moments; that of order 0 is 1."""


def expand(objects: Sequence[GivenObject], n_members: int) -> Features:
    """Yield each shape of all objects together."""
    label, arguments = "_".join(each.name for each in objects), ", ".join(each.name for each in objects)
    for shape in SHAPES:
        yield f"{shape}_{label}", f"{shape}({arguments})"
    for order in ORDERS:
        yield f"fox_wolfram{order}_{label}", f"fox_wolfram({arguments}, {order})"


EVENT_SHAPES = Maker(
    expand,
    "event_shapes(a, ...)",
    "`ht`, `centrality`, `sphericity`, `aplanarity`, `planarity`, `transverse_sphericity`, `c_parameter`, "
    "`d_parameter` and `fox_wolfram` 1 to 4 of all objects together.",
)
