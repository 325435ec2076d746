"""Which class each object of an event is given, from the probabilities of the classes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

SMALLEST = 1e-30
"""Probabilities are taken at least so large: the logarithm of zero would forbid what is only unlikely."""
STATES_AT_ONCE = 2**22
"""Events are taken in portions of so many sets of given classes, over all their objects."""


def assign_one_each(
    probabilities: NDArray[np.floating], offsets: NDArray[np.int64], one_each: Sequence[int]
) -> NDArray[np.int64]:
    """Return the class of each object, the likeliest of all that give some classes to one object at most.

    The product of the probabilities of an event's objects is largest. Found by going through the objects of
    all events side by side, with the best product for every set of classes that are given already (Held and
    Karp, J. SIAM 10 (1962) 196). -1 for objects whose probabilities are NaN.

    Parameters
    ----------
    probabilities
        Of all objects of all events ``(n_objects, n_classes)``.
    offsets
        Where the objects of each event begin, and where the last ones end ``(n_events + 1,)``.
    one_each
        Indices of the classes that an event has at most once; at least one class must be left out.

    Examples
    --------
    >>> both = np.array([[0.8, 0.2], [0.7, 0.3]])
    >>> assign_one_each(both, np.array([0, 2]), one_each=[0])
    array([0, 1])
    """
    single = np.array(sorted(one_each), np.int64)
    free = np.setdiff1d(np.arange(probabilities.shape[1]), single)
    log_p = np.log(np.maximum(np.nan_to_num(probabilities.astype(np.float64)), SMALLEST))
    best_free = free[np.argmax(log_p[:, free], axis=1)]
    gain = log_p[:, single] - np.take_along_axis(log_p, best_free[:, np.newaxis], axis=1)
    is_there = ~np.isnan(probabilities).any(axis=1)
    gain[~is_there] = -np.inf
    counts = np.diff(offsets)
    size = max(STATES_AT_ONCE // (2 ** len(single) * max(int(counts.max(initial=1)), 1)), 1)
    classes: NDArray[np.int64] = best_free
    for start in range(0, len(counts), size):
        stop = min(start + size, len(counts))
        own = slice(int(offsets[start]), int(offsets[stop]))
        chosen = _give_singles(gain[own], counts[start:stop])
        classes[own] = np.where(chosen >= 0, single[chosen], classes[own])
    classes[~is_there] = -1
    return classes


def _give_singles(gain: NDArray[np.float64], counts: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return which of the single classes each object gets, -1 for none, so that the sum of gains is largest.

    Parameters
    ----------
    gain
        What an object gains by each single class, over its likeliest other one ``(n_objects, n_single)``.
    counts
        Number of objects of each event.
    """
    n_events, n_single = len(counts), gain.shape[1]
    width = int(counts.max(initial=0))
    is_object = np.arange(width) < counts[:, np.newaxis]
    padded = np.full((n_events, width, n_single), -np.inf)
    padded[is_object] = gain
    sets = np.arange(2**n_single)
    best = np.full((n_events, len(sets)), -np.inf)
    best[:, 0] = 0.0
    taken = np.full((n_events, width, len(sets)), -1, np.int8)
    for place in range(width):
        found = best.copy()
        for k in range(n_single):
            with_k = sets[(sets >> k) & 1 == 1]
            value = best[:, with_k ^ (1 << k)] + padded[:, place, k, np.newaxis]
            is_better = value > found[:, with_k]
            found[:, with_k] = np.where(is_better, value, found[:, with_k])
            taken[:, place, with_k] = np.where(is_better, k, taken[:, place, with_k])
        best = found
    chosen = np.full((n_events, width), -1, np.int64)
    events, state = np.arange(n_events), np.argmax(best, axis=1)
    for place in range(width - 1, -1, -1):
        k = taken[events, place, state].astype(np.int64)
        chosen[:, place] = k
        state = np.where(k >= 0, state & ~(1 << np.maximum(k, 0)), state)
    return chosen[is_object]
