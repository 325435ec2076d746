"""How the objects of a collection lie in an array, and what can be asked of all objects of an event.

The rules (nothing there, NaN, selections) are written here, once; `flat_layout` has the array operations for
NumPy, where the objects of all events lie end to end, and `padded_layout` those for other namespaces, where
each event has a row.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rapidity.physics.momentum import Momentum

if TYPE_CHECKING:
    from rapidity.core.namespace import ArrayNamespace

Value = Any
Components = Mapping[str, Value]
ReducePairs = Callable[["Layout", Components, Components, Value], Value]
"""``(layout of pairs, components of the first, of the second, which count) -> a value a first object``."""


@dataclass(frozen=True)
class Place:
    """One object of each event, or none."""

    position: Value
    exists: Value


@dataclass(frozen=True)
class PerObject:
    """A value for each object of a collection.

    Attributes
    ----------
    value
        Numbers, conditions or a `Momentum` of them, for all objects of the collection in its layout.
    kept
        Which objects a selection kept; None for all. What the others have means nothing.
    """

    value: Value
    layout: Layout
    kept: Value | None = None


class Layout(ABC):
    """The objects of one collection; `kept` says which of them count, None stands for all.

    Values of the layout hold one entry for each object, and perhaps padding; values of an event have
    one entry for each event. In the layout of pairs, "event" is the first object of the pairs.
    """

    def __init__(self, collection: str, xp: ArrayNamespace) -> None:
        self.collection, self.xp = collection, xp

    @abstractmethod
    def expand(self, value: Value) -> Value:
        """Return the value of each event beside its objects, so that both can be computed with."""

    @abstractmethod
    def fill(self, value: Value) -> Value:
        """Return a value of an event, or a constant, as one for each object."""

    @abstractmethod
    def replace(self, values: Value, kept: Value | None, filler: float) -> Value:
        """Return the values with `filler` where there is no object, or one that is not kept."""

    @abstractmethod
    def sum_slots(self, values: Value) -> Value:
        """Return the sum over everything that lies in an event."""

    @abstractmethod
    def max_slots(self, values: Value) -> Value:
        """Return the maximum over everything that lies in an event, -inf for nothing; NaN may be lost."""

    @abstractmethod
    def nth_slots(self, values: Value, index: int) -> Value:
        """Return the value number `index` in falling order; anything where there are not that many."""

    @abstractmethod
    def count(self, kept: Value | None) -> Value:
        """Return the number of objects of each event."""

    @abstractmethod
    def place_of_index(self, index: int, kept: Value | None) -> Place:
        """Return where object number `index` of each event lies; below zero, counted from the end."""

    @abstractmethod
    def place_of_first(self, chosen: Value) -> Place:
        """Return where the first chosen object of each event lies; padding is never chosen."""

    @abstractmethod
    def take(self, values: Value, place: Place) -> Value:
        """Return the value of one object of each event; NaN for none."""

    @abstractmethod
    def match(
        self, first: PerObject, second: PerObject, components: Components, reduce: ReducePairs, *, once: bool
    ) -> PerObject:
        """Return for each first object what `reduce` makes of its pairs; kept are those that have one.

        Parameters
        ----------
        first, second
            Objects with their components derived; `first` is of this layout. No object pairs with itself.
        components
            Further values of the first objects, handed to `reduce` with theirs.
        once
            Take each pair of the same objects in one order only.
        """

    def select(self, kept: Value | None, condition: Value) -> Value:
        """Return which objects are kept by a selection and a further condition."""
        return condition if kept is None else self.xp.logical_and(kept, condition)

    def sum(self, values: Value, kept: Value | None) -> Value:
        """Return the sum; 0 for nothing, NaN if any is."""
        return self.sum_slots(self.replace(values, kept, 0))

    def max(self, values: Value, kept: Value | None) -> Value:
        """Return the maximum; NaN for nothing or if any is."""
        return self._unless_undefined(self.max_slots(self._hide_nan(values, kept)), values, kept)

    def min(self, values: Value, kept: Value | None) -> Value:
        """Return the minimum; NaN for nothing or if any is."""
        return -self.max(-values, kept)

    def nth(self, values: Value, kept: Value | None, index: int) -> Value:
        """Return the value number `index` in falling order; NaN for none or if any is NaN."""
        found = self.nth_slots(self._hide_nan(values, kept), index)
        return self._unless_undefined(found, values, kept, at_least=index + 1)

    def any(self, condition: Value, kept: Value | None) -> Value:
        """Return whether the condition holds for an object; not for nothing."""
        return self.count(self.select(kept, condition)) > 0

    def place_of_max(self, values: Value, kept: Value | None) -> Place:
        """Return where the first object with the maximum lies; nowhere if any is NaN."""
        top = self.expand(self.max(values, kept))
        return self.place_of_first(self.select(kept, values == top))

    def closest(self, values: Value, target: Value, kept: Value | None) -> Value:
        """Return the value next to the target, of two the smaller one; NaN for nothing or if any is.

        Parameters
        ----------
        target
            One for each object, or a constant.
        """
        distance = self.xp.absolute(values - target)
        is_closest = distance == self.expand(self.min(distance, kept))
        return self.min(values, self.select(kept, is_closest))

    def _hide_nan(self, values: Value, kept: Value | None) -> Value:
        return self.replace(self.xp.where(self.xp.isnan(values), -math.inf, values), kept, -math.inf)

    def _unless_undefined(self, result: Value, values: Value, kept: Value | None, at_least: int = 1) -> Value:
        """Return the result, NaN where any of the values is, or where there are too few."""
        too_few = self.count(kept) < at_least
        is_undefined = self.xp.logical_or(too_few, self.any(self.xp.isnan(values), kept))
        return self.xp.where(is_undefined, math.nan, result)


class LazyComponents(Mapping[str, Value]):
    """Components that are computed when they are first asked for."""

    def __init__(self, names: tuple[str, ...], compute: Callable[[str], Value]) -> None:
        self.names, self.compute = names, compute
        self._known: dict[str, Value] = {}

    def __getitem__(self, name: str) -> Value:
        if name not in self.names:
            raise KeyError(name)
        if name not in self._known:
            self._known[name] = self.compute(name)
        return self._known[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.names)

    def __contains__(self, name: object) -> bool:
        return name in self.names

    def __len__(self) -> int:
        return len(self.names)


def derive(momentum: Momentum, needs: tuple[str, ...]) -> Momentum:
    """Return the momentum with these components, each computed once when it is first asked for."""
    return Momentum(LazyComponents(needs, lambda name: getattr(momentum, name)), momentum.xp)


def map_components(momentum: Momentum, function: Callable[[Value], Value]) -> Momentum:
    """Return the momentum whose components went through a function."""
    given = momentum.given
    return Momentum(LazyComponents(tuple(given), lambda name: function(given[name])), momentum.xp)
