"""The numbers of regressions and assignments in each fold, and how far they spread."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from rapidity.evaluation.assignment import LIKELIEST, ONE_EACH, central_fractions
from rapidity.evaluation.folds import Spread
from rapidity.evaluation.regression import NUMBERS, central_numbers

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from rapidity.evaluation.assignment import AssignmentEvents
    from rapidity.evaluation.regression import RegressionEvents


@dataclass(frozen=True)
class Folding:
    """Which network scored which event.

    Attributes
    ----------
    fold
        Number of the network that never saw the event ``(n_events,)``, from 0 to ``count - 1``.
    event_number
        The column whose value modulo `count` it is.
    """

    fold: NDArray[np.int64]
    count: int
    event_number: str


@dataclass(frozen=True)
class OutputFolds:
    """What evaluation finds of one output in each fold.

    Attributes
    ----------
    events
        Number of events of each fold that enter.
    numbers
        Name, as in ``metrics.json``, -> its spread, or that of what stands under it there.
    """

    folding: Folding
    events: tuple[int, ...]
    numbers: Mapping[str, Any]

    def to_metrics(self) -> dict[str, Any]:
        """Return what ``metrics.json`` holds under ``outputs.<name>.folds``."""
        return {
            "count": self.folding.count,
            "event_number": self.folding.event_number,
            "events": self.events,
            **_to_plain(self.numbers),
        }


def _to_plain(numbers: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: found.to_dict() if isinstance(found, Spread) else _to_plain(found)
        for name, found in numbers.items()
    }


def summarise_regression_folds(events: RegressionEvents, folding: Folding) -> OutputFolds:
    """Return the numbers of each fold by itself, of the events whose truth is known, weighted as all are.

    Each is NaN in a fold where it is not defined.
    """
    parts = [events.take(folding.fold == index).take_known() for index in range(folding.count)]
    found = [central_numbers(part) if part.n_events else dict.fromkeys(NUMBERS, np.nan) for part in parts]
    numbers = {name: Spread(tuple(of_fold[name] for of_fold in found)) for name in NUMBERS}
    return OutputFolds(folding, tuple(part.n_events for part in parts), numbers)


def summarise_assignment_folds(events: AssignmentEvents, folding: Folding) -> OutputFolds:
    """Return the fractions that are right in each fold by itself, weighted as those of all events are.

    Each is NaN in a fold without such objects.
    """
    parts = [events.take(np.flatnonzero(folding.fold == index)) for index in range(folding.count)]
    numbers = _spread_fractions(parts, LIKELIEST)
    if events.one_each:
        numbers[ONE_EACH] = _spread_fractions(parts, ONE_EACH)
    n_events = tuple(int(np.count_nonzero(part.has_known)) for part in parts)
    return OutputFolds(folding, n_events, numbers)


def _spread_fractions(parts: list[AssignmentEvents], way: str) -> dict[str, Any]:
    table = np.array([central_fractions(part, way) for part in parts])
    accuracy, *of_classes, all_right = (Spread(tuple(column.tolist())) for column in table.T)
    names = parts[0].classes.names
    return {
        "accuracy": accuracy,
        "class_accuracy": dict(zip(names, of_classes, strict=True)),
        "all_right": all_right,
    }
