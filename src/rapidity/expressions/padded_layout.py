"""Objects in other namespaces: a row for each event, padded; a third axis for the partners in pairs."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from rapidity.expressions.layout import Components, Layout, PerObject, Place, ReducePairs

if TYPE_CHECKING:
    from rapidity.core.namespace import ObjectNamespace

Value = Any


class PaddedLayout(Layout):
    """Objects ``(n_events, n_objects)``; what stands in the padding is never looked at.

    Attributes
    ----------
    is_object
        ``(n_events, n_objects)`` truth values. A selection (`kept`) never keeps padding.
    """

    xp: ObjectNamespace

    def __init__(self, is_object: Value, collection: str, xp: ObjectNamespace) -> None:
        super().__init__(collection, xp)
        self.is_object = is_object

    def expand(self, value: Value) -> Value:
        """Return the value of each event with a last axis of length 1, which broadcasts."""
        return self.xp.expand(value)

    def fill(self, value: Value) -> Value:
        """Return a value of an event, or a constant, once for each object."""
        return self.xp.where(self.is_object, self.expand(value), 0.0)

    def replace(self, values: Value, kept: Value | None, filler: float) -> Value:
        """Return the values with `filler` in the padding and for objects that are not kept."""
        return self.xp.where(self.is_object if kept is None else kept, values, filler)

    def select(self, kept: Value | None, condition: Value) -> Value:
        """Return which objects are kept; padding never is."""
        return self.xp.logical_and(self.is_object if kept is None else kept, condition)

    def sum_slots(self, values: Value) -> Value:
        """Return the sum along the objects."""
        return self.xp.sum_last(values)

    def max_slots(self, values: Value) -> Value:
        """Return the maximum along the objects."""
        return self.xp.max_last(values)

    def nth_slots(self, values: Value, index: int) -> Value:
        """Return the value number `index` in falling order along the objects."""
        return self.xp.nth_last(values, index)

    def count(self, kept: Value | None) -> Value:
        """Return the number of objects of each event."""
        return self.xp.sum_last(self.xp.where(self.is_object if kept is None else kept, 1.0, 0.0))

    def place_of_index(self, index: int, kept: Value | None) -> Place:
        """Return where object number `index` of each event lies."""
        if kept is None and index >= 0:
            return Place(index, self.count(None) > float(index))  # objects come before padding
        counted = self.is_object if kept is None else kept
        from_end = index < 0
        rank = -index if from_end else index + 1
        number = self.xp.count_last(counted, from_end=from_end)
        return self.place_of_first(self.xp.logical_and(counted, number == float(rank)))

    def place_of_first(self, chosen: Value) -> Place:
        """Return where the first chosen object of each event lies."""
        return Place(self.xp.first_last(chosen), self.count(chosen) > 0.0)

    def take(self, values: Value, place: Place) -> Value:
        """Return the value of one object of each event."""
        return self.xp.where(place.exists, self.xp.take_last(values, place.position), math.nan)

    def match(
        self, first: PerObject, second: PerObject, components: Components, reduce: ReducePairs, *, once: bool
    ) -> PerObject:
        """Return for each first object what `reduce` makes of its pairs, all pairs at once."""
        other: Any = second.layout
        kept = self.is_object if first.kept is None else first.kept
        partners = other.is_object if second.kept is None else second.kept
        is_pair = self.xp.logical_and(self.xp.as_first(kept), self.xp.as_second(partners))
        if other.collection == self.collection:
            left = self.xp.as_first(self.xp.positions(kept))
            right = self.xp.as_second(self.xp.positions(partners))
            is_pair = self.xp.logical_and(is_pair, left < right if once else left != right)
        pairs = PaddedLayout(is_pair, self.collection, self.xp)
        own = {name: self.xp.as_first(value) for name, value in components.items()}
        own |= {name: self.xp.as_first(value) for name, value in first.value.given.items()}
        theirs = {name: self.xp.as_second(value) for name, value in second.value.given.items()}
        values = reduce(pairs, own, theirs, None)
        return PerObject(values, self, self.select(kept, pairs.count(None) > 0.0))
