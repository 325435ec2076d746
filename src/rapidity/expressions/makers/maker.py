"""What a feature maker is, and what it is given."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

MAX_MEMBERS = 20
"""Most objects of a collection that a maker takes one by one."""

Features = Iterator[tuple[str, str]]
"""Name and expression of each feature."""


@dataclass(frozen=True)
class GivenObject:
    """An object that a maker is called with.

    Attributes
    ----------
    name
        As declared in `data.objects`.
    is_collection
        Whether there are several of it in an event.
    components
        What it is given by: pt, eta, ...
    """

    name: str
    is_collection: bool
    components: tuple[str, ...]

    def members(self, n_members: int) -> list[Member]:
        """Return the first objects of a collection; a single object is its only member."""
        if not self.is_collection:
            return [Member(self.name, self.name, self.components)]
        return [Member(f"{self.name}{i}", f"{self.name}[{i}]", self.components) for i in range(n_members)]


@dataclass(frozen=True)
class Member:
    """One object of an event: a declared one, or one of a collection.

    Attributes
    ----------
    label
        Stands for it in names of features: `jets0`.
    text
        Stands for it in expressions: `jets[0]`.
    components
        What it is given by.
    """

    label: str
    text: str
    components: tuple[str, ...]


@dataclass(frozen=True)
class Maker:
    """A named group of features.

    Attributes
    ----------
    expand
        ``(objects, n) -> features``; n is how many objects of each collection are taken one by one.
    signature
        As a user writes it.
    description
        One line for the guide.
    default_members
        n unless written; None if the maker takes collections as a whole.
    """

    expand: Callable[[Sequence[GivenObject], int], Features]
    signature: str
    description: str
    default_members: int | None = None


def first_members(objects: Sequence[GivenObject], n_members: int) -> list[Member]:
    """Return the first members of all objects, in order."""
    return [member for each in objects for member in each.members(n_members)]
