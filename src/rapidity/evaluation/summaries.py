"""Counts, yields and central values of every split."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from rapidity.core.errors import DataError
from rapidity.evaluation.results import Central, SplitSummary
from rapidity.metrics import accuracy, effective_events, log_loss, one_vs_rest_auc, sum_of_weights

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from rapidity.core.classes import ClassSet
    from rapidity.evaluation.events import ScoredEvents


def summarise_split(events: ScoredEvents) -> SplitSummary:
    """Return counts and yields of the events of one split, and the central values where they are defined.

    They are where every class has a yield above zero.
    """
    n_classes = len(events.classes)
    weight = np.ones(events.n_events) if events.event_weight is None else events.event_weight
    yields = np.bincount(events.class_index, weight, minlength=n_classes)
    squares = np.bincount(events.class_index, weight**2, minlength=n_classes)
    central = central_values(events) if (class_yields(events) > 0).all() else None
    return SplitSummary(
        counts=tuple(np.bincount(events.class_index, minlength=n_classes).tolist()),
        yields=tuple(yields.tolist()),
        yield_errors=tuple(np.sqrt(squares).tolist()),
        effective_events=tuple(effective_events(weight[events.class_index == k]) for k in range(n_classes)),
        negative_fraction=float((weight < 0).mean()),
        accuracy=None if central is None else central.accuracy,
        log_loss=None if central is None else central.log_loss,
        auc=None if central is None else central.auc,
    )


def class_yields(events: ScoredEvents) -> NDArray[np.float64]:
    """Return the sum of weights of each class, in events; exactly 0 where they cancel but for rounding."""
    return _yields(events.class_index, events.event_weight, len(events.classes))


def _yields(
    class_index: NDArray[np.int64], event_weight: NDArray[np.float64] | None, n_classes: int
) -> NDArray[np.float64]:
    if event_weight is None:
        return np.bincount(class_index, minlength=n_classes).astype(np.float64)
    return np.array([sum_of_weights(event_weight[class_index == k]) for k in range(n_classes)])


def central_values(events: ScoredEvents, *, is_weighted: bool = True) -> Central:
    """Return AUC of each class, accuracy and log-loss (nats), with the event weights or without."""
    weight = events.event_weight if is_weighted else None
    return Central(
        auc=tuple(one_vs_rest_auc(events.class_index, events.probabilities, weight).tolist()),
        accuracy=accuracy(events.class_index, events.probabilities, weight),
        log_loss=log_loss(events.class_index, events.log_probabilities(), weight),
    )


def refuse_undefined(events: ScoredEvents, split: str) -> None:
    """Raise a DataError if the numbers of these events would not be defined.

    Raises
    ------
    DataError
        If there are no events, a class has none, or the weights of a class sum to nothing.
    """
    place = _place(split)
    if not events.n_events:
        message = (
            f"nothing can be evaluated: {place} has no events whose class is known. "
            "Evaluation needs labels: name their column in data.target or the class of each source; "
            "events without labels can be scored with `rapidity predict`."
        )
        raise DataError(message)
    counts = np.bincount(events.class_index, minlength=len(events.classes))
    table = ", ".join(f"{name}: {count}" for name, count in zip(events.classes.names, counts, strict=True))
    if (counts == 0).any():
        absent = [name for name, count in zip(events.classes.names, counts, strict=True) if not count]
        message = (
            f"class '{absent[0]}' has no events in {place} ({table}), but every class needs some for "
            "its AUC. Give more events, or change the split."
        )
        raise DataError(message)
    if events.event_weight is not None:
        check_yields(events.classes, events.class_index, events.event_weight, split)


def check_yields(
    classes: ClassSet, class_index: NDArray[np.int64], event_weight: NDArray[np.float64], split: str
) -> None:
    """Raise a DataError if the weights of a class of these events ``(n_events,)`` sum to nothing or less.

    Known before any training, so a run asks before it begins.
    """
    place = _place(split)
    counts = np.bincount(class_index, minlength=len(classes))
    yields = _yields(class_index, event_weight, len(classes))
    for name, total, count in zip(classes.names, yields.tolist(), counts.tolist(), strict=True):
        if total <= 0:
            message = (
                f"the event weights of class '{name}' sum to {total:.6g} in {place} ({count} events), "
                "but every class needs a yield above zero. Give more events, or check data.event_weight."
            )
            raise DataError(message)


def _place(split: str) -> str:
    return "the data" if split == "all" else f"the {split} split"
