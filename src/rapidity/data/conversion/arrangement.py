"""Which objects of a collection are kept, and in which order: for all events of a chunk at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from rapidity.core.jagged import Jagged

if TYPE_CHECKING:
    from numpy.typing import NDArray

MOST_PADDING = 4
"""Sorting in padded rows is fastest, unless so few events have many objects that most of it is padding."""

FIRST_EVENTS = 256


@dataclass(frozen=True)
class Arrangement:
    """The objects of each event that are kept, in their order.

    Attributes
    ----------
    places
        Where they stand in the contents of the columns, or None for all of them as they are.
    counts
        Number of objects kept of each event ``(n_events,)`` int64.
    n_cut, n_events_cut
        Objects that fulfil the condition but are more than an event may keep; events that lose some.
    """

    places: NDArray[np.int64] | None
    counts: NDArray[np.int64]
    n_cut: int
    n_events_cut: int

    def apply(self, values: Jagged) -> Jagged:
        """Return a column of the collection with the objects that are kept."""
        content = values.content if self.places is None else values.content[self.places]
        return Jagged.from_counts(content, self.counts)

    def index_rows(self, width: int, n_values: int) -> NDArray[np.int64]:
        """Return where the values of padded rows stand ``(n_events, width)``: one index for all columns.

        Where there is no object it is `n_values`, one behind the last value: put a 0 there.
        """
        index = np.full((len(self.counts), width), n_values)
        is_object = np.arange(width) < self.counts[:, np.newaxis]
        index[is_object] = np.arange(n_values) if self.places is None else self.places
        return index


def arrange_objects(
    offsets: NDArray[np.int64],
    is_kept: NDArray[np.bool_] | None = None,
    key: NDArray[Any] | None = None,
    n_objects: int | None = None,
) -> Arrangement:
    """Return which objects are kept: those that fulfil a condition, ordered, the first so many.

    Parameters
    ----------
    offsets
        Where the objects of each event begin ``(n_events + 1,)``.
    is_kept
        The condition, for each object of all events; None: all.
    key
        What they are ordered by, for each object, the largest first; objects with equal keys stay in
        their order, NaN counts as minus infinity. None: they stay as they are.
    n_objects
        Most objects of an event.

    Examples
    --------
    >>> pt = np.array([20.0, 50.0, 30.0, 10.0])
    >>> arranged = arrange_objects(np.array([0, 3, 4]), pt > 15, pt, n_objects=2)
    >>> pt[arranged.places].tolist(), arranged.counts.tolist(), arranged.n_cut
    ([50.0, 30.0], [2, 0], 1)
    """
    places: NDArray[np.int64] | None = None
    if is_kept is not None and not is_kept.all():
        places = np.flatnonzero(is_kept)
        n_kept_before = np.zeros(len(is_kept) + 1, np.int64)
        np.cumsum(is_kept, out=n_kept_before[1:])
        offsets = n_kept_before[offsets]
    if key is not None:
        kept_key = key if places is None else key[places]
        order = _sort_descending(kept_key, offsets)
        if order is not None:
            places = order if places is None else places[order]
    counts = np.diff(offsets)
    if n_objects is None or counts.max(initial=0) <= n_objects:
        return Arrangement(places, counts, 0, 0)
    is_first = _ranks(offsets) < n_objects
    places = np.flatnonzero(is_first) if places is None else places[is_first]
    too_many = np.maximum(counts - n_objects, 0)
    return Arrangement(
        places, np.minimum(counts, n_objects), int(too_many.sum()), int(np.count_nonzero(too_many))
    )


def _ranks(offsets: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the position of each object in its event, from 0."""
    ranks = np.arange(offsets[-1])
    ranks -= np.repeat(offsets[:-1], np.diff(offsets))
    return ranks


def _sort_descending(key: NDArray[Any], offsets: NDArray[np.int64]) -> NDArray[np.int64] | None:
    """Return the places of the objects by descending key within their events; None if they are so already."""
    if key.dtype.kind != "f":
        key = key.astype(np.float64)
    ascending = -key
    # Stable sorting keeps infinities before the padding, which is infinite too but comes after them.
    is_nan = np.isnan(ascending)
    if is_nan.any():
        ascending[is_nan] = np.inf
    # Mostly the first events tell, and a look at all of them can be spared.
    n_first = min(FIRST_EVENTS, len(offsets) - 1)
    if _is_sorted(ascending[: offsets[n_first]], offsets[: n_first + 1]) and _is_sorted(ascending, offsets):
        return None
    counts = np.diff(offsets)
    width = int(counts.max(initial=0))
    if len(counts) * width > MOST_PADDING * len(key):
        return np.lexsort((ascending, np.repeat(np.arange(len(counts)), counts)))
    padded = Jagged(ascending, offsets).padded(width, fill=np.inf)
    order = np.argsort(padded, axis=1, kind="stable")
    order += offsets[:-1, np.newaxis]
    is_object = np.arange(width) < counts[:, np.newaxis]
    return order[is_object]


def _is_sorted(ascending: NDArray[Any], offsets: NDArray[np.int64]) -> bool:
    is_descent = ascending[1:] < ascending[:-1]
    # From the last object of an event to the first of the next one it may go down.
    borders = offsets[1:-1]
    is_descent[borders[(borders > 0) & (borders < len(ascending))] - 1] = False
    return not is_descent.any()
