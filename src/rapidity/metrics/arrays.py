"""What every metric asks of its arrays: matching lengths, finite numbers, classes that are known."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from rapidity.core.errors import DataError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray


ROUNDING = 1e-12
"""A sum of numbers that is smaller than this part of the sum of their sizes is rounding, and counts as zero:
0.1 + 0.2 - 0.3 is 6e-17 in float64."""


def sum_of_weights(event_weight: ArrayLike) -> float:
    """Return the sum of signed weights, in events; exactly 0 where they cancel but for rounding.

    Examples
    --------
    >>> sum_of_weights([0.1, 0.2, -0.3]), sum_of_weights([0.1, 0.2, -0.25]).__round__(9)
    (0.0, 0.05)
    """
    weight = np.asarray(event_weight, dtype=np.float64)
    total = float(weight.sum())
    return 0.0 if abs(total) <= ROUNDING * float(np.abs(weight).sum()) else total


def signed_sum(event_weight: NDArray[np.float64], values: NDArray[np.float64]) -> float:
    """Return the sum of values, each times its signed weight; exactly 0 where they cancel but for rounding.

    Parameters
    ----------
    values
        Numbers that are not negative, such as squares ``(n_events,)``.

    Examples
    --------
    >>> signed_sum(np.array([0.1, 0.2, -0.3]), np.ones(3))
    0.0
    """
    total = float(event_weight @ values)
    return 0.0 if abs(total) <= ROUNDING * float(np.abs(event_weight) @ values) else total


def sum_in_cells(
    cell: NDArray[np.int64], event_weight: NDArray[np.float64], n_cells: int
) -> NDArray[np.float64]:
    """Return the sum of signed weights in each cell ``(n_cells,)``, exactly 0 where they cancel.

    Also where they cancel but for rounding.

    Parameters
    ----------
    cell
        Number of the cell of each event ``(n_events,)``, from 0 to ``n_cells - 1``.

    Examples
    --------
    >>> sum_in_cells(np.array([0, 0, 0, 1]), np.array([0.1, 0.2, -0.3, 1.0]), 3)
    array([0., 1., 0.])
    """
    sums = np.bincount(cell, event_weight, minlength=n_cells).astype(np.float64)
    if len(event_weight) and event_weight.min() < 0:
        sizes = np.bincount(cell, np.abs(event_weight), minlength=n_cells)
        sums[np.abs(sums) <= ROUNDING * sizes] = 0.0
    return sums


def check_event_weight(event_weight: ArrayLike | None, n_events: int) -> NDArray[np.float64]:
    """Return the weights as float64 ``(n_events,)``; None stands for weights of 1.

    Raises
    ------
    DataError
        If the length differs from `n_events`, or a weight is NaN or infinite.
    """
    if event_weight is None:
        return np.ones(n_events)
    weight = np.asarray(event_weight, dtype=np.float64)
    if weight.shape != (n_events,):
        message = (
            f"event_weight has shape {weight.shape}, but there are {n_events} events. "
            "Give one weight an event."
        )
        raise DataError(message)
    if not np.isfinite(weight).all():
        first = int(np.flatnonzero(~np.isfinite(weight))[0])
        message = (
            f"event_weight holds {weight[first]} at event {first}, but every weight must be finite. "
            "Remove such events, or correct the expression of the weight."
        )
        raise DataError(message)
    return weight


def check_scores(scores: ArrayLike, n_events: int, name: str = "score") -> NDArray[np.floating[Any]]:
    """Return the scores as a floating-point array whose first axis has `n_events` entries, none NaN.

    Infinities pass: they have a place in every ranking, and the logarithm of a vanishing
    probability is one.

    Raises
    ------
    DataError
        If the number of events differs, or a score is NaN.
    """
    values = np.asarray(scores)
    if not np.issubdtype(values.dtype, np.floating):
        values = values.astype(np.float64)
    if len(values) != n_events:
        message = f"{name} has {len(values)} events, but the classes have {n_events}. Give one row an event."
        raise DataError(message)
    missing = np.isnan(values)
    if missing.any():
        rows = np.flatnonzero(missing.reshape(n_events, -1).any(axis=1))
        message = (
            f"{name} is NaN for {len(rows)} of {n_events} events, first at event {rows[0]}, and a NaN has no "
            "place in any ranking. Check the inputs of these events, and preparation.missing."
        )
        raise DataError(message)
    return values


def check_class_index(class_index: ArrayLike, n_classes: int) -> NDArray[np.int64]:
    """Return the class indices as int64 ``(n_events,)``, all from 0 to ``n_classes - 1``.

    Raises
    ------
    DataError
        If there is no event, or an index is out of range (-1 means that the class is not known).
    """
    index = np.asarray(class_index, dtype=np.int64)
    if index.ndim != 1 or not len(index):
        message = (
            f"class_index has shape {index.shape}, but a metric needs at least one event in one dimension."
        )
        raise DataError(message)
    if index.min() < 0 or index.max() >= n_classes:
        bad = index[(index < 0) | (index >= n_classes)]
        message = (
            f"class_index holds {bad[0]} ({len(bad)} events), but must lie in 0 to {n_classes - 1}. "
            "Events of unknown class can be scored, not evaluated: leave them out."
        )
        raise DataError(message)
    return index
