"""Columns of objects on their way into a model: checked, cut into batches, padded to a common width."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from rapidity.core.errors import DataError, MissingNameError
from rapidity.core.jagged import Jagged

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    Batch = dict[str, NDArray[Any]]

OBJECTS_IN_A_BATCH = 2**16
"""Places for objects, taken or not: the values of a batch then stay in the processor's cache."""
PAIRS_IN_A_BATCH = 2**19
"""The same for pairs of objects, where a model looks at them (4 MiB a value)."""


def as_jagged(name: str, values: Any, columns: Mapping[str, Any], count: str) -> Jagged:
    """Return a column of objects that was given as `Jagged`, or padded beside a column of counts.

    Parameters
    ----------
    values
        `Jagged`, or ``(n_events, n_objects)``, of which the first so many of an event count.
    columns
        All columns that were given.
    count
        Name of the column with the number of objects of each event.

    Raises
    ------
    MissingNameError
        If values are padded and the counts are not there.
    DataError
        If the values are no numbers, or the counts do not fit them.
    """
    found = values if isinstance(values, Jagged) else np.asarray(values)
    if found.dtype.kind not in "fiub" or (isinstance(found, np.ndarray) and found.ndim != 2):
        shape = f" of shape {found.shape}" if isinstance(found, np.ndarray) else ""
        message = (
            f"column '{name}' must hold numbers for each object of an event: a Jagged column, or an array "
            f"(n_events, n_objects) beside the column '{count}'. Found {found.dtype}{shape}."
        )
        raise DataError(message)
    if isinstance(found, Jagged):
        return found
    if count not in columns:
        message = (
            f"column '{name}' is given as an array of shape {found.shape}, so the column '{count}' must say "
            f"how many of its {found.shape[1]} values an event has. Add it, or give '{name}' as a Jagged "
            "column."
        )
        raise MissingNameError(message)
    return Jagged.from_padded(found, _check_counts(count, np.asarray(columns[count]), name, found))


def _check_counts(count: str, counts: NDArray[Any], name: str, padded: NDArray[Any]) -> NDArray[Any]:
    if counts.shape != padded.shape[:1]:
        message = (
            f"column '{count}' must hold one number for each of the {len(padded)} events of '{name}', found "
            f"shape {counts.shape}."
        )
        raise DataError(message)
    bad = ~((counts >= 0) & (counts <= padded.shape[1]) & (counts == np.floor(counts)))
    if bad.any():
        row = int(np.argmax(bad))
        message = (
            f"column '{count}' is {counts[row]} in row {row}, but '{name}' holds {padded.shape[1]} values an "
            f"event: expected a whole number from 0 to {padded.shape[1]}. Correct the counts, or make the "
            "array wider."
        )
        raise DataError(message)
    return counts.astype(np.int64)


def cut_into_batches(
    n_events: int, most: int, columns: Mapping[str, Any], *, has_pairs: bool = False
) -> Iterator[slice]:
    """Yield consecutive rows: `most` events, fewer where padding them would take much memory.

    Parameters
    ----------
    has_pairs
        Whether the model computes something for each pair of objects.

    Examples
    --------
    >>> jets = Jagged.from_counts(np.zeros(5 * 512), np.full(5, 512))
    >>> [(rows.start, rows.stop) for rows in cut_into_batches(40, 16, {})]
    [(0, 16), (16, 32), (32, 40)]
    >>> len(list(cut_into_batches(5, 16, {"jets": jets})))
    1
    """
    counts = _largest_counts(columns)
    start = 0
    while start < n_events:
        stop = min(start + most, n_events)
        if counts is not None:
            width = np.maximum.accumulate(counts[start:stop])
            places = np.arange(1, len(width) + 1) * width
            fits = places <= OBJECTS_IN_A_BATCH
            if has_pairs:
                fits &= places * width <= PAIRS_IN_A_BATCH
            stop = start + max(int(np.count_nonzero(fits)), 1)
        yield slice(start, stop)
        start = stop


def _largest_counts(columns: Mapping[str, Any]) -> NDArray[np.int64] | None:
    """Return how many objects of any collection each event has, or None without collections."""
    offsets = {id(values.offsets): values for values in columns.values() if isinstance(values, Jagged)}
    if not offsets:
        return None
    largest: NDArray[np.int64] = np.maximum.reduce([values.counts for values in offsets.values()])
    return largest


def pad_objects(batch: Mapping[str, Any], members: Mapping[str, Sequence[str]]) -> Batch:
    """Return a batch with columns of objects padded with 0, and the counts of each collection.

    Parameters
    ----------
    members
        Name of the input of counts -> the columns of its collection, which share their offsets.
    """
    fed: Batch = {name: values for name, values in batch.items() if not isinstance(values, Jagged)}
    for count, names in members.items():
        counts = batch[names[0]].counts
        # At least one place: not every operator of ONNX takes a tensor without elements.
        width = max(int(counts.max(initial=0)), 1)
        rows = np.repeat(np.arange(len(counts)), counts)
        places = np.arange(len(rows)) - batch[names[0]].offsets[rows]
        for name in names:
            padded = np.zeros((len(counts), width), batch[name].dtype)
            padded[rows, places] = batch[name].content
            fed[name] = padded
        fed[count] = counts
    return fed
