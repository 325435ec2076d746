"""From the scores of a model file to the numbers of all its outputs."""

from __future__ import annotations

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
)
from rapidity.workflow.score import make_scored_events

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from rapidity.artefact import Scores
    from rapidity.config import RunConfig
    from rapidity.data.fitted_outputs import FittedOutput
    from rapidity.data.table import Table
    from rapidity.evaluation import AssignmentResult, EvaluationResult, RegressionResult


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
) -> Evaluated:
    """Return the numbers of a classification with those of all other outputs beside them."""
    regressions: dict[str, RegressionResult] = {}
    assignments: dict[str, AssignmentResult] = {}
    seed, split = config.training.seed, evaluated.split
    for name, output in outputs.items():
        if isinstance(output, FittedRegression):
            measured = RegressionEvents(
                np.asarray(table.targets[name]),
                scores.others[name].astype(np.float64),
                split_codes,
                table.event_weight,
            )
            regressions[name] = evaluate_regression(
                name, output.target, output.unit, measured, config.evaluation, seed, split=split
            )
        elif isinstance(output, FittedAssignment):
            assigned = AssignmentEvents(
                output.classes,
                output.one_each,
                table.targets[name],
                scores.others[name],
                split_codes,
                table.event_weight,
            )
            assignments[name] = evaluate_assignment(
                name, output.target, output.cloud, assigned, config.evaluation, seed, split=split
            )
    return Evaluated(
        split, evaluated.config, evaluated.classification, evaluated.counts, regressions, assignments
    )
