"""Objects in NumPy: those of all events end to end, so that neither padding nor long events cost memory."""

from __future__ import annotations

import functools
import math
from typing import TYPE_CHECKING, Any

import numpy as np

from rapidity.core.namespace import NUMPY
from rapidity.expressions.layout import Components, Layout, PerObject, Place, ReducePairs

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    Array = NDArray[Any]

PAIRS_AT_ONCE = 2**18
"""Pairs that are held at a time: few enough for the processor's cache."""


class FlatLayout(Layout):
    """Objects end to end ``(n_objects,)``; `kept` holds one truth value for each.

    Attributes
    ----------
    offsets
        Where the objects of each event begin, and where the last ones end ``(n_events + 1,)``.
    """

    def __init__(self, offsets: NDArray[np.int64], collection: str) -> None:
        super().__init__(collection, NUMPY)
        self.offsets = offsets

    @functools.cached_property
    def counts(self) -> NDArray[np.int64]:
        """Number of objects of each event ``(n_events,)``."""
        return np.diff(self.offsets)

    @functools.cached_property
    def event_of(self) -> NDArray[np.int64]:
        """The event of each object ``(n_objects,)``."""
        return np.repeat(np.arange(len(self.counts)), self.counts)

    def expand(self, value: Any) -> Any:
        """Return the value of each event once for each of its objects."""
        return value if np.ndim(value) == 0 else np.asarray(value).take(self.event_of)

    def fill(self, value: Any) -> Array:
        """Return a value of an event, or a constant, once for each object."""
        return np.broadcast_to(self.expand(value), (int(self.offsets[-1]),))

    def replace(self, values: Array, kept: Array | None, filler: float) -> Array:
        """Return the values with `filler` for objects that are not kept."""
        return values if kept is None else np.where(kept, values, filler)

    def sum_slots(self, values: Array) -> Array:
        """Return the sum of each event; whole numbers stay whole."""
        return self._reduce(np.add, values, 0)

    def max(self, values: Array, kept: Array | None) -> Array:
        """Return the maximum; NaN for nothing or if any is."""
        # Shorter than the rule for all: NumPy's maximum hands NaN on.
        found = self.max_slots(self.replace(np.asarray(values, np.float64), kept, -math.inf))
        return np.where(self.count(kept) > 0, found, math.nan)

    def max_slots(self, values: Array) -> Array:
        """Return the maximum of each event, NaN if any is."""
        return self._reduce(np.maximum, values, -math.inf)

    def _reduce(self, ufunc: Any, values: Array, empty: float) -> Array:
        # `reduceat` takes what lies from one start to the next: events without objects must not start any.
        is_filled = self.counts > 0
        found = ufunc.reduceat(values, self.offsets[:-1][is_filled])
        result = np.full(len(self.counts), empty, np.result_type(found.dtype, type(empty)))
        result[is_filled] = found
        return result

    def nth_slots(self, values: Array, index: int) -> Array:
        """Return the value number `index` in falling order, NaN where there is none."""
        ordered = values[np.lexsort((-values, self.event_of))]
        return self.take(ordered, self.place_of_index(index, None))

    def count(self, kept: Array | None) -> NDArray[np.int64]:
        """Return the number of objects of each event, int64."""
        return self.counts if kept is None else self.sum_slots(kept.astype(np.int64))

    def place_of_index(self, index: int, kept: Array | None) -> Place:
        """Return where object number `index` of each event lies."""
        if kept is None:
            return _count_off(index, self.offsets)
        positions, starts = self._list(kept)
        place = _count_off(index, starts)
        return Place(_take_safely(positions, place.position), place.exists)

    def _list(self, kept: Array | None) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return the positions of the kept objects, and where those of each event begin in that list."""
        if kept is None:
            return np.arange(self.offsets[-1]), self.offsets
        positions = np.flatnonzero(kept)
        return positions, np.searchsorted(positions, self.offsets)

    def place_of_first(self, chosen: Array) -> Place:
        """Return where the first chosen object of each event lies."""
        return self.place_of_index(0, chosen)

    def take(self, values: Array, place: Place) -> Array:
        """Return the value of one object of each event, float64."""
        return np.where(place.exists, _take_safely(values, place.position), math.nan)

    def match(
        self, first: PerObject, second: PerObject, components: Components, reduce: ReducePairs, *, once: bool
    ) -> PerObject:
        """Return for each first object what `reduce` makes of its pairs, some pairs at a time."""
        other: Any = second.layout
        rows, _ = self._list(first.kept)
        partners, starts = other._list(second.kept)
        events = self.event_of[rows]
        begin = np.arange(len(rows)) + 1 if once else starts[events]
        n_partners = starts[events + 1] - begin
        values = np.full(int(self.offsets[-1]), math.nan)
        has_pair = np.zeros(len(values), np.bool_)
        own = {**_components(first), **components}
        theirs = _components(second)
        same = other.collection == self.collection and not once
        for part in _split(n_partners):
            n_pairs = n_partners[part]
            pairs = FlatLayout(np.concatenate([[0], np.cumsum(n_pairs)]), self.collection)
            left = np.repeat(rows[part], n_pairs)
            right = partners[np.repeat(begin[part] - pairs.offsets[:-1], n_pairs) + np.arange(len(left))]
            kept = left != right if same else None
            values[rows[part]] = reduce(pairs, _pick(own, left), _pick(theirs, right), kept)
            has_pair[rows[part]] = pairs.count(kept) > 0
        return PerObject(values, self, has_pair)


def _count_off(index: int, starts: NDArray[np.int64]) -> Place:
    position = starts[:-1] + index if index >= 0 else starts[1:] + index
    n_needed = index + 1 if index >= 0 else -index
    return Place(position, np.diff(starts) >= n_needed)


def _take_safely(values: Array, positions: NDArray[np.int64]) -> Array:
    """Return values at positions; anything where the position lies outside."""
    if len(values) == 0:
        return np.zeros(len(positions), values.dtype)
    return values.take(positions, mode="clip")


def _components(objects: PerObject) -> dict[str, Any]:
    given = objects.value.given
    return {name: given[name] for name in given}


def _pick(components: dict[str, Any], positions: NDArray[np.int64]) -> dict[str, Any]:
    return {
        name: values if np.ndim(values) == 0 else values.take(positions)
        for name, values in components.items()
    }


def _split(n_partners: NDArray[np.int64]) -> Iterator[slice]:
    """Yield parts of the first objects that have about `PAIRS_AT_ONCE` pairs together."""
    ends = np.cumsum(n_partners)
    start = 0
    while start < len(ends):
        done = ends[start - 1] if start else 0
        stop = max(int(np.searchsorted(ends, done + PAIRS_AT_ONCE, side="right")), start + 1)
        yield slice(start, stop)
        start = stop
