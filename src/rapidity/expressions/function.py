"""What a function of the language is: name, arguments, meaning, implementation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Callable

Value = Any
Kind = Literal["number", "condition", "object"]
ArgumentKind = Literal[
    "number", "condition", "object", "angle",
    "members", "member numbers", "member conditions", "members or objects", "objects", "collection",
    "event number", "index",
]  # fmt: skip
"""Elementwise: `number`, `condition`, `object`; `angle` is a number in radians, or an object, which stands
for its phi. Reductions: `member numbers` and `member conditions` have a value for each object of a
collection, `members` is either, or the collection of objects itself; `members or objects` is the numbers or
the objects; `collection` is a collection of objects, `objects` that or an object. `event number` has one
value an event, and `index` is a whole number that is the same for every event."""

Scope = Literal["value", "collection", "event"]

UNLIMITED = 1_000


@dataclass(frozen=True)
class Function:
    """One function of the language.

    Attributes
    ----------
    compute
        ``(xp, *arguments) -> value``; objects arrive as `Momentum`. What has a value for each object of a
        collection arrives as plain values with the scope `value`, else as `PerObject`.
    signature
        As a user writes it; shown in messages and in the guide.
    description
        One line for the guide, with the unit of the result.
    arguments
        Kind of each argument; the last one repeats where more may follow.
    last
        Kind of the last argument of a call, however many there are.
    n_min, n_max
        Numbers of arguments allowed.
    result
        Kind of the result; `object` stands for that of the first argument.
    needs
        Components that every object argument must be able to give; `sum_needs` instead when several
        objects are added up.
    scope
        What the function sees at a time: one `value` (of an event or of an object), all objects of one
        `collection`, or whole collections of an `event`, which may be different ones.
    keeps_objects
        Whether a function of wider scope has one value for each object of its first argument.
    needs_collection
        Whether one of the objects given must be a collection.
    """

    compute: Callable[..., Value]
    signature: str
    description: str
    arguments: tuple[ArgumentKind, ...] = ("number",)
    n_min: int = 1
    n_max: int = 1
    result: Kind = "number"
    needs: tuple[str, ...] = ()
    sum_needs: tuple[str, ...] = ()
    scope: Scope = "value"
    keeps_objects: bool = False
    needs_collection: bool = False
    last: ArgumentKind | None = None

    def argument_kind(self, index: int, n_arguments: int | None = None) -> ArgumentKind:
        """Return the kind of argument number `index`, counted from 0, in a call with so many."""
        if self.last is not None and n_arguments == index + 1:
            return self.last
        return self.arguments[min(index, len(self.arguments) - 1)]

    @property
    def takes_objects(self) -> bool:
        """Whether the function belongs to the four-vector functions."""
        return bool({"object", "angle"} & set(self.arguments))
