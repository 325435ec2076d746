"""Intervals by the bootstrap: what the spread of a number would be over repeated experiments.

Each replica gives every event a count drawn from a Poisson distribution of mean 1, and the statistic
is recomputed with ``event_weight * count``. Chosen over drawing n of n events with replacement
because it needs no bookkeeping of rows (events keep their order, so scores are sorted once for all
replicas), because the number of events of an experiment does fluctuate, and because it works with
signed weights; for numbers that do not depend on the total it gives the same intervals.
Source: Efron, Ann. Stat. 7 (1979) 1; Chamandy et al., Estimating uncertainty for massive data streams,
Google (2012), for the Poisson form.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from rapidity.core.errors import DataError
from rapidity.metrics.accuracy import weighted_mean
from rapidity.metrics.arrays import check_event_weight

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import ArrayLike, NDArray

LARGEST_COUNT = 8
"""Larger Poisson counts (probability 1.1e-6 an event) are drawn as this one."""


@dataclass(frozen=True)
class Estimate:
    """A number with its interval, all in the unit of the number."""

    value: float
    low: float
    high: float


def replicate(
    statistic: Callable[[NDArray[np.int8]], ArrayLike],
    n_events: int,
    n_replicas: int,
    rng: np.random.Generator,
) -> NDArray[np.float64]:
    """Return the statistic of `n_replicas` bootstrap replicas, shape ``(n_replicas, n_values)``.

    Parameters
    ----------
    statistic
        Takes how often each event counts, int8 ``(n_events,)``, and gives one or more numbers.
        Numbers computed together from the same counts keep their correlations.
    """
    return np.array(
        [np.atleast_1d(statistic(_draw_counts(n_events, rng))) for _ in range(n_replicas)], dtype=np.float64
    )


def percentile_interval(
    replicas: NDArray[np.float64], confidence_level: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the ends of the central interval that holds `confidence_level` of the replicas.

    Replicas in which a number is not defined (NaN: a class drew no event) are left out.

    Parameters
    ----------
    replicas
        Shape ``(n_replicas, n_values)``.

    Returns
    -------
    low, high
        Each ``(n_values,)``; NaN where fewer than half of the replicas are defined.

    Examples
    --------
    >>> low, high = percentile_interval(np.arange(101.0)[:, np.newaxis], 0.90)
    >>> low, high
    (array([5.]), array([95.]))
    """
    tail = (1 - confidence_level) / 2
    ends = np.full((2, replicas.shape[1]), np.nan)
    for column, values in enumerate(replicas.T):
        defined = values[~np.isnan(values)]
        if len(defined) * 2 >= len(values):
            ends[:, column] = np.quantile(defined, [tail, 1 - tail])
    return ends[0], ends[1]


def paired_difference(
    a: ArrayLike,
    b: ArrayLike,
    event_weight: ArrayLike | None = None,
    *,
    rng: np.random.Generator,
    n_replicas: int = 1000,
    confidence_level: float = 0.95,
) -> Estimate:
    """Return the weighted mean of ``a - b`` with its interval, in the unit of the values.

    For two models scored on the same events: with `a` and `b` from `log_loss_per_event`, it is the
    difference of their log-losses in nats, below zero where `a` is better. Pairing takes out what
    makes an event hard for both, so that the interval is much narrower than those of the two losses.

    Parameters
    ----------
    a, b
        One value an event, in the same order ``(n_events,)``.
    event_weight
        Signed weights ``(n_events,)``; None stands for weights of 1.

    Raises
    ------
    DataError
        If the lengths differ or the weights sum to zero.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> loss = rng.exponential(size=1000)
    >>> paired_difference(loss, loss + 0.1, rng=rng).value.__round__(9)
    -0.1
    """
    first, second = np.asarray(a, dtype=np.float64), np.asarray(b, dtype=np.float64)
    if first.shape != second.shape or first.ndim != 1:
        message = (
            f"values of shapes {first.shape} and {second.shape} cannot be paired. "
            "Score the same events, in the same order, with both models."
        )
        raise DataError(message)
    weight = check_event_weight(event_weight, len(first))
    weighted = weight * (first - second)

    def mean(counts: NDArray[np.int8]) -> float:
        numbers = counts.astype(np.float64)
        total = float((numbers * weight).sum())
        return float((numbers * weighted).sum()) / total if total != 0 else float("nan")

    low, high = percentile_interval(replicate(mean, len(first), n_replicas, rng), confidence_level)
    return Estimate(weighted_mean(first - second, weight, "difference"), float(low[0]), float(high[0]))


def _count_of_draw() -> NDArray[np.int8]:
    """Return the Poisson count of each 16-bit number: its distribution, inverted, to 1.5e-5."""
    terms = [math.exp(-1) / math.factorial(k) for k in range(LARGEST_COUNT)]
    ends = np.round(np.cumsum(terms) * 65536)
    return np.searchsorted(ends, np.arange(65536), side="right").astype(np.int8)


_COUNT_OF_DRAW = _count_of_draw()


def _draw_counts(n_events: int, rng: np.random.Generator) -> NDArray[np.int8]:
    # Ten times faster than rng.poisson, which matters: 200 replicas of 200,000 events are 40 million draws.
    return _COUNT_OF_DRAW[rng.integers(0, 65536, size=n_events, dtype=np.uint16)]
