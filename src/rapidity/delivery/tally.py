"""What is counted while events are scored: undefined scores, values that training never saw."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from rapidity.core.jagged import Jagged
from rapidity.delivery.scoring import mean_names, mean_values
from rapidity.delivery.selection import find_configuration

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from numpy.typing import NDArray

    from rapidity.artefact import OnnxModel, Scores


@dataclass(frozen=True)
class Counts:
    """The counts over some events; those of several files are added.

    Attributes
    ----------
    n_undefined
        Events with a score that is NaN.
    n_passing
        Events that fulfil the selection of the model; None where it was not evaluated.
    score_sums
        Sum of each of `scoring.mean_names` over the events with defined scores.
    n_outside
        Column -> number of events with a value outside the range seen in training; where the selection was
        evaluated, of those that pass.
    n_jumps
        Of events whose scores were there already: those with other scores than the model gives now, as a few
        may have of a network that is not continuous.
    """

    n_events: int = 0
    n_undefined: int = 0
    n_passing: int | None = None
    score_sums: tuple[float, ...] = ()
    n_outside: Mapping[str, int] = field(default_factory=dict)
    n_jumps: int = 0

    @classmethod
    def add(cls, parts: Iterable[Counts]) -> Counts:
        """Return the counts of all parts together."""
        listed = list(parts)
        passing = [part.n_passing for part in listed if part.n_passing is not None]
        names = dict.fromkeys(name for part in listed for name in part.n_outside)
        return cls(
            sum(part.n_events for part in listed),
            sum(part.n_undefined for part in listed),
            sum(passing) if passing else None,
            tuple(map(sum, zip(*(part.score_sums for part in listed if part.score_sums), strict=True))),
            {name: sum(part.n_outside.get(name, 0) for part in listed) for name in names},
            sum(part.n_jumps for part in listed),
        )


class ScoreTally:
    """Counts over chunks of scored events."""

    def __init__(self, model: OnnxModel) -> None:
        self._ranges: Mapping[str, tuple[float, float]] = {
            name: column.training_range
            for name, column in model.inputs.items()
            if column.training_range is not None
        }
        self._sentinels = np.array(find_sentinels(model.metadata), dtype=np.float64)
        self._n_events = 0
        self._n_undefined = 0
        self._n_passing: int | None = None
        self._model = model
        self._sums = np.zeros(len(mean_names(model)))
        self._n_outside = dict.fromkeys(self._ranges, 0)

    def count(
        self, columns: Mapping[str, Any], scores: Scores, passes: NDArray[np.bool_] | None = None
    ) -> None:
        """Take one chunk into account: the columns of the model, their scores, which events pass.

        Of events that do not pass it is no news that they are outside of what was seen in training.
        """
        by_class = np.ascontiguousarray(mean_values(self._model, scores))
        is_undefined = np.isnan(by_class).any(axis=0)
        n_undefined = int(np.count_nonzero(is_undefined))
        self._n_events += by_class.shape[1]
        self._n_undefined += n_undefined
        self._sums += (by_class[:, ~is_undefined] if n_undefined else by_class).sum(axis=1, dtype=np.float64)
        if passes is not None:
            self._n_passing = (self._n_passing or 0) + int(passes.sum())
        for name, interval in self._ranges.items():
            events = self._find_outside(columns[name], interval)
            self._n_outside[name] += len(events) if passes is None else int(np.count_nonzero(passes[events]))

    def _find_outside(self, values: Any, interval: tuple[float, float]) -> NDArray[np.intp]:
        """Return the events with a value outside; a missing value is not an unusual one."""
        low, high = interval
        if isinstance(values, Jagged):
            content = values.content
            places = np.flatnonzero(((content < low) | (content > high)) & ~self._is_sentinel(content))
            return np.unique(np.searchsorted(values.offsets, places, side="right") - 1)
        is_outside = (values < low) | (values > high)
        if values.ndim > 1:
            return np.flatnonzero(is_outside.reshape(len(values), -1).any(axis=1))
        events = np.flatnonzero(is_outside)
        return events[~self._is_sentinel(values[events])]

    def _is_sentinel(self, values: NDArray[Any]) -> NDArray[np.bool_]:
        # In the type of the column: -999.9 is not exactly that in float32.
        return np.isin(
            values, self._sentinels.astype(values.dtype) if values.dtype.kind == "f" else self._sentinels
        )

    def finish(self) -> Counts:
        """Return the counts."""
        return Counts(
            self._n_events,
            self._n_undefined,
            self._n_passing,
            tuple(self._sums.tolist()),
            {name: count for name, count in self._n_outside.items() if count},
        )


def find_sentinels(metadata: Mapping[str, str]) -> list[float]:
    """Return all numbers that mean "not measured" in the configuration that a model carries.

    Examples
    --------
    >>> find_sentinels({"rapidity.configuration": "preparation: {missing: {sentinels: [-999]}}"})
    [-999]
    """
    return sorted(set(_sentinels_inside(find_configuration(metadata).get("preparation"))))


def _sentinels_inside(block: Any) -> Iterator[float]:
    if not isinstance(block, dict):
        return
    for key, value in block.items():
        if key == "sentinels" and isinstance(value, list):
            yield from (number for number in value if isinstance(number, (int, float)))
        else:
            yield from _sentinels_inside(value)
