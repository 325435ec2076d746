"""Finding values that stand for "not measured": -999, -1, 0 and the like."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

_MAX_SENTINELS = 4
_MIN_OTHERS = 4
"""A column with fewer other values is a category or a flag, where no value stands apart."""

_MIN_OTHERS_ORDINARY = 10
_MIN_COUNT = 2
_MIN_SHARE = 1e-4
"""An outlier that is no sentinel hardly repeats exactly."""

_MIN_SHARE_INSIDE = 1e-3
_SMALLEST_INSIDE = 99.0

_CONVENTIONAL_GAP = 0.25
_SPIKE_GAP = 0.1
_ANY_GAP = 3.0
_SPIKE_RATIO = 10
_NEIGHBOURS = 20
_LARGEST_ORDINARY = 1e30


@dataclass(frozen=True)
class Sentinel:
    """A value that seems to mean "no value", and how often it stands in the column."""

    value: float
    count: int


def find_sentinels(values: NDArray[Any]) -> tuple[Sentinel, ...]:
    """Return the values of a column that seem to stand for a missing one, most frequent first.

    A sentinel is the smallest or largest value, repeats exactly (twice at least), stands beside at
    least four other values, and stands apart. How far depends on what else speaks for it: with the
    gap to the nearest other value measured in widths of the others (their 5 to 95 % range),

    - 0.25 if it is a number that people choose (nines such as -999, a number beyond 1e30);
    - 0.1 if it is a spike: 10 times as frequent as each of the 20 values next to it (0 for "not
      measured");
    - any gap for -1, if it is a spike and no other value is negative;
    - 3 otherwise.

    Except for the numbers that people choose, it must make up 1e-4 of the values and stand beside at
    least ten others. A number of nines may also lie among the others (-999 among momenta), if it is such a
    spike there and makes up 1e-3 of the values. This is a hint: only who made the file knows. NaN and
    infinities are left out.

    Examples
    --------
    >>> find_sentinels(np.array([-999.0, 31.5, -999.0, 40.25, 27.0, 55.5, 38.0]))
    (Sentinel(value=-999.0, count=2),)
    """
    finite = values[np.isfinite(values)].astype(np.float64)
    return find_among(*np.unique(finite, return_counts=True))


def find_among(distinct: NDArray[Any], counts: NDArray[np.int64]) -> tuple[Sentinel, ...]:
    """Return what `find_sentinels` does, from the distinct finite values and how often each stands."""
    distinct = distinct.astype(np.float64)
    found: list[Sentinel] = []
    while len(found) < _MAX_SENTINELS and len(distinct) > _MIN_OTHERS:
        end = next((end for end in (0, -1) if _is_sentinel(distinct, counts, end)), None)
        if end is None:
            break
        found.append(Sentinel(float(distinct[end]), int(counts[end])))
        inner = slice(1, None) if end == 0 else slice(None, -1)
        distinct, counts = distinct[inner], counts[inner]
    found += _find_inside(distinct, counts)
    return tuple(sorted(found, key=lambda sentinel: -sentinel.count))


def _find_inside(distinct: NDArray[np.float64], counts: NDArray[np.int64]) -> list[Sentinel]:
    """Return the numbers of nines that are a spike among the other values."""
    if len(distinct) < _MIN_OTHERS_ORDINARY:
        return []
    candidates = np.flatnonzero(counts >= max(_MIN_SHARE_INSIDE * counts.sum(), _MIN_COUNT))
    found = []
    for place in candidates[np.argsort(-counts[candidates], kind="stable")][:_MAX_SENTINELS]:
        around = np.r_[
            counts[max(place - _NEIGHBOURS, 0) : place], counts[place + 1 : place + 1 + _NEIGHBOURS]
        ]
        is_spike = counts[place] >= _SPIKE_RATIO * int(around.max())
        if is_spike and abs(distinct[place]) >= _SMALLEST_INSIDE and is_conventional(float(distinct[place])):
            found.append(Sentinel(float(distinct[place]), int(counts[place])))
    return found


def _is_sentinel(distinct: NDArray[np.float64], counts: NDArray[np.int64], end: int) -> bool:
    """Judge the smallest (end 0) or largest (end -1) of the distinct values."""
    value, count = float(distinct[end]), int(counts[end])
    inner = slice(1, None) if end == 0 else slice(None, -1)
    others, other_counts = distinct[inner], counts[inner]
    if count < _MIN_COUNT:
        return False
    gap = abs(value - float(others[0 if end == 0 else -1]))
    width = _width(others, other_counts)
    if is_conventional(value):
        return gap >= _CONVENTIONAL_GAP * width
    if count < _MIN_SHARE * counts.sum() or len(others) < _MIN_OTHERS_ORDINARY:
        return False
    neighbours = other_counts[:_NEIGHBOURS] if end == 0 else other_counts[-_NEIGHBOURS:]
    is_spike = count >= _SPIKE_RATIO * int(neighbours.max())
    if value == -1.0 and is_spike and others[0] >= 0:
        return True
    return gap >= (_SPIKE_GAP if is_spike else _ANY_GAP) * width


def is_conventional(value: float) -> bool:
    """Tell whether a number is one that people choose for "no value".

    Examples
    --------
    >>> [is_conventional(value) for value in (-999.0, -99.9, 9999.0, -9.0, 3.4e38, -100.0)]
    [True, True, True, False, True, False]
    """
    if abs(value) >= _LARGEST_ORDINARY:
        return True
    digits = f"{abs(value):g}".replace(".", "")
    return len(digits) >= 2 and set(digits) == {"9"}


def _width(distinct: NDArray[np.float64], counts: NDArray[np.int64]) -> float:
    """Return the 5 to 95 % range of the values."""
    cumulative = np.cumsum(counts) / counts.sum()
    low, high = np.searchsorted(cumulative, [0.05, 0.95])
    return float(distinct[min(high, len(distinct) - 1)] - distinct[low])
