"""From scored events to result records: numbers with intervals, curves, matrices, distributions.

Drawing them is `report`'s work; the formulas are those of `metrics`.
"""

from rapidity.evaluation.assignment import AssignmentEvents, AssignmentResult, evaluate_assignment
from rapidity.evaluation.evaluate import evaluate
from rapidity.evaluation.events import ALL, ScoredEvents
from rapidity.evaluation.folds import FoldSummary, RocBand, Spread, summarise_folds
from rapidity.evaluation.output_folds import (
    Folding,
    OutputFolds,
    summarise_assignment_folds,
    summarise_regression_folds,
)
from rapidity.evaluation.outputs import Evaluated, SplitCounts
from rapidity.evaluation.plain import to_plain
from rapidity.evaluation.regression import RegressionEvents, RegressionResult, evaluate_regression
from rapidity.evaluation.results import (
    Central,
    EvaluationResult,
    ScoreHistogram,
    SplitSummary,
    WorkingPoint,
)
from rapidity.evaluation.summaries import check_yields

__all__ = [
    "ALL",
    "AssignmentEvents",
    "AssignmentResult",
    "Central",
    "Evaluated",
    "EvaluationResult",
    "FoldSummary",
    "Folding",
    "OutputFolds",
    "RegressionEvents",
    "RegressionResult",
    "RocBand",
    "ScoreHistogram",
    "ScoredEvents",
    "SplitCounts",
    "SplitSummary",
    "Spread",
    "WorkingPoint",
    "check_yields",
    "evaluate",
    "evaluate_assignment",
    "evaluate_regression",
    "summarise_assignment_folds",
    "summarise_folds",
    "summarise_regression_folds",
    "to_plain",
]
