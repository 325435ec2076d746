"""What happened to the nodes of a graph, and how many bytes were alive when.

Written for people who want to see how reverse-mode differentiation works: which nodes were computed, which
were not recorded because no required parameter stands behind them, which the backward pass visited, and
when each value was freed.
"""

from __future__ import annotations

import weakref
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    import numpy as np

Happening = Literal["computed", "freed", "visited"]


@dataclass(frozen=True)
class Event:
    """One moment of a graph's life.

    Attributes
    ----------
    node
        Number of the node, in the order of computation.
    live_bytes
        Bytes of all values and gradients alive after it.
    """

    happening: Happening
    node: int
    live_bytes: int


@dataclass
class Entry:
    """What is known of one node.

    Attributes
    ----------
    inputs
        Numbers of the nodes that it was computed from.
    is_recorded
        Whether the tape keeps it for the backward pass: a required parameter stands behind it.
    is_gradient
        Whether it was computed by a backward pass.
    freed_at
        Index into the events at which its value was freed; None while it is alive.
    visited_at
        Index into the events at which the backward pass came by; None if it never did.
    """

    number: int
    operation: str
    inputs: tuple[int, ...]
    shape: tuple[int, ...]
    n_bytes: int
    is_recorded: bool
    is_gradient: bool
    freed_at: int | None = None
    visited_at: int | None = None


class Journal:
    """Entries of all nodes in the order of computation, and the events of their lives."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []
        self.events: list[Event] = []
        self.live_bytes = 0
        self.is_backward = False
        self._numbers: dict[int, int] = {}

    @property
    def peak_bytes(self) -> int:
        """Largest number of bytes alive at a time."""
        return max((event.live_bytes for event in self.events), default=0)

    @property
    def computed(self) -> list[Entry]:
        """Nodes of the forward pass, leaves excluded."""
        return [entry for entry in self.entries if entry.operation and not entry.is_gradient]

    @property
    def skipped(self) -> list[Entry]:
        """Nodes of the forward pass that the backward pass did not visit."""
        return [entry for entry in self.computed if entry.visited_at is None]

    def number_of(self, array: np.ndarray[Any, Any]) -> int:
        """Return the number of the node whose value this is; a leaf gets one when it is first seen."""
        number = self._numbers.get(id(array))
        return self.add("", (), array, is_recorded=False) if number is None else number

    def add(
        self, operation: str, inputs: tuple[int, ...], array: np.ndarray[Any, Any], *, is_recorded: bool
    ) -> int:
        """Write down a new node and return its number."""
        number = len(self.entries)
        # A view owns no memory of its own.
        n_bytes = 0 if operation and any(self._shares(array, node) for node in inputs) else array.nbytes
        entry = Entry(number, operation, inputs, array.shape, n_bytes, is_recorded, self.is_backward)
        self.entries.append(entry)
        self._numbers[id(array)] = number
        weakref.finalize(array, self._free, id(array), number).atexit = False
        self._happen("computed", number, n_bytes)
        return number

    def visit(self, number: int) -> None:
        """Write down that the backward pass is at a node."""
        self.entries[number].visited_at = len(self.events)
        self._happen("visited", number, 0)

    def _shares(self, array: np.ndarray[Any, Any], node: int) -> bool:
        return array.base is not None and self._numbers.get(id(array.base)) == node

    def _free(self, identity: int, number: int) -> None:
        if self._numbers.get(identity) == number:
            del self._numbers[identity]
        self.entries[number].freed_at = len(self.events)
        self._happen("freed", number, -self.entries[number].n_bytes)

    def _happen(self, happening: Happening, number: int, n_bytes: int) -> None:
        self.live_bytes += n_bytes
        self.events.append(Event(happening, number, self.live_bytes))
