"""Score distributions of each true class, the evaluated split beside the training split."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from rapidity.evaluation.results import ScoreHistogram
from rapidity.metrics import chi2_test, fill_histogram, ks_test, sum_of_weights

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rapidity.evaluation.events import ScoredEvents

N_SCORE_BINS = 40


def compare_scores(events: ScoredEvents, train: ScoredEvents) -> Iterator[ScoreHistogram]:
    """Yield the distribution of every score for every true class, with the two-sample tests against `train`.

    `train` may be empty; so may a class of it.
    """
    edges = np.linspace(0.0, 1.0, N_SCORE_BINS + 1)
    for true_index, true_class in enumerate(events.classes.names):
        here = events.take(events.class_index == true_index)
        there = train.take(train.class_index == true_index)
        # A shape that is normalised by a yield of zero or less would be none.
        has_train = there.n_events > 0 and (
            there.event_weight is None or sum_of_weights(there.event_weight) > 0
        )
        for score_index, score_class in enumerate(events.classes.names):
            evaluated = fill_histogram(here.probabilities[:, score_index], edges, here.event_weight)
            if not has_train:
                yield ScoreHistogram(score_class, true_class, evaluated, None, None, None)
                continue
            trained = fill_histogram(there.probabilities[:, score_index], edges, there.event_weight)
            yield ScoreHistogram(
                score_class,
                true_class,
                evaluated,
                trained,
                ks_test(
                    here.probabilities[:, score_index],
                    there.probabilities[:, score_index],
                    here.event_weight,
                    there.event_weight,
                ),
                chi2_test(evaluated, trained),
            )
