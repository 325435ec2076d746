"""From probabilities of objects to every number that is reported of an assignment."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from rapidity.core.errors import DataError, shorten
from rapidity.core.random import make_generator
from rapidity.data.table import SPLITS
from rapidity.evaluation.events import ALL
from rapidity.evaluation.plain import by_class
from rapidity.metrics import Estimate, assign_one_each, percentile_interval, replicate
from rapidity.metrics.arrays import ROUNDING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

    from rapidity.config.evaluation import Evaluation
    from rapidity.core.classes import ClassSet
    from rapidity.core.jagged import Jagged
    from rapidity.evaluation.output_folds import OutputFolds

LIKELIEST, ONE_EACH = "likeliest", "one_each"
"""Ways to give classes: each object its likeliest one; the likeliest assignment that keeps some single."""


@dataclass(frozen=True)
class AssignmentEvents:
    """Events with the class of each object and what the network says of it.

    Attributes
    ----------
    classes
        What an object may be.
    one_each
        Classes that one object of an event has at most.
    truth
        `Jagged` class index of each object, -1 where it is not known.
    probabilities
        `Jagged` ``(n_objects, n_classes)``, NaN for objects that the network does not see.
    split
        Index into `rapidity.data.SPLITS` of each event, -1 if in none.
    event_weight
        Signed physics weights ``(n_events,)``, or None where there are none.
    n_kept
        How many objects of each event the network sees ``(n_events,)``; None where that is not known.

    Raises
    ------
    DataError
        If objects that the network sees have a probability that is NaN or infinite.
    """

    classes: ClassSet
    one_each: tuple[str, ...]
    truth: Jagged
    probabilities: Jagged
    split: NDArray[np.int8]
    event_weight: NDArray[np.float64] | None
    n_kept: NDArray[np.int64] | None = None

    def __post_init__(self) -> None:
        n_missing = self._count_missing()
        if n_missing.any():
            rows = np.flatnonzero(n_missing)
            message = (
                f"the network gave no finite probabilities for {int(n_missing.sum())} objects that it sees, "
                f"of {len(rows)} of {self.n_events} events (rows {shorten(rows.tolist(), 5)}). "
                "Look at the inputs of these rows: values far outside the training ranges, or missing values "
                "that preparation.missing does not treat."
            )
            raise DataError(message)

    def _count_missing(self) -> NDArray[np.int64]:
        """Return how many objects of each event should have probabilities, and have none ``(n_events,)``.

        Numbers are compared, not places: of objects that are equal in their order but for rounding, the model
        file may keep another one than is found here.
        """
        content = self.probabilities.content
        event_of = np.repeat(np.arange(self.n_events), self.probabilities.counts)
        n_infinite = np.bincount(event_of[np.isinf(content).any(axis=1)], minlength=self.n_events)
        if self.n_kept is None:
            return n_infinite
        n_finite = np.bincount(event_of[np.isfinite(content).all(axis=1)], minlength=self.n_events)
        missing: NDArray[np.int64] = np.maximum(self.n_kept - n_finite, n_infinite)
        return missing

    @property
    def n_events(self) -> int:
        """Number of events."""
        return len(self.split)

    def take_split(self, name: str) -> AssignmentEvents:
        """Return the events of one split, or `ALL`."""
        return self if name == ALL else self.take(np.flatnonzero(self.split == SPLITS.index(name)))

    def take(self, rows: NDArray[np.int64]) -> AssignmentEvents:
        """Return the events of these row numbers."""
        return replace(
            self,
            truth=self.truth[rows],
            probabilities=self.probabilities[rows],
            split=self.split[rows],
            event_weight=None if self.event_weight is None else self.event_weight[rows],
            n_kept=None if self.n_kept is None else self.n_kept[rows],
        )

    @property
    def is_seen(self) -> NDArray[np.bool_]:
        """Of each object whether its class is known and the network sees it ``(n_objects,)``."""
        is_left_out = np.isnan(self.probabilities.content).any(axis=1)
        return np.asarray((self.truth.content >= 0) & ~is_left_out)

    @property
    def has_known(self) -> NDArray[np.bool_]:
        """Of each event whether it has such an object ``(n_events,)``."""
        event_of = np.repeat(np.arange(self.n_events), self.truth.counts)
        n_seen = np.bincount(event_of[self.is_seen], minlength=self.n_events)
        return np.asarray(n_seen > 0)


@dataclass(frozen=True)
class WayResult:
    """The numbers of one way to give classes.

    Attributes
    ----------
    accuracy
        Weighted fraction of objects that get their class.
    class_accuracy
        The same of the objects of each class; NaN where there are none.
    all_right
        Weighted fraction of events, of those with objects of known class, in which all of these are right.
    confusion
        Weighted numbers of objects ``(n_classes, n_classes)``, rows are true classes.
    """

    accuracy: Estimate
    class_accuracy: tuple[Estimate, ...]
    all_right: Estimate
    confusion: NDArray[np.float64]
    confusion_counts: NDArray[np.float64]

    def to_metrics(self, names: tuple[str, ...]) -> dict[str, Any]:
        """Return plain values."""
        return {
            "accuracy": self.accuracy.value,
            "accuracy_interval": [self.accuracy.low, self.accuracy.high],
            "class_accuracy": by_class(names, [one.value for one in self.class_accuracy]),
            "class_accuracy_interval": by_class(names, [[one.low, one.high] for one in self.class_accuracy]),
            "all_right": self.all_right.value,
            "all_right_interval": [self.all_right.low, self.all_right.high],
            "confusion_matrix": self.confusion_counts.astype(int),
            "confusion_matrix_weighted": self.confusion,
        }


@dataclass(frozen=True)
class AssignmentResult:
    """All numbers of an assignment on one split.

    Attributes
    ----------
    n_events
        Events with at least one object of known class that the network sees.
    n_objects
        These objects.
    n_left_out
        Objects of known class that the network does not see: cut off, or not selected.
    ways
        How classes are given -> numbers.
    splits
        Split -> the accuracy and the fraction of events that are all right, without intervals.
    folds
        The same numbers fold by fold; None for a run of one network.
    """

    name: str
    target: str
    cloud: str
    classes: ClassSet
    one_each: tuple[str, ...]
    split: str
    n_events: int
    n_objects: int
    n_left_out: int
    ways: Mapping[str, WayResult]
    splits: Mapping[str, Mapping[str, float]]
    folds: OutputFolds | None = None

    def to_metrics(self) -> dict[str, Any]:
        """Return what ``metrics.json`` holds of this output."""
        names = self.classes.names
        metrics: dict[str, Any] = {
            "task": "assignment",
            "target": self.target,
            "cloud": self.cloud,
            "classes": list(names),
            "n_events": self.n_events,
            "n_objects": self.n_objects,
            "n_left_out": self.n_left_out,
            **self.ways[LIKELIEST].to_metrics(names),
            "splits": {split: dict(values) for split, values in self.splits.items()},
        }
        if ONE_EACH in self.ways:
            metrics["one_each"] = {"classes": list(self.one_each), **self.ways[ONE_EACH].to_metrics(names)}
        return metrics | ({} if self.folds is None else {"folds": self.folds.to_metrics()})


def evaluate_assignment(
    name: str,
    target: str,
    cloud: str,
    events: AssignmentEvents,
    config: Evaluation,
    seed: int = 1,
    *,
    split: str = "test",
) -> AssignmentResult:
    """Return all numbers of one split (`split` ``"all"``: of all events).

    Objects whose class is not known, and those that the network does not see, are left out. The weight of an
    event, of either sign, is that of each of its objects.

    Raises
    ------
    DataError
        If no object of known class is there.
    """
    chosen = events.take_split(split)
    known, seen = chosen.truth.content >= 0, chosen.is_seen
    if not seen.any():
        place = "the data" if split == ALL else f"the {split} split"
        message = (
            f"output '{name}' cannot be evaluated: {place} has no object whose class is known. Give events "
            "with known classes, or change the split."
        )
        raise DataError(message)
    rng = make_generator(seed, "bootstrap", split, name)
    ways = {way: _measure(chosen, seen, way, config, rng) for way in _ways(events)}
    return AssignmentResult(
        name=name,
        target=target,
        cloud=cloud,
        classes=events.classes,
        one_each=events.one_each,
        split=split,
        n_events=int(np.count_nonzero(chosen.has_known)),
        n_objects=int(seen.sum()),
        n_left_out=int((known & ~seen).sum()),
        ways=ways,
        splits=_summarise(events),
    )


def _ways(events: AssignmentEvents) -> tuple[str, ...]:
    return (LIKELIEST, ONE_EACH) if events.one_each else (LIKELIEST,)


def _assign(events: AssignmentEvents, way: str) -> NDArray[np.int64]:
    probabilities = events.probabilities.content
    if way == LIKELIEST:
        likeliest: NDArray[np.int64] = np.argmax(np.nan_to_num(probabilities), axis=1)
        return likeliest
    single = [events.classes.names.index(name) for name in events.one_each]
    return assign_one_each(probabilities, events.probabilities.offsets, single)


@dataclass(frozen=True)
class _Sums:
    """What each event adds to the fractions.

    Attributes
    ----------
    right, known
        Objects of each true class that are right, and that there are ``(n_events, n_classes)``.
    """

    right: NDArray[np.float64]
    known: NDArray[np.float64]
    weight: NDArray[np.float64]

    def fractions(self, counts: NDArray[np.int8]) -> NDArray[np.float64]:
        """Return the accuracy of all objects, that of each class, and the part of events all right.

        NaN where the weights of these objects sum to nothing (but for rounding) or less.
        """
        weight = self.weight * counts
        right, known = weight @ self.right, weight @ self.known
        has_any = self.known.sum(axis=1) > 0
        is_all = has_any & (self.right.sum(axis=1) == self.known.sum(axis=1))
        numerators = np.array([right.sum(), *right, float(weight @ is_all)])
        denominators = np.array([known.sum(), *known, float(weight @ has_any)])
        size = np.abs(weight)
        sizes = size @ self.known
        is_defined = denominators > ROUNDING * np.array([sizes.sum(), *sizes, float(size @ has_any)])
        fractions = np.full(len(numerators), math.nan)
        np.divide(numerators, denominators, out=fractions, where=is_defined)
        return fractions


def _sum_up(events: AssignmentEvents, seen: NDArray[np.bool_], assigned: NDArray[np.int64]) -> _Sums:
    n_classes = len(events.classes)
    event_of = np.repeat(np.arange(events.n_events), events.truth.counts)[seen]
    cell = event_of * n_classes + events.truth.content[seen]
    size = events.n_events * n_classes
    is_right = (assigned == events.truth.content)[seen].astype(np.float64)
    right, known = (
        np.bincount(cell, weights, minlength=size).reshape(events.n_events, n_classes)
        for weights in (is_right, None)
    )
    weight = np.ones(events.n_events) if events.event_weight is None else events.event_weight
    return _Sums(right.astype(np.float64), known.astype(np.float64), weight)


def _measure(
    events: AssignmentEvents,
    seen: NDArray[np.bool_],
    way: str,
    config: Evaluation,
    rng: np.random.Generator,
) -> WayResult:
    assigned = _assign(events, way)
    sums = _sum_up(events, seen, assigned)
    statistic: Callable[[NDArray[np.int8]], NDArray[np.float64]] = sums.fractions
    central = statistic(np.ones(events.n_events, dtype=np.int8))
    low, high = percentile_interval(
        replicate(statistic, events.n_events, config.bootstrap, rng), config.confidence_level
    )
    estimates = [Estimate(float(v), float(a), float(b)) for v, a, b in zip(central, low, high, strict=True)]
    n_classes = len(events.classes)
    cell = events.truth.content[seen] * n_classes + assigned[seen]
    of_object = np.repeat(sums.weight, events.truth.counts)[seen]
    weighted, counts = (
        np.bincount(cell, weights, minlength=n_classes**2).reshape(n_classes, n_classes).astype(np.float64)
        for weights in (of_object, None)
    )
    return WayResult(estimates[0], tuple(estimates[1:-1]), estimates[-1], weighted, counts)


def central_fractions(events: AssignmentEvents, way: str) -> NDArray[np.float64]:
    """Return the accuracy of all objects, that of each class, and the part of events all right.

    ``(1 + n_classes + 1,)``, without intervals; NaN where there are no such objects.
    """
    sums = _sum_up(events, events.is_seen, _assign(events, way))
    return sums.fractions(np.ones(events.n_events, dtype=np.int8))


def _summarise(events: AssignmentEvents) -> dict[str, dict[str, float]]:
    found = {}
    for split in SPLITS:
        chosen = events.take_split(split)
        if chosen.is_seen.any():
            fractions = central_fractions(chosen, LIKELIEST)
            found[split] = {"accuracy": float(fractions[0]), "all_right": float(fractions[-1])}
    return found
