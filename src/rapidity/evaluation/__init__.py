"""From scored events to result records: numbers with intervals, curves, matrices, distributions.

Drawing them is `report`'s work; the formulas are those of `metrics`.
"""

from rapidity.evaluation.evaluate import evaluate
from rapidity.evaluation.events import ALL, ScoredEvents
from rapidity.evaluation.folds import FoldSummary, RocBand, Spread, summarise_folds
from rapidity.evaluation.plain import to_plain
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
    "Central",
    "EvaluationResult",
    "FoldSummary",
    "RocBand",
    "ScoreHistogram",
    "ScoredEvents",
    "SplitSummary",
    "Spread",
    "WorkingPoint",
    "check_yields",
    "evaluate",
    "summarise_folds",
    "to_plain",
]
