"""What happened to the nodes of a graph, and how many bytes were alive when.

Written for people who want to see how reverse-mode differentiation works: which nodes were computed, which
were not recorded because no required parameter stands behind them, which the backward pass visited, and
when each value was freed. A journal costs time; without one nothing is written down.
"""

from __future__ import annotations

import weakref
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rapidity.autodiff.workspace import Array

Happening = Literal["computed", "visited", "freed"]


class Event(NamedTuple):
    """One moment of a graph's life: what happened to which node, and the bytes alive after it."""

    happening: Happening
    node: int
    live_bytes: int


@dataclass
class Entry:
    """What is known of one node.

    Attributes
    ----------
    number
        Position in the order of computation.
    operation
        Name of the operation; empty for a leaf, which is written down when it is first used.
    inputs
        Numbers of the nodes that it was computed from; numbers among the operands are no nodes.
    n_bytes
        Memory that came with it: 0 for a view of another value.
    is_recorded
        Whether the tape keeps it for the backward pass: a required parameter stands behind it.
    is_gradient
        Whether it was computed by a backward pass.
    freed_at
        Index into the events at which its value was freed; None while it is alive.
    visited_at
        Index into the events at which the backward pass came by; None if it never did.
    value, gradient
        Copies, if the journal keeps them; the gradient is that which arrived at the node.
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
    value: Array | None = field(default=None, repr=False)
    gradient: Array | None = field(default=None, repr=False)


class Journal:
    """Entries of all nodes in the order of computation, and the events of their lives.

    Parameters
    ----------
    keeps_values
        Whether entries hold copies of values and gradients, for teaching and drawing. Copies are not
        counted among the live bytes.

    Examples
    --------
    >>> import rapidity.autodiff as ad
    >>> journal = ad.Journal()
    >>> w = ad.tensor([1.0, 2.0], requires_gradient=True, workspace=ad.Workspace(journal=journal))
    >>> ad.exp(w * 3.0).sum().backward()
    >>> print(journal.summary())
    computed 3 nodes forward, 4 backward; skipped 0; freed 6
    most bytes alive at a time: 64
    """

    def __init__(self, *, keeps_values: bool = False) -> None:
        self.entries: list[Entry] = []
        self.events: list[Event] = []
        self.live_bytes = 0
        self.keeps_values = keeps_values
        self._backward_depth = 0
        self._numbers: dict[int, int] = {}
        self._users: dict[int, int] = {}
        """Identity of memory -> number of living values on it: several views share one piece."""

    @property
    def peak_bytes(self) -> int:
        """Largest number of bytes alive at a time."""
        return max((event.live_bytes for event in self.events), default=0)

    @property
    def computed(self) -> list[Entry]:
        """Nodes of the forward pass, leaves excluded."""
        return [entry for entry in self.entries if entry.operation and not entry.is_gradient]

    @property
    def gradients(self) -> list[Entry]:
        """Nodes computed by backward passes."""
        return [entry for entry in self.entries if entry.operation and entry.is_gradient]

    @property
    def skipped(self) -> list[Entry]:
        """Nodes of the forward pass that no backward pass visited."""
        return [entry for entry in self.computed if entry.visited_at is None]

    @property
    def freed(self) -> list[Entry]:
        """Nodes, leaves excluded, whose values are gone."""
        return [entry for entry in self.entries if entry.operation and entry.freed_at is not None]

    def rows(self) -> list[tuple[int, str, str, int]]:
        """Return live bytes over time: index of the event, what happened, operation, bytes alive after it."""
        return [
            (index, event.happening, self.entries[event.node].operation or "leaf", event.live_bytes)
            for index, event in enumerate(self.events)
        ]

    def summary(self) -> str:
        """Return the counts and the peak in two lines."""
        return (
            f"computed {len(self.computed)} nodes forward, {len(self.gradients)} backward;"
            f" skipped {len(self.skipped)}; freed {len(self.freed)}\n"
            f"most bytes alive at a time: {self.peak_bytes:,}"
        )

    def when_freed(self, number: int) -> str:
        """Return in words when the value of a node was freed.

        Examples
        --------
        >>> import rapidity.autodiff as ad
        >>> journal = ad.Journal()
        >>> w = ad.tensor(2.0, requires_gradient=True, workspace=ad.Workspace(journal=journal))
        >>> value = ad.sin(w + 1.0) * 3.0
        >>> value.backward()
        >>> [journal.when_freed(number) for number in (1, 2, 3)]
        ['backward, with node 2 (sin)', 'forward, with node 3 (multiply)', 'kept']
        """
        moment = self.entries[number].freed_at
        if moment is None:
            return "kept"
        # The last thing that was done before: gradients are computed while a node is being visited.
        for event in reversed(self.events[:moment]):
            entry = self.entries[event.node]
            if event.happening == "visited" or (event.happening == "computed" and not entry.is_gradient):
                stage = "backward" if event.happening == "visited" else "forward"
                return f"{stage}, with node {entry.number} ({entry.operation or 'leaf'})"
        return "at once"

    def number_of(self, array: Array) -> int:
        """Return the number of the node whose value this is; a leaf gets one when it is first seen."""
        number = self._numbers.get(id(array))
        return self.add("", (), array, is_recorded=False) if number is None else number

    def add(
        self,
        operation: str,
        inputs: Sequence[Any],
        array: Array,
        *,
        is_recorded: bool,
        extras: Sequence[Any] = (),
    ) -> int:
        """Write down a new node and return its number; extra results count among its bytes."""
        numbers = tuple(self.number_of(value) for value in inputs if isinstance(value, np.ndarray))
        number = len(self.entries)
        n_bytes = self._hold(array) + sum(
            self._hold_extra(extra) for extra in extras if isinstance(extra, np.ndarray)
        )
        entry = Entry(number, operation, numbers, array.shape, n_bytes, is_recorded, self._backward_depth > 0)
        if self.keeps_values:
            entry.value = array.copy()
        self.entries.append(entry)
        self._numbers[id(array)] = number
        weakref.finalize(array, self._free, id(array), _owner(array), number).atexit = False
        self._happen("computed", number, n_bytes)
        return number

    def visit(self, number: int, gradient: Array) -> None:
        """Write down that the backward pass is at a node, and what arrived there."""
        self.entries[number].visited_at = len(self.events)
        if self.keeps_values:
            self.entries[number].gradient = gradient.copy()
        self._happen("visited", number, 0)

    def begin_backward(self) -> None:
        """Have what is computed from now on be gradients."""
        self._backward_depth += 1

    def end_backward(self) -> None:
        """Have what is computed from now on be values again."""
        self._backward_depth -= 1

    def _hold(self, array: Array) -> int:
        """Count another value on a piece of memory; return the bytes that this adds."""
        owner = _owner(array)
        n_users = self._users.get(owner.identity, 0)
        self._users[owner.identity] = n_users + 1
        return owner.n_bytes if n_users == 0 else 0

    def _hold_extra(self, array: Array) -> int:
        n_bytes = self._hold(array)
        weakref.finalize(array, self._let_go, _owner(array)).atexit = False
        return n_bytes

    def _let_go(self, owner: _Owner) -> None:
        self._users[owner.identity] -= 1
        if self._users[owner.identity] == 0:
            del self._users[owner.identity]
            self.live_bytes -= owner.n_bytes

    def _free(self, identity: int, owner: _Owner, number: int) -> None:
        if self._numbers.get(identity) == number:
            del self._numbers[identity]
        self._let_go(owner)
        self.entries[number].freed_at = len(self.events)
        self._happen("freed", number, 0)

    def _happen(self, happening: Happening, number: int, n_bytes: int) -> None:
        self.live_bytes += n_bytes
        self.events.append(Event(happening, number, self.live_bytes))


class _Owner(NamedTuple):
    """The memory under an array, which lives as long as any view of it."""

    identity: int
    n_bytes: int


def _owner(array: Array) -> _Owner:
    base = array
    while isinstance(base.base, np.ndarray):
        base = base.base
    return _Owner(id(base), base.nbytes)
