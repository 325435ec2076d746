"""From predictions to every number that is reported of a regression: bias, resolution, by the truth."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from rapidity.core.errors import DataError
from rapidity.core.random import make_generator
from rapidity.data.table import SPLITS
from rapidity.evaluation.events import ALL
from rapidity.evaluation.undefined import note_undefined
from rapidity.metrics import (
    Estimate,
    RankedResiduals,
    explained_variance,
    percentile_interval,
    replicate,
    sum_of_weights,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

    from rapidity.config.evaluation import Evaluation
    from rapidity.evaluation.output_folds import OutputFolds

N_INTERVALS = 10
LEAST_EVENTS = 50
"""An interval of the truth has at least so many events, if there are as many at all."""
NUMBERS = (
    "bias",
    "resolution",
    "half_width",
    "mean_absolute_error",
    "relative_bias",
    "relative_resolution",
    "relative_half_width",
    "r2",
)
"""What is measured, in order; relative numbers are those of ``(prediction - truth) / |truth|``."""
N_IN_INTERVALS = 7
"""Of these, without R2, which says nothing where the truth hardly varies."""


@dataclass(frozen=True)
class RegressionEvents:
    """Events with what is true of them and what the network says, in units of the target.

    Attributes
    ----------
    truth, prediction
        ``(n_events,)`` float64; the truth is NaN where it is not known.
    split
        Index into `rapidity.data.SPLITS` of each event, -1 if in none.
    event_weight
        Signed physics weights ``(n_events,)``, or None where there are none.

    Raises
    ------
    DataError
        If a prediction is NaN or infinite.
    """

    truth: NDArray[np.float64]
    prediction: NDArray[np.float64]
    split: NDArray[np.int8]
    event_weight: NDArray[np.float64] | None

    def __post_init__(self) -> None:
        is_bad = ~np.isfinite(self.prediction)
        if is_bad.any():
            worst = self.prediction[np.argmax(is_bad)]
            found = "NaN" if np.isnan(worst) else f"{worst:g}"
            message = (
                f"the network gave {found} for {int(is_bad.sum())} of {len(is_bad)} events; every event "
                "needs a prediction. Look at the inputs of these events: values far outside the training "
                "ranges, or missing values that preparation.missing does not treat."
            )
            raise DataError(message)

    @property
    def n_events(self) -> int:
        """Number of events."""
        return len(self.truth)

    @property
    def weight(self) -> NDArray[np.float64]:
        """The weights, 1 where there are none."""
        return np.ones(self.n_events) if self.event_weight is None else self.event_weight

    def take(self, rows: NDArray[np.int64] | NDArray[np.bool_]) -> RegressionEvents:
        """Return the events of these row numbers (or where a mask is True)."""
        weight = None if self.event_weight is None else self.event_weight[rows]
        return replace(
            self,
            truth=self.truth[rows],
            prediction=self.prediction[rows],
            split=self.split[rows],
            event_weight=weight,
        )

    def take_split(self, name: str) -> RegressionEvents:
        """Return the events of one split (or `ALL`), also those whose truth is not known."""
        return self if name == ALL else self.take(self.split == SPLITS.index(name))

    def take_known(self) -> RegressionEvents:
        """Return the events whose truth is known."""
        is_known = ~np.isnan(self.truth)
        return self if is_known.all() else self.take(is_known)


@dataclass(frozen=True)
class TruthInterval:
    """The numbers of events whose truth lies in an interval.

    Attributes
    ----------
    low, high
        The ends, in units of the target; the upper one belongs to the next interval.
    mean
        Mean of the truth, each event counted once: with signed weights it might lie outside.
    numbers
        Name (`NUMBERS` without R2) -> value with its interval.
    """

    low: float
    high: float
    mean: float
    n_events: int
    numbers: Mapping[str, Estimate]


@dataclass(frozen=True)
class RegressionResult:
    """All numbers of a regression on one split.

    Attributes
    ----------
    target, unit
        What was to be found, and in which unit; None if that is not known.
    n_events, n_unknown
        Events evaluated, and those left out since their truth is not known.
    numbers
        Name (`NUMBERS`) -> value with its interval.
    splits
        Split -> name -> value, without intervals.
    unweighted
        Name -> value with weights of 1; None where there are no event weights.
    intervals
        The same by the truth, in intervals of about as many events each.
    events
        The evaluated events, for figures.
    folds
        The same numbers fold by fold; None for a run of one network.
    notes
        Which of them event weights leave without a value.
    """

    name: str
    target: str
    unit: str | None
    split: str
    n_events: int
    n_unknown: int
    numbers: Mapping[str, Estimate]
    splits: Mapping[str, Mapping[str, float]]
    unweighted: Mapping[str, float] | None
    intervals: tuple[TruthInterval, ...]
    events: RegressionEvents
    folds: OutputFolds | None = None
    notes: tuple[str, ...] = ()

    def to_metrics(self) -> dict[str, Any]:
        """Return what ``metrics.json`` holds of this output."""
        metrics: dict[str, Any] = {
            "task": "regression",
            "target": self.target,
            "unit": self.unit,
            "n_events": self.n_events,
            "n_unknown": self.n_unknown,
            **_plain_estimates(self.numbers),
            "splits": {split: dict(values) for split, values in self.splits.items()},
            "intervals": [
                {
                    "low": interval.low,
                    "high": interval.high,
                    "mean": interval.mean,
                    "n_events": interval.n_events,
                    **_plain_estimates(interval.numbers),
                }
                for interval in self.intervals
            ],
        }
        metrics |= {} if self.unweighted is None else {"unweighted": dict(self.unweighted)}
        return metrics | ({} if self.folds is None else {"folds": self.folds.to_metrics()})


def _plain_estimates(numbers: Mapping[str, Estimate]) -> dict[str, Any]:
    plain: dict[str, Any] = {}
    for name, estimate in numbers.items():
        plain[name] = estimate.value
        plain[f"{name}_interval"] = [estimate.low, estimate.high]
    return plain


def evaluate_regression(
    name: str,
    target: str,
    unit: str | None,
    events: RegressionEvents,
    config: Evaluation,
    seed: int = 1,
    *,
    split: str = "test",
) -> RegressionResult:
    """Return all numbers of one split (`split` ``"all"``: of all events whose truth is known).

    Event weights, of either sign, enter every number but the counts. Relative numbers are given where no
    truth is zero and all are of one sign, else they are NaN. So is what the weights leave without a value
    (`RankedResiduals.spread`), and a note says which.

    Raises
    ------
    DataError
        If no event has a known truth, or the weights sum to nothing or less.
    """
    chosen = events.take_split(split)
    known = chosen.take_known()
    _refuse_undefined(name, known, split)
    rng = make_generator(seed, "bootstrap", split, name)
    edges = _find_edges(known.truth)
    statistic, means = _statistic(known, edges)
    central = statistic(np.ones(known.n_events, dtype=np.int8))
    low, high = percentile_interval(
        replicate(statistic, known.n_events, config.bootstrap, rng), config.confidence_level
    )
    estimates = [Estimate(float(v), float(a), float(b)) for v, a, b in zip(central, low, high, strict=True)]
    numbers = dict(zip(NUMBERS, estimates, strict=False))
    unweighted = None if known.event_weight is None else central_numbers(replace(known, event_weight=None))
    intervals = _make_intervals(known, edges, means, estimates[len(NUMBERS) :])
    resolutions = [one.numbers["resolution"].value for one in intervals if one.n_events]
    return RegressionResult(
        name=name,
        target=target,
        unit=unit,
        split=split,
        n_events=known.n_events,
        n_unknown=chosen.n_events - known.n_events,
        numbers=numbers,
        splits=_summarise(events),
        unweighted=unweighted,
        intervals=intervals,
        events=known,
        notes=() if unweighted is None else note_undefined(name, numbers, unweighted, resolutions),
    )


def _refuse_undefined(name: str, known: RegressionEvents, split: str) -> None:
    place = "the data" if split == ALL else f"the {split} split"
    if not known.n_events:
        message = (
            f"output '{name}' cannot be evaluated: no event of {place} has a known target. Give events whose "
            "true value is known, or change the split."
        )
        raise DataError(message)
    total = sum_of_weights(known.weight)
    if total <= 0:
        message = (
            f"output '{name}' cannot be evaluated: the event weights of {place} sum to {total:.6g} "
            f"({known.n_events} events). Give more events, or check data.event_weight."
        )
        raise DataError(message)


def _find_edges(truth: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the edges of the intervals of the truth: its quantiles, each once."""
    n_intervals = max(min(N_INTERVALS, len(truth) // LEAST_EVENTS), 1)
    edges = np.unique(np.quantile(truth, np.linspace(0, 1, n_intervals + 1)))
    return edges if len(edges) > 1 else np.array([edges[0], np.nextafter(edges[0], np.inf)])


@dataclass(frozen=True)
class _Part:
    """Some events, with their residuals in order."""

    rows: NDArray[np.int64]
    absolute: RankedResiduals
    relative: RankedResiduals | None
    weight: NDArray[np.float64]

    @classmethod
    def of(cls, events: RegressionEvents, rows: NDArray[np.int64], *, has_relative: bool) -> _Part:
        residuals = events.prediction[rows] - events.truth[rows]
        relative = None
        if has_relative:
            relative = RankedResiduals.from_values(residuals / np.abs(events.truth[rows]))
        return cls(rows, RankedResiduals.from_values(residuals), relative, events.weight[rows])

    def numbers(self, counts: NDArray[np.int8]) -> list[float]:
        """Return the numbers of `NUMBERS` but R2."""
        weight = self.weight * counts[self.rows]
        spread = self.absolute.spread(weight[self.absolute.order])
        total = sum_of_weights(weight)
        size = float(weight[self.absolute.order] @ np.abs(self.absolute.values))
        found = [spread.bias, spread.resolution, spread.half_width, size / total if total > 0 else math.nan]
        if self.relative is None:
            return [*found, math.nan, math.nan, math.nan]
        apart = self.relative.spread(weight[self.relative.order])
        return [*found, apart.bias, apart.resolution, apart.half_width]


def _statistic(
    events: RegressionEvents, edges: NDArray[np.float64]
) -> tuple[Callable[[NDArray[np.int8]], NDArray[np.float64]], list[float]]:
    """Return the function from counts to all numbers, those of the intervals last, and the mean truths."""
    has_relative = bool((events.truth > 0).all() or (events.truth < 0).all())
    interval = _number_intervals(events.truth, edges)
    whole = _Part.of(events, np.arange(events.n_events), has_relative=has_relative)
    parts = [
        _Part.of(events, np.flatnonzero(interval == k), has_relative=has_relative)
        for k in range(len(edges) - 1)
    ]
    weight = events.weight

    def statistic(counts: NDArray[np.int8]) -> NDArray[np.float64]:
        r2 = explained_variance(events.truth, events.prediction, weight * counts)
        numbers = [*whole.numbers(counts), r2]
        for part in parts:
            numbers += part.numbers(counts)
        return np.array(numbers)

    means = [float(np.average(events.truth[part.rows])) if len(part.rows) else math.nan for part in parts]
    return statistic, means


def _number_intervals(truth: NDArray[np.float64], edges: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return the interval of each event; the last one is closed above."""
    found = np.searchsorted(edges, truth, side="right") - 1
    clipped: NDArray[np.int64] = np.clip(found, 0, len(edges) - 2)
    return clipped


def _make_intervals(
    events: RegressionEvents,
    edges: NDArray[np.float64],
    means: list[float],
    estimates: list[Estimate],
) -> tuple[TruthInterval, ...]:
    counts = np.bincount(_number_intervals(events.truth, edges), minlength=len(edges) - 1)
    intervals = []
    for k, mean in enumerate(means):
        own = estimates[k * N_IN_INTERVALS : (k + 1) * N_IN_INTERVALS]
        numbers = dict(zip(NUMBERS[:N_IN_INTERVALS], own, strict=True))
        intervals.append(TruthInterval(float(edges[k]), float(edges[k + 1]), mean, int(counts[k]), numbers))
    return tuple(intervals)


def _summarise(events: RegressionEvents) -> dict[str, dict[str, float]]:
    found = {}
    for split in SPLITS:
        known = events.take_split(split).take_known()
        if known.n_events:
            found[split] = {"n_events": known.n_events, **central_numbers(known)}
    return found


def central_numbers(events: RegressionEvents) -> dict[str, float]:
    """Return name (`NUMBERS`) -> value without interval, of events whose truth is known; at least one."""
    has_relative = bool((events.truth > 0).all() or (events.truth < 0).all())
    whole = _Part.of(events, np.arange(events.n_events), has_relative=has_relative)
    numbers = whole.numbers(np.ones(events.n_events, dtype=np.int8))
    r2 = explained_variance(events.truth, events.prediction, events.event_weight)
    return dict(zip(NUMBERS, [*numbers, r2], strict=True))
