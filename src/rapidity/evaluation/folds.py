"""The numbers of each fold, and how far they spread."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from rapidity.evaluation.plain import by_class, to_plain
from rapidity.evaluation.summaries import central_values, class_yields
from rapidity.metrics import roc_curve

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from rapidity.core.classes import ClassSet
    from rapidity.evaluation.events import ScoredEvents

N_BAND_POINTS = 201


@dataclass(frozen=True)
class Spread:
    """A number in every fold.

    Attributes
    ----------
    values
        One a fold; NaN where the number is not defined (the weights of a class cancel there).
    """

    values: tuple[float, ...]

    @property
    def mean(self) -> float:
        """The mean over the folds in which the number is defined; NaN if there are none."""
        return float(np.mean(self._defined)) if self._defined else float("nan")

    @property
    def spread(self) -> float:
        """Standard deviation of one fold (divided by n - 1), NaN for fewer than two: not that of the mean.

        Examples
        --------
        >>> Spread((0.25, 0.75)).spread.__round__(6)
        0.353553
        """
        return float(np.std(self._defined, ddof=1)) if len(self._defined) > 1 else float("nan")

    @property
    def _defined(self) -> list[float]:
        return [value for value in self.values if np.isfinite(value)]

    def to_dict(self) -> dict[str, Any]:
        """Return values, mean and spread."""
        return {"values": self.values, "mean": self.mean, "spread": self.spread}


@dataclass(frozen=True)
class RocBand:
    """The ROC curves of all folds together: at each background efficiency the mean and its spread.

    Attributes
    ----------
    bkg_eff
        Rising from 0 to 1 ``(n_points,)``, no unit.
    sig_eff, spread
        Mean signal efficiency of the folds, and the standard deviation of one fold ``(n_points,)``.
    """

    bkg_eff: NDArray[np.float64]
    sig_eff: NDArray[np.float64]
    spread: NDArray[np.float64]


@dataclass(frozen=True)
class FoldSummary:
    """What evaluation finds in each fold; tuples of `auc` hold one entry a class, in class order.

    Attributes
    ----------
    event_number
        The column whose value modulo `count` is the fold.
    events
        Number of events of each fold.
    roc
        Class name -> band over the folds of that class against the rest.
    """

    count: int
    event_number: str
    events: tuple[int, ...]
    auc: tuple[Spread, ...]
    macro_auc: Spread
    log_loss: Spread
    accuracy: Spread
    roc: Mapping[str, RocBand]

    def to_metrics(self, classes: ClassSet, split: str) -> dict[str, Any]:
        """Return what ``metrics.json`` holds under ``folds``."""
        plain: dict[str, Any] = to_plain(
            {
                "count": self.count,
                "event_number": self.event_number,
                "events": self.events,
                f"{split}_auc": by_class(classes.names, [spread.to_dict() for spread in self.auc]),
                "macro_auc": self.macro_auc.to_dict(),
                "log_loss": self.log_loss.to_dict(),
                "accuracy": self.accuracy.to_dict(),
            }
        )
        return plain


def summarise_folds(
    events: ScoredEvents, fold: NDArray[np.int64], count: int, event_number: str
) -> FoldSummary:
    """Return the numbers of each fold by itself, weighted as those of all events are.

    Parameters
    ----------
    events
        Events of known class, each with the score of the network that never saw it.
    fold
        Number of that network ``(n_events,)``, from 0 to ``count - 1``.
    """
    parts = [events.take(fold == index) for index in range(count)]
    numbers = np.array([_numbers(part) for part in parts])
    n_classes = len(events.classes)
    columns = [Spread(tuple(column.tolist())) for column in numbers.T]
    aucs = numbers[:, :n_classes]
    return FoldSummary(
        count=count,
        event_number=event_number,
        events=tuple(part.n_events for part in parts),
        auc=tuple(columns[:n_classes]),
        macro_auc=Spread(tuple(aucs.mean(axis=1).tolist())),
        log_loss=columns[n_classes],
        accuracy=columns[n_classes + 1],
        roc={
            name: _band(parts, index)
            for index, name in enumerate(events.classes.names)
            if np.isfinite(aucs[:, index]).any()
        },
    )


def _numbers(events: ScoredEvents) -> list[float]:
    """Return AUC of each class, log-loss and accuracy; NaN where a class has no yield above zero."""
    if not _is_defined(events):
        return [float("nan")] * (len(events.classes) + 2)
    central = central_values(events)
    return [*central.auc, central.log_loss, central.accuracy]


def _is_defined(events: ScoredEvents) -> bool:
    return bool((class_yields(events) > 0).all())


def _band(folds: Sequence[ScoredEvents], class_index: int) -> RocBand:
    """Return mean and spread of the signal efficiency at equal background efficiency.

    With weights of both signs the background efficiency need not rise along a curve; a point then stands
    for the tightest cut that lets so much background through.
    """
    grid = np.linspace(0.0, 1.0, N_BAND_POINTS)
    curves = []
    for events in folds:
        if _is_defined(events):
            is_signal = events.class_index == class_index
            curve = roc_curve(is_signal, events.probabilities[:, class_index], events.event_weight)
            curves.append(np.interp(grid, np.maximum.accumulate(curve.bkg_eff), curve.sig_eff))
    heights = np.array(curves)
    spread = heights.std(axis=0, ddof=1) if len(heights) > 1 else np.zeros(len(grid))
    return RocBand(grid, heights.mean(axis=0), spread)
