"""Bootstrap intervals of the headline numbers, all from the same replicas."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from rapidity.metrics import (
    Estimate,
    RankedScores,
    log_loss_per_event,
    percentile_interval,
    predicted_class,
    replicate,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from rapidity.evaluation.events import ScoredEvents


def estimate_headlines(
    events: ScoredEvents, n_replicas: int, confidence_level: float, rng: np.random.Generator
) -> list[Estimate]:
    """Return the AUC of each class, their mean, accuracy and log-loss (nats), in that order, with intervals.

    Scores are sorted once; a replica costs O(n) a class. One replica uses the same counts for all
    numbers.
    """
    statistic = headline_statistic(events)
    central = statistic(np.ones(events.n_events, dtype=np.int8))
    low, high = percentile_interval(replicate(statistic, events.n_events, n_replicas, rng), confidence_level)
    return [Estimate(float(v), float(a), float(b)) for v, a, b in zip(central, low, high, strict=True)]


def headline_statistic(events: ScoredEvents) -> Callable[[NDArray[np.int8]], NDArray[np.float64]]:
    """Return the function from counts ``(n_events,)`` to the numbers of `estimate_headlines`."""
    weight = np.ones(events.n_events) if events.event_weight is None else events.event_weight
    rankings = []
    for k in range(len(events.classes)):
        ranked = RankedScores.from_events(events.class_index == k, events.probabilities[:, k])
        rankings.append((ranked, weight[ranked.order]))
    weighted_hits = weight * (predicted_class(events.probabilities) == events.class_index)
    weighted_losses = weight * log_loss_per_event(events.class_index, events.log_probabilities())

    def statistic(counts: NDArray[np.int8]) -> NDArray[np.float64]:
        aucs = [ranked.auc_or_nan(counts[ranked.order] * sorted_weight) for ranked, sorted_weight in rankings]
        numbers = counts.astype(np.float64)
        total = (numbers * weight).sum()
        means: list[Any] = [np.nan, np.nan]
        if total != 0:
            means = [(numbers * weighted_hits).sum() / total, (numbers * weighted_losses).sum() / total]
        return np.array([*aucs, np.mean(aucs), *means])

    return statistic
