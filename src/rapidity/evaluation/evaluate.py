"""From scored events to every number and curve that is reported of a classification."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from rapidity.core.random import make_generator
from rapidity.data.table import SPLITS
from rapidity.evaluation.comparison import compare_scores
from rapidity.evaluation.cuts import measure_working_points
from rapidity.evaluation.events import ALL, ScoredEvents
from rapidity.evaluation.intervals import estimate_headlines
from rapidity.evaluation.results import EvaluationResult, SplitSummary, WorkingPoint
from rapidity.evaluation.summaries import central_values, class_yields, refuse_undefined, summarise_split
from rapidity.metrics import (
    Estimate,
    PrecisionRecallCurve,
    RocCurve,
    calibration_curve,
    confusion_matrix,
    f1,
    normalise_by_true_class,
    precision,
    precision_recall_curve,
    recall,
    roc_curve,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rapidity.config.evaluation import Evaluation

N_CURVE_POINTS = 1000


def evaluate(
    events: ScoredEvents, config: Evaluation, seed: int = 1, *, split: str = "test"
) -> EvaluationResult:
    """Return all numbers and curves of one split (`split` ``"all"``: of all labelled events).

    Events whose class is not known are left out. Event weights, of either sign, enter every number
    but the counts.

    Parameters
    ----------
    seed
        Of the bootstrap: the same seed gives the same intervals.

    Raises
    ------
    DataError
        If the split has no labelled events, lacks a class, or a class has no yield.
    """
    chosen = events.take_split(split)
    refuse_undefined(chosen, split)
    n_classes = len(events.classes)
    rng = make_generator(seed, "bootstrap", split)
    headlines = estimate_headlines(chosen, config.bootstrap, config.confidence_level, rng)
    counts = confusion_matrix(chosen.class_index, chosen.probabilities)
    weighted = confusion_matrix(chosen.class_index, chosen.probabilities, chosen.event_weight)
    working_points = _working_points(events, chosen, split, config.working_points)
    splits = _summarise(events, split)
    return EvaluationResult(
        classes=events.classes,
        split=split,
        confidence_level=config.confidence_level,
        n_replicas=config.bootstrap,
        splits=splits,
        auc=tuple(headlines[:n_classes]),
        macro_auc=headlines[n_classes],
        accuracy=headlines[n_classes + 1],
        log_loss=headlines[n_classes + 2],
        unweighted=None if chosen.event_weight is None else central_values(chosen, is_weighted=False),
        confusion_counts=counts,
        confusion_weighted=weighted,
        confusion_normalised=normalise_by_true_class(weighted),
        precision=tuple(precision(weighted).tolist()),
        recall=tuple(recall(weighted).tolist()),
        f1=tuple(f1(weighted).tolist()),
        working_points=working_points,
        roc=_roc_curves(chosen),
        precision_recall=_precision_recall_curves(chosen),
        calibration={
            name: calibration_curve(chosen.class_index == k, chosen.probabilities[:, k], chosen.event_weight)
            for k, name in enumerate(events.classes.names)
        },
        score_histograms=tuple(compare_scores(chosen, _training_events(events, split))),
        notes=_notes(chosen, split, splits.get(split), headlines[:n_classes], working_points),
    )


def _summarise(events: ScoredEvents, split: str) -> dict[str, SplitSummary]:
    names = (*SPLITS, ALL) if split == ALL else SPLITS
    # One after the other: copies of all splits would be all events once more.
    return {name: summarise_split(part) for name in names if (part := events.take_split(name)).n_events}


def _training_events(events: ScoredEvents, split: str) -> ScoredEvents:
    train = events.take_split("train")
    # A split compared with itself says nothing.
    return train.take(np.zeros(train.n_events, dtype=np.bool_)) if split in ("train", ALL) else train


def _working_points(
    events: ScoredEvents, chosen: ScoredEvents, split: str, targets: Sequence[float]
) -> tuple[WorkingPoint, ...]:
    fitting, fitted_on = events.take_split("validation"), "validation"
    if split == ALL or not fitting.n_events or (class_yields(fitting) <= 0).any():
        fitting, fitted_on = chosen, split
    return tuple(measure_working_points(chosen, fitting, fitted_on, targets))


def _roc_curves(events: ScoredEvents) -> dict[str, RocCurve]:
    return {
        name: roc_curve(events.class_index == k, events.probabilities[:, k], events.event_weight).thin(
            N_CURVE_POINTS
        )
        for k, name in enumerate(events.classes.names)
    }


def _precision_recall_curves(events: ScoredEvents) -> dict[str, PrecisionRecallCurve]:
    return {
        name: precision_recall_curve(
            events.class_index == k, events.probabilities[:, k], events.event_weight
        ).thin(N_CURVE_POINTS)
        for k, name in enumerate(events.classes.names)
    }


def _notes(
    events: ScoredEvents,
    split: str,
    summary: SplitSummary | None,
    aucs: Sequence[Estimate],
    working_points: Sequence[WorkingPoint],
) -> tuple[str, ...]:
    notes = []
    if summary is not None and summary.negative_fraction > 0:
        notes.append(
            f"{summary.negative_fraction:.2%} of the events have negative weights. The AUC is then a "
            "weighted rank statistic that may leave [0, 1], and efficiencies need not rise everywhere."
        )
    for name, estimate in zip(events.classes.names, aucs, strict=True):
        if not 0 <= estimate.value <= 1:
            notes.append(
                f"The AUC of class '{name}' is {estimate.value:.4f}, outside [0, 1]: its negative weights "
                "are large for this number of events."
            )
        if np.isnan(estimate.low):
            notes.append(f"The AUC of class '{name}' has no interval: too few events for the bootstrap.")
    if working_points and working_points[0].fitted_on == split:
        notes.append(
            "Thresholds of the working points were found in the evaluated events themselves, for want of "
            "others: their signal efficiencies are met by construction."
        )
    return tuple(notes)
