"""Events with their scores: what evaluation starts from."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from rapidity.core.classes import UNLABELLED
from rapidity.core.errors import DataError, shorten
from rapidity.data.table import SPLITS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from rapidity.core.classes import ClassSet

ALL = "all"
"""Stands for all labelled events, whatever their split (new data)."""


@dataclass(frozen=True)
class ScoredEvents:
    """Events with class, split, weight and what the network says of them.

    Attributes
    ----------
    class_index
        True class of each event ``(n_events,)``, -1 if not known.
    split
        Index into `rapidity.data.SPLITS` of each event, int8 ``(n_events,)``, -1 if in none.
    event_weight
        Signed physics weights ``(n_events,)``, or None where there are none.
    logits
        ``(n_events, n_logits)``; the log-loss is made from them.
    probabilities
        ``(n_events, n_classes)``; all else is made from them, as they are delivered.

    Raises
    ------
    DataError
        If lengths differ, or a score is NaN.
    """

    classes: ClassSet
    class_index: NDArray[np.int64]
    split: NDArray[np.int8]
    event_weight: NDArray[np.float64] | None
    logits: NDArray[np.floating[Any]]
    probabilities: NDArray[np.floating[Any]]

    def __post_init__(self) -> None:
        n_events = len(self.class_index)
        expected = {
            "split": (self.split, (n_events,)),
            "logits": (self.logits, (n_events, self.classes.n_logits)),
            "probabilities": (self.probabilities, (n_events, len(self.classes))),
        }
        if self.event_weight is not None:
            expected["event_weight"] = (self.event_weight, (n_events,))
        for name, (array, shape) in expected.items():
            if array.shape != shape:
                message = f"{name} of the scored events has shape {array.shape}, expected {shape}."
                raise DataError(message)
        self._refuse_missing_scores()

    def _refuse_missing_scores(self) -> None:
        is_bad = np.isnan(self.logits).any(axis=1) | np.isnan(self.probabilities).any(axis=1)
        if is_bad.any():
            rows = np.flatnonzero(is_bad)
            message = (
                f"the network gave NaN for {len(rows)} of {len(is_bad)} events "
                f"(rows {shorten(rows.tolist(), 5)}); every event needs a score. Look at the inputs of "
                "these rows: values far outside the training ranges, or missing values that "
                "preparation.missing does not treat."
            )
            raise DataError(message)

    @property
    def n_events(self) -> int:
        """Number of events."""
        return len(self.class_index)

    def take(self, rows: NDArray[np.int64] | NDArray[np.bool_]) -> ScoredEvents:
        """Return the events of these row numbers (or where a mask is True)."""
        return replace(
            self,
            class_index=self.class_index[rows],
            split=self.split[rows],
            event_weight=None if self.event_weight is None else self.event_weight[rows],
            logits=self.logits[rows],
            probabilities=self.probabilities[rows],
        )

    def take_split(self, name: str) -> ScoredEvents:
        """Return the events of one split (or `ALL`) whose class is known; there may be none.

        Raises
        ------
        DataError
            If there is no split of that name.
        """
        is_known = self.class_index != UNLABELLED
        if name == ALL:
            return self if is_known.all() else self.take(is_known)
        if name not in SPLITS:
            message = f"unknown split '{name}'. Known: {shorten((*SPLITS, ALL))}"
            raise DataError(message)
        return self.take(is_known & (self.split == SPLITS.index(name)))

    def joined(self, others: Sequence[ScoredEvents]) -> ScoredEvents:
        """Return these events and after them the others, which have the same classes."""
        parts = (self, *others)
        weights = [part.event_weight for part in parts if part.event_weight is not None]
        return replace(
            self,
            class_index=np.concatenate([part.class_index for part in parts]),
            split=np.concatenate([part.split for part in parts]),
            event_weight=np.concatenate(weights) if weights else None,
            logits=np.concatenate([part.logits for part in parts]),
            probabilities=np.concatenate([part.probabilities for part in parts]),
        )

    def log_probabilities(self) -> NDArray[np.float64]:
        """Return the logarithms of the scores ``(n_events, n_classes)``, from the logits."""
        return self.classes.log_probabilities(self.logits)
