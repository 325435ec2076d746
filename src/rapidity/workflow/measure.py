"""From the scores of a model file to the numbers of all its outputs."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from rapidity.data.fitted_outputs import FittedAssignment, FittedRegression
from rapidity.data.object_targets import count_kept
from rapidity.evaluation import (
    AssignmentEvents,
    Evaluated,
    RegressionEvents,
    SplitCounts,
    evaluate,
    evaluate_assignment,
    evaluate_regression,
    summarise_assignment_folds,
    summarise_regression_folds,
)
from rapidity.workflow.score import make_scored_events

if TYPE_CHECKING:
    from rapidity.config import RunConfig
    from rapidity.data.features import FeatureSet
    from rapidity.evaluation import AssignmentResult, EvaluationResult, Folding, RegressionResult
    from rapidity.workflow.score import ScoredTable


def measure_outputs(scored: ScoredTable, features: FeatureSet, config: RunConfig, split: str) -> Evaluated:
    """Return the numbers of all outputs of a model on one split (`evaluation.ALL`: on all events)."""
    table = scored.table
    classified = any(output.task == "classification" for output in scored.outputs.values())
    result: EvaluationResult | None = None
    if classified:
        events = make_scored_events(table, scored.split, scored.scores)
        result = evaluate(events, config.evaluation, config.training.seed, split=split)
    counts = (
        None
        if classified
        else SplitCounts.of(table.classes, table.class_index, scored.split, table.event_weight)
    )
    return measure_others(Evaluated(split, config.evaluation, result, counts), scored, features, config)


def measure_others(
    evaluated: Evaluated,
    scored: ScoredTable,
    features: FeatureSet,
    config: RunConfig,
    folding: Folding | None = None,
) -> Evaluated:
    """Return the numbers of a classification with those of all other outputs beside them.

    Parameters
    ----------
    features
        What the inputs of the network are made of: which objects of a cloud it sees.
    folding
        Of a run with folds which network scored which event; the numbers then have their spread.
    """
    table, scores = scored.table, scored.scores
    regressions: dict[str, RegressionResult] = {}
    assignments: dict[str, AssignmentResult] = {}
    for name, output in scored.outputs.items():
        if isinstance(output, FittedRegression):
            measured = RegressionEvents(
                np.asarray(table.targets[name]),
                scores.others[name].astype(np.float64),
                scored.split,
                table.event_weight,
            )
            regressions[name] = _measure_regression(name, output, measured, evaluated, config, folding)
        elif isinstance(output, FittedAssignment):
            assigned = AssignmentEvents(
                output.classes,
                output.one_each,
                table.targets[name],
                scores.others[name],
                scored.split,
                table.event_weight,
                count_kept(features.clouds[output.cloud], table.columns),
            )
            assignments[name] = _measure_assignment(name, output, assigned, evaluated, config, folding)
    return replace(evaluated, regressions=regressions, assignments=assignments)


def _measure_regression(
    name: str,
    output: FittedRegression,
    events: RegressionEvents,
    evaluated: Evaluated,
    config: RunConfig,
    folding: Folding | None,
) -> RegressionResult:
    result = evaluate_regression(
        name,
        output.target,
        output.unit,
        events,
        config.evaluation,
        config.training.seed,
        split=evaluated.split,
    )
    return result if folding is None else replace(result, folds=summarise_regression_folds(events, folding))


def _measure_assignment(
    name: str,
    output: FittedAssignment,
    events: AssignmentEvents,
    evaluated: Evaluated,
    config: RunConfig,
    folding: Folding | None,
) -> AssignmentResult:
    result = evaluate_assignment(
        name,
        output.target,
        output.cloud,
        events,
        config.evaluation,
        config.training.seed,
        split=evaluated.split,
    )
    return result if folding is None else replace(result, folds=summarise_assignment_folds(events, folding))
