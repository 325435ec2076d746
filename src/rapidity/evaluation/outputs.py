"""The numbers of all outputs of a network on the same events."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from rapidity.data.table import SPLITS
from rapidity.evaluation.events import ALL
from rapidity.evaluation.plain import by_class, to_plain

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from rapidity.config.evaluation import Evaluation
    from rapidity.core.classes import ClassSet
    from rapidity.evaluation.assignment import AssignmentResult
    from rapidity.evaluation.regression import RegressionResult
    from rapidity.evaluation.results import EvaluationResult


@dataclass(frozen=True)
class SplitCounts:
    """How many events of each class each split has, for runs without a classification.

    Attributes
    ----------
    counts, yields
        Split -> for each class the number of events, and the sum of their weights.
    """

    classes: ClassSet
    counts: Mapping[str, tuple[int, ...]]
    yields: Mapping[str, tuple[float, ...]]
    yield_errors: Mapping[str, tuple[float, ...]]

    @classmethod
    def of(
        cls,
        classes: ClassSet,
        class_index: NDArray[np.int64],
        split: NDArray[np.int8],
        event_weight: NDArray[np.float64] | None,
    ) -> SplitCounts:
        """Count the events; splits without any are left out."""
        weight = np.ones(len(split)) if event_weight is None else event_weight
        counts, yields, errors = {}, {}, {}
        # New data are in no split.
        masks = {name: split == code for code, name in enumerate(SPLITS)} | {ALL: split < 0}
        for name, chosen in masks.items():
            if chosen.any():
                index = class_index[chosen]
                counts[name] = tuple(np.bincount(index, minlength=len(classes)).tolist())
                yields[name] = tuple(np.bincount(index, weight[chosen], minlength=len(classes)).tolist())
                squares = np.bincount(index, weight[chosen] ** 2, minlength=len(classes))
                errors[name] = tuple(np.sqrt(squares).tolist())
        return cls(classes, counts, yields, errors)

    def to_metrics(self) -> dict[str, Any]:
        """Return the tables of ``metrics.json``."""
        names = self.classes.names
        tables = {"counts": self.counts, "yields": self.yields, "yield_errors": self.yield_errors}
        return {
            table: {split: by_class(names, values) for split, values in found.items()}
            for table, found in tables.items()
        }


@dataclass(frozen=True)
class Evaluated:
    """All numbers of all outputs on one split.

    Attributes
    ----------
    classification
        None without one.
    counts
        Where there is no classification, which counts the events itself.
    regressions, assignments
        Output -> its numbers.
    notes
        Sentences that a reader of the numbers needs, where no classification has them.
    """

    split: str
    config: Evaluation
    classification: EvaluationResult | None
    counts: SplitCounts | None = None
    regressions: Mapping[str, RegressionResult] = field(default_factory=dict)
    assignments: Mapping[str, AssignmentResult] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def to_metrics(self) -> dict[str, Any]:
        """Return what ``metrics.json`` holds: plain values only, None for what is not defined."""
        if self.classification is not None:
            metrics = self.classification.to_metrics()
        else:
            metrics = {
                "split": self.split,
                "classes": [],
                "confidence_level": self.config.confidence_level,
                "bootstrap_replicas": self.config.bootstrap,
                "notes": list(self.notes),
                **(self.counts.to_metrics() if self.counts else {}),
            }
        others: dict[str, RegressionResult | AssignmentResult] = {**self.regressions, **self.assignments}
        if others:
            notes = [note for result in self.regressions.values() for note in result.notes]
            metrics["notes"] = [*metrics["notes"], *notes]
            metrics["outputs"] = {name: to_plain(result.to_metrics()) for name, result in others.items()}
        return metrics
