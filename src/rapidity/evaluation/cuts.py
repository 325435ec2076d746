"""Working points: thresholds fitted where that is allowed, measured on the evaluated split."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rapidity.evaluation.results import WorkingPoint
from rapidity.metrics import efficiencies, find_threshold

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rapidity.evaluation.events import ScoredEvents


def measure_working_points(
    events: ScoredEvents, fitting: ScoredEvents, fitted_on: str, targets: Sequence[float]
) -> Iterator[WorkingPoint]:
    """Yield for every class and target what its cut does to `events`.

    Parameters
    ----------
    fitting
        Events in which the thresholds are found; the validation split, wherever there is one.
    targets
        Signal efficiencies asked for.
    """
    for k, name in enumerate(events.classes.names):
        for target in targets:
            threshold = find_threshold(
                fitting.class_index == k, fitting.probabilities[:, k], target, fitting.event_weight
            )
            measured = efficiencies(
                events.class_index == k, events.probabilities[:, k], threshold, events.event_weight
            )
            yield WorkingPoint(name, target, fitted_on, measured)
