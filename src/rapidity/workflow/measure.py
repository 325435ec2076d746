"""From the scores of a model file to the numbers of all its outputs."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from rapidity.data.fitted_outputs import FittedAssignment, FittedRegression
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
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from rapidity.artefact import Scores
    from rapidity.config import RunConfig
    from rapidity.data.fitted_outputs import FittedOutput
    from rapidity.data.table import Table
    from rapidity.evaluation import AssignmentResult, EvaluationResult, Folding, RegressionResult


def measure_outputs(
    outputs: Mapping[str, FittedOutput],
    table: Table,
    split_codes: NDArray[np.int8],
    scores: Scores,
    config: RunConfig,
    split: str,
) -> Evaluated:
    """Return the numbers of all outputs of a model on one split (`evaluation.ALL`: on all events)."""
    classified = any(output.task == "classification" for output in outputs.values())
    result: EvaluationResult | None = None
    if classified:
        events = make_scored_events(table, split_codes, scores)
        result = evaluate(events, config.evaluation, config.training.seed, split=split)
    counts = (
        None
        if classified
        else SplitCounts.of(table.classes, table.class_index, split_codes, table.event_weight)
    )
    return measure_others(
        Evaluated(split, config.evaluation, result, counts), outputs, table, split_codes, scores, config
    )


def measure_others(
    evaluated: Evaluated,
    outputs: Mapping[str, FittedOutput],
    table: Table,
    split_codes: NDArray[np.int8],
    scores: Scores,
    config: RunConfig,
    folding: Folding | None = None,
) -> Evaluated:
    """Return the numbers of a classification with those of all other outputs beside them.

    `folding`: of a run with folds which network scored which event; the numbers then have their spread.
    """
    regressions: dict[str, RegressionResult] = {}
    assignments: dict[str, AssignmentResult] = {}
    for name, output in outputs.items():
        if isinstance(output, FittedRegression):
            measured = RegressionEvents(
                np.asarray(table.targets[name]),
                scores.others[name].astype(np.float64),
                split_codes,
                table.event_weight,
            )
            regressions[name] = _measure_regression(name, output, measured, evaluated, config, folding)
        elif isinstance(output, FittedAssignment):
            assigned = AssignmentEvents(
                output.classes,
                output.one_each,
                table.targets[name],
                scores.others[name],
                split_codes,
                table.event_weight,
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
