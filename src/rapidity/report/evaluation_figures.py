"""All figures of one evaluation."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from rapidity.report.calibration import draw_calibration
from rapidity.report.confusion import draw_confusion
from rapidity.report.precision_recall import draw_precision_recall, draw_threshold_scan
from rapidity.report.roc import draw_rejection, draw_roc
from rapidity.report.scores import draw_scores
from rapidity.report.style import figure_style

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rapidity.evaluation import EvaluationResult
    from rapidity.report.figures import DrawnFigure


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
