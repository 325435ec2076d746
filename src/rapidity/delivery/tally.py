"""What is counted while scores are written: undefined scores, values that training never saw."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from rapidity.config.document import parse_yaml
from rapidity.core.errors import ConfigError
from rapidity.delivery.summary import PredictionSummary

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from rapidity.artefact import OnnxModel, Scores
    from rapidity.data.events import EventChunk

CONFIGURATION = "rapidity.configuration"
"""Where a model keeps the configuration of its run."""


class ScoreTally:
    """Counts over chunks of scored events."""

    def __init__(self, model: OnnxModel) -> None:
        self._names = model.classes.names
        self._ranges: Mapping[str, tuple[float, float]] = {
            name: column.training_range
            for name, column in model.inputs.items()
            if column.training_range is not None
        }
        self._sentinels = np.array(find_sentinels(model.metadata), dtype=np.float64)
        self._n_events = 0
        self._n_undefined = 0
        self._sums = np.zeros(len(self._names))
        self._n_outside = dict.fromkeys(self._ranges, 0)

    def count(self, chunk: EventChunk, scores: Scores) -> None:
        """Take one chunk into account."""
        is_undefined = np.isnan(scores.probabilities).any(axis=1)
        self._n_events += chunk.n_events
        self._n_undefined += int(is_undefined.sum())
        self._sums += scores.probabilities[~is_undefined].sum(axis=0, dtype=np.float64)
        for name, (low, high) in self._ranges.items():
            values = chunk.columns[name]
            if values.ndim > 1:
                is_outside = ((values < low) | (values > high)).reshape(len(values), -1).any(axis=1)
                self._n_outside[name] += int(is_outside.sum())
                continue
            outside = values[(values < low) | (values > high)]
            # The range is that of valid values; a missing value is not an unusual one.
            self._n_outside[name] += len(outside) - int(np.isin(outside, self._sentinels).sum())

    def summarise(self, output: Path, files: tuple[Path, ...]) -> PredictionSummary:
        """Return the counts."""
        n_defined = self._n_events - self._n_undefined
        means = self._sums / n_defined if n_defined else np.full(len(self._names), np.nan)
        return PredictionSummary(
            output,
            files,
            self._n_events,
            self._n_undefined,
            {name: count for name, count in self._n_outside.items() if count},
            dict(zip(self._names, means.tolist(), strict=True)),
        )


def find_sentinels(metadata: Mapping[str, str]) -> list[float]:
    """Return all numbers that mean "not measured" in the configuration that a model carries.

    Examples
    --------
    >>> find_sentinels({"rapidity.configuration": "preparation: {missing: {sentinels: [-999]}}"})
    [-999]
    """
    try:
        configuration = parse_yaml(metadata.get(CONFIGURATION, "")).values
    except ConfigError:
        return []
    preparation = configuration.get("preparation") if isinstance(configuration, dict) else None
    return sorted(set(_sentinels_inside(preparation)))


def _sentinels_inside(block: Any) -> Iterator[float]:
    if not isinstance(block, dict):
        return
    for key, value in block.items():
        if key == "sentinels" and isinstance(value, list):
            yield from (number for number in value if isinstance(number, (int, float)))
        else:
            yield from _sentinels_inside(value)
