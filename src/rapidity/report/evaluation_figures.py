"""All figures of one evaluation."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from rapidity.report.calibration import draw_calibration
from rapidity.report.confusion import draw_assignment, draw_confusion
from rapidity.report.names import file_stems
from rapidity.report.precision_recall import draw_precision_recall, draw_threshold_scan
from rapidity.report.regression import draw_regression
from rapidity.report.roc import draw_rejection, draw_roc
from rapidity.report.scores import draw_scores
from rapidity.report.style import figure_style

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rapidity.evaluation import Evaluated, EvaluationResult
    from rapidity.report.figures import DrawnFigure


def draw_evaluated(
    result: Evaluated, folder: Path | str, formats: Sequence[str] = ("png",)
) -> list[DrawnFigure]:
    """Write the figures of all outputs into `folder`.

    Those of a classification as `draw_evaluation`; of a regression ``<output>_predicted``,
    ``<output>_residuals`` and ``<output>_resolution``; of an assignment ``<output>_confusion``.
    """
    folder = Path(folder)
    drawn = [] if result.classification is None else draw_evaluation(result.classification, folder, formats)
    stems = dict(
        zip(
            (*result.regressions, *result.assignments),
            file_stems([*result.regressions, *result.assignments]),
            strict=True,
        )
    )
    with figure_style():
        for name, regression in result.regressions.items():
            drawn += draw_regression(regression, folder, stems[name], formats)
        for name, assignment in result.assignments.items():
            drawn += draw_assignment(assignment, folder, stems[name], formats)
    return drawn


def draw_evaluation(
    result: EvaluationResult, folder: Path | str, formats: Sequence[str] = ("png",)
) -> list[DrawnFigure]:
    """Write ROC curves, confusion matrices, scores, precision, recall and calibration into `folder`.

    Files: ``roc``, ``rejection``, ``confusion``, ``confusion_counts``, ``score_<class>``, ``threshold``,
    ``precision_recall``, ``calibration``, each in every format of `formats` (png, pdf, svg).
    """
    folder = Path(folder)
    with figure_style():
        return [
            draw_roc(result, folder, formats),
            draw_rejection(result, folder, formats),
            *draw_confusion(result, folder, formats),
            *draw_scores(result, folder, formats),
            draw_threshold_scan(result, folder, formats),
            draw_precision_recall(result, folder, formats),
            draw_calibration(result, folder, formats),
        ]
