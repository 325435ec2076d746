"""What evaluation finds, as records that figures, pages and files are made from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rapidity.evaluation.plain import by_class, to_plain

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    from numpy.typing import NDArray

    from rapidity.core.classes import ClassSet
    from rapidity.evaluation.folds import FoldSummary
    from rapidity.metrics import (
        CalibrationCurve,
        Chi2Test,
        Efficiencies,
        Estimate,
        Histogram,
        KsTest,
        PrecisionRecallCurve,
        RocCurve,
    )


@dataclass(frozen=True)
class SplitSummary:
    """One split; tuples hold one entry a class.

    Attributes
    ----------
    counts
        Events.
    yields, yield_errors
        Sums of event weights, and ``sqrt(sum w^2)``, in events.
    effective_events
        ``(sum w)^2 / sum w^2``.
    negative_fraction
        Part of all events of the split whose weight is negative.
    accuracy, log_loss, auc
        Weighted; None where not defined (a class without events).
    """

    counts: tuple[int, ...]
    yields: tuple[float, ...]
    yield_errors: tuple[float, ...]
    effective_events: tuple[float, ...]
    negative_fraction: float
    accuracy: float | None
    log_loss: float | None
    auc: tuple[float, ...] | None


@dataclass(frozen=True)
class WorkingPoint:
    """A cut on the score of one class.

    Attributes
    ----------
    target
        Signal efficiency asked for.
    fitted_on
        Split in which the threshold was found.
    measured
        What the cut does in the evaluated split.
    """

    class_name: str
    target: float
    fitted_on: str
    measured: Efficiencies


@dataclass(frozen=True)
class ScoreHistogram:
    """Distribution of the score of one class for events of one true class, with the training split beside.

    Attributes
    ----------
    evaluated, train
        Histograms of the same edges; `train` is None where that split has no such events.
    ks, chi2
        How far the two differ; None without a training split.
    """

    score_class: str
    true_class: str
    evaluated: Histogram
    train: Histogram | None
    ks: KsTest | None
    chi2: Chi2Test | None


@dataclass(frozen=True)
class Central:
    """Values without intervals, for instance those without event weights."""

    auc: tuple[float, ...]
    accuracy: float
    log_loss: float


@dataclass(frozen=True)
class EvaluationResult:
    """All numbers and curves of one evaluation; tuples hold one entry a class, in class order.

    Attributes
    ----------
    split
        Which events were evaluated.
    splits
        Split name -> its summary; splits without labelled events are left out.
    confusion_counts, confusion_weighted, confusion_normalised
        ``(n_classes, n_classes)``, rows are true classes; the last divides rows by their sums.
    unweighted
        The same central values with weights of 1; None where there are no event weights.
    roc, precision_recall
        Class name -> curve of that class against the rest, thinned for drawing.
    calibration
        Class name -> fraction of that class in bins of its score.
    notes
        Sentences that a reader of the numbers needs.
    folds
        The same numbers fold by fold; None for a run of one network.
    """

    classes: ClassSet
    split: str
    confidence_level: float
    n_replicas: int
    splits: Mapping[str, SplitSummary]
    auc: tuple[Estimate, ...]
    macro_auc: Estimate
    accuracy: Estimate
    log_loss: Estimate
    unweighted: Central | None
    confusion_counts: NDArray[np.float64]
    confusion_weighted: NDArray[np.float64]
    confusion_normalised: NDArray[np.float64]
    precision: tuple[float, ...]
    recall: tuple[float, ...]
    f1: tuple[float, ...]
    working_points: tuple[WorkingPoint, ...]
    roc: Mapping[str, RocCurve]
    precision_recall: Mapping[str, PrecisionRecallCurve]
    calibration: Mapping[str, CalibrationCurve]
    score_histograms: tuple[ScoreHistogram, ...]
    notes: tuple[str, ...]
    folds: FoldSummary | None = None

    @property
    def shown_classes(self) -> tuple[str, ...]:
        """Classes whose curves tell something: all, or with two classes the one that the logit stands for."""
        names = self.classes.names
        return (names[self.classes.positive_index],) if len(names) == 2 else names

    def to_metrics(self) -> dict[str, Any]:
        """Return what ``metrics.json`` holds: plain values only, None for what is not defined."""
        names = self.classes.names
        metrics: dict[str, Any] = {
            "split": self.split,
            "classes": list(names),
            f"{self.split}_auc": by_class(names, [estimate.value for estimate in self.auc]),
            f"{self.split}_auc_interval": by_class(names, [_interval(estimate) for estimate in self.auc]),
            "macro_auc": self.macro_auc.value,
            "macro_auc_interval": _interval(self.macro_auc),
            "log_loss": self.log_loss.value,
            "log_loss_interval": _interval(self.log_loss),
            "accuracy": self.accuracy.value,
            "accuracy_interval": _interval(self.accuracy),
            "confidence_level": self.confidence_level,
            "bootstrap_replicas": self.n_replicas,
            "confusion_matrix": self.confusion_counts.astype(int),
            "confusion_matrix_weighted": self.confusion_weighted,
            "confusion_matrix_normalised": self.confusion_normalised,
            "precision": by_class(names, self.precision),
            "recall": by_class(names, self.recall),
            "f1": by_class(names, self.f1),
            "calibration_error": {name: curve.calibration_error for name, curve in self.calibration.items()},
            "working_points": self._working_points(),
            **self._splits(),
            "train_comparison": self._train_comparison(),
            "notes": self.notes,
        }
        if self.unweighted is not None:
            metrics["unweighted"] = {
                f"{self.split}_auc": by_class(names, self.unweighted.auc),
                "log_loss": self.unweighted.log_loss,
                "accuracy": self.unweighted.accuracy,
            }
        if self.folds is not None:
            metrics["folds"] = self.folds.to_metrics(self.classes, self.split)
        plain: dict[str, Any] = to_plain(metrics)
        return plain

    def _working_points(self) -> dict[str, list[dict[str, Any]]]:
        points: dict[str, list[dict[str, Any]]] = {name: [] for name in self.classes.names}
        for point in self.working_points:
            points[point.class_name].append(
                {
                    "target_sig_eff": point.target,
                    "threshold": point.measured.threshold,
                    "threshold_fitted_on": point.fitted_on,
                    "sig_eff": point.measured.sig_eff,
                    "bkg_eff": point.measured.bkg_eff,
                    "bkg_rej": point.measured.bkg_rej,
                }
            )
        return points

    def _splits(self) -> dict[str, Any]:
        names = self.classes.names
        tables = ("counts", "yields", "yield_errors", "effective_events")
        tabled = {
            table: {split: by_class(names, getattr(summary, table)) for split, summary in self.splits.items()}
            for table in tables
        }
        summaries = {
            split: {
                "accuracy": summary.accuracy,
                "log_loss": summary.log_loss,
                "auc": None if summary.auc is None else by_class(names, summary.auc),
                "negative_weight_fraction": summary.negative_fraction,
            }
            for split, summary in self.splits.items()
        }
        return {**tabled, "splits": summaries}

    def _train_comparison(self) -> list[dict[str, Any]]:
        return [
            {
                "score": histogram.score_class,
                "true_class": histogram.true_class,
                "ks_distance": histogram.ks.distance,
                "ks_p_value": histogram.ks.p_value,
                "chi2": histogram.chi2.chi2,
                "n_dof": histogram.chi2.n_dof,
            }
            for histogram in self.score_histograms
            if histogram.ks is not None and histogram.chi2 is not None
        ]


def _interval(estimate: Estimate) -> list[float]:
    return [estimate.low, estimate.high]
