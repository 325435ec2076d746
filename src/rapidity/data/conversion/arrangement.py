"""Which objects of a collection are kept, and in which order: for all events of a chunk at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from rapidity.core.jagged import Jagged

if TYPE_CHECKING:
    from numpy.typing import NDArray

MOST_PADDING = 16
"""Sorting in padded rows is fastest, unless so few events have many objects that most of it is padding."""
FIRST_EVENTS = 256
MOST_POSITIONS = 2**16


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


@dataclass(frozen=True)
class RowArrangement:
    """The objects of each event that are kept, in rows of equal length.

    Attributes
    ----------
    index
        Where they stand in the contents of the columns ``(n_events, width)``; where there is no object,
        one behind the last.
    """

    index: NDArray[np.int64]
    counts: NDArray[np.int64]
    n_cut: int
    n_events_cut: int

    def apply(self, values: Jagged) -> NDArray[Any]:
        """Return a column of the collection in rows, filled up with 0."""
        return np.append(values.content, values.dtype.type(0)).take(self.index)


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
    counts = np.diff(offsets) if is_kept is None else np.diff(_choose(offsets, is_kept)[1])
    if n_objects is None:
        width = int(counts.max(initial=0))
        if len(counts) * width > MOST_PADDING * int(offsets[-1]):
            return _arrange_apart(offsets, is_kept, key)
    rows = arrange_rows(offsets, is_kept, key, width if n_objects is None else n_objects)
    places = rows.index[rows.index < offsets[-1]]
    is_unchanged = len(places) == offsets[-1] and bool((np.diff(places) == 1).all())
    return Arrangement(None if is_unchanged else places, rows.counts, rows.n_cut, rows.n_events_cut)


def arrange_rows(
    offsets: NDArray[np.int64],
    is_kept: NDArray[np.bool_] | None,
    key: NDArray[Any] | None,
    width: int,
) -> RowArrangement:
    """Return the same as `arrange_objects` for at most `width` objects, in rows of that length.

    Examples
    --------
    >>> pt = np.array([20.0, 50.0, 30.0, 10.0])
    >>> arrange_rows(np.array([0, 3, 4]), pt > 15, pt, 2).apply(Jagged(pt, np.array([0, 3, 4])))
    array([[50., 30.],
           [ 0.,  0.]])
    """
    n_values = int(offsets[-1])
    places, offsets = (None, offsets) if is_kept is None else _choose(offsets, is_kept)
    counts = np.diff(offsets)
    n_columns = min(width, int(counts.max(initial=0)))
    index = offsets[:-1, np.newaxis] + np.arange(n_columns)
    if key is not None and n_columns:
        order = _sort_descending(key if places is None else key[places], offsets)
        if order is not None and order.ndim == 2:
            index = order[:, :n_columns] + offsets[:-1, np.newaxis]
        elif order is not None:
            index = order.take(index, mode="clip")
    if places is not None and n_columns:
        index = places.take(index, mode="clip")
    rows = np.full((len(counts), width), n_values)
    np.copyto(rows[:, :n_columns], index, where=np.arange(n_columns) < counts[:, np.newaxis])
    too_many = np.maximum(counts - width, 0)
    return RowArrangement(
        rows, np.minimum(counts, width), int(too_many.sum()), int(np.count_nonzero(too_many))
    )


def _arrange_apart(
    offsets: NDArray[np.int64], is_kept: NDArray[np.bool_] | None, key: NDArray[Any] | None
) -> Arrangement:
    """Return the objects that are kept, all of them, without rows: few events have most of the objects."""
    places, offsets = (None, offsets) if is_kept is None else _choose(offsets, is_kept)
    if key is not None:
        order = _sort_apart(_ascending(key if places is None else key[places]), offsets)
        places = order if places is None else places[order]
    return Arrangement(places, np.diff(offsets), 0, 0)


def _choose(
    offsets: NDArray[np.int64], is_kept: NDArray[np.bool_]
) -> tuple[NDArray[np.int64] | None, NDArray[np.int64]]:
    """Return the places of the objects that fulfil a condition (None: all do), and their offsets."""
    if is_kept.all():
        return None, offsets
    n_kept_before = np.zeros(len(is_kept) + 1, np.int64)
    np.cumsum(is_kept, out=n_kept_before[1:])
    return np.flatnonzero(is_kept), n_kept_before[offsets]


def _ascending(key: NDArray[Any]) -> NDArray[Any]:
    """Return what sorts upwards as the key does downwards, NaN last."""
    # From zero, so that there is no minus zero, which would be told apart from zero.
    ascending: NDArray[Any] = 0.0 - (key if key.dtype.kind == "f" else key.astype(np.float64))
    is_nan = np.isnan(ascending)
    if is_nan.any():
        ascending[is_nan] = np.inf
    return ascending


def _sort_descending(key: NDArray[Any], offsets: NDArray[np.int64]) -> NDArray[np.int64] | None:
    """Return the objects by descending key: None if they are so already.

    In two dimensions the positions in the event, row by row ``(n_events, n_most)``; in one the places
    ``(n_objects,)``.
    """
    ascending = _ascending(key)
    # Mostly the first events tell, and a look at all of them can be spared.
    n_first = min(FIRST_EVENTS, len(offsets) - 1)
    if _is_sorted(ascending[: offsets[n_first]], offsets[: n_first + 1]) and _is_sorted(ascending, offsets):
        return None
    n_events, width = len(offsets) - 1, int(np.diff(offsets).max(initial=0))
    if n_events * width > MOST_PADDING * len(key):
        return _sort_apart(ascending, offsets)
    # Stable sorting keeps infinities before the padding, which is infinite too but comes after them.
    padded = Jagged(ascending, offsets).padded(width, fill=np.inf)
    return _sort_rows(padded)


def _sort_rows(rows: NDArray[Any]) -> NDArray[np.int64]:
    """Return the positions of the values of each row, the smallest first, equal ones in their order."""
    if rows.dtype != np.float32 or rows.shape[1] > MOST_POSITIONS:
        return np.argsort(rows, axis=1, kind="stable")
    # Whole numbers of 64 bits are sorted several times as fast as an order is found: in front the bits of the
    # value, turned such that they sort like it (IEEE 754), behind them its position.
    bits = rows.view(np.uint32)
    sign = bits >> np.uint32(31)
    keyed = (bits ^ (sign * np.uint32(0x7FFFFFFF) + np.uint32(0x80000000))).astype(np.uint64)
    keyed <<= np.uint64(16)
    keyed |= np.arange(rows.shape[1], dtype=np.uint64)
    keyed.sort(axis=1)
    keyed &= np.uint64(MOST_POSITIONS - 1)
    return keyed.view(np.int64)


def _sort_apart(ascending: NDArray[Any], offsets: NDArray[np.int64]) -> NDArray[np.int64]:
    counts = np.diff(offsets)
    return np.lexsort((ascending, np.repeat(np.arange(len(counts)), counts)))


def _is_sorted(ascending: NDArray[Any], offsets: NDArray[np.int64]) -> bool:
    is_descent = ascending[1:] < ascending[:-1]
    # From the last object of an event to the first of the next one it may go down.
    borders = offsets[1:-1]
    is_descent[borders[(borders > 0) & (borders < len(ascending))] - 1] = False
    return not is_descent.any()
