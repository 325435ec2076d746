"""Precision and recall against the cut on the score, and against each other."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from rapidity.report.figures import DrawnFigure, save_figure
from rapidity.report.style import (
    class_colours,
    class_line_styles,
    emptiest_corner,
    new_axes,
    new_figure,
    place_legend,
    plain_text,
)

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from matplotlib.axes import Axes
    from numpy.typing import NDArray

    from rapidity.evaluation import EvaluationResult
    from rapidity.metrics import PrecisionRecallCurve

RARE = 0.05
"""A class whose precision is mostly below this is drawn on a logarithmic axis."""


def draw_threshold_scan(result: EvaluationResult, folder: Path, formats: Sequence[str]) -> DrawnFigure:
    """Draw precision above, recall below, against the threshold on the score of each shown class."""
    figure = new_figure(height_cm=8.4)
    upper = figure.add_axes((0.155, 0.545, 0.81, 0.41))
    lower = figure.add_axes((0.155, 0.115, 0.81, 0.41), sharex=upper)
    colours, styles = class_colours(len(result.classes)), class_line_styles(len(result.classes))
    handles, labels = [], []
    for k, name in enumerate(result.classes.names):
        if name not in result.shown_classes:
            continue
        curve = result.precision_recall[name]
        style = styles[k] if len(result.shown_classes) > 1 else "-"
        upper.plot(curve.threshold, curve.precision, color=colours[k], linestyle=style)
        handles += lower.plot(curve.threshold, curve.recall, color=colours[k], linestyle=style)
        labels.append(plain_text(name, 24))
    upper.tick_params(labelbottom=False)
    upper.set(xlim=(0, 1), ylabel="Precision")
    _scale_precision(upper, _shown(result))
    lower.set(ylim=_limits([curve.recall for curve in _shown(result)]), ylabel="Recall")
    lower.set_xlabel("Threshold on the score")
    place_legend(lower, handles, labels, loc=emptiest_corner(lower, "lower left"))
    return save_figure(
        figure,
        folder,
        "threshold",
        title="Precision and recall",
        caption=f"Precision (purity of the selected events) and recall (efficiency) against the threshold on "
        f"the score ({result.split} split). Precision depends on how frequent the classes are in it.",
        formats=formats,
    )


def draw_precision_recall(result: EvaluationResult, folder: Path, formats: Sequence[str]) -> DrawnFigure:
    """Draw precision against recall of each shown class."""
    figure, axes = new_axes()
    colours, styles = class_colours(len(result.classes)), class_line_styles(len(result.classes))
    handles, labels = [], []
    for k, name in enumerate(result.classes.names):
        if name not in result.shown_classes:
            continue
        curve = result.precision_recall[name]
        style = styles[k] if len(result.shown_classes) > 1 else "-"
        handles += axes.plot(curve.recall, curve.precision, color=colours[k], linestyle=style)
        labels.append(plain_text(name, 24))
    axes.set(xlim=(0, 1), xlabel="Recall", ylabel="Precision")
    _scale_precision(axes, _shown(result))
    place_legend(axes, handles, labels, loc=emptiest_corner(axes, "lower left"))
    return save_figure(
        figure,
        folder,
        "precision_recall",
        title="Precision against recall",
        caption=f"Precision against recall as the cut on the score moves ({result.split} split).",
        formats=formats,
    )


def _shown(result: EvaluationResult) -> list[PrecisionRecallCurve]:
    return [result.precision_recall[name] for name in result.shown_classes]


def _scale_precision(axes: Axes, curves: Sequence[PrecisionRecallCurve]) -> None:
    """Set the axis of the precision: logarithmic where a rare class would lie on zero otherwise."""
    values = [curve.precision[np.isfinite(curve.precision)] for curve in curves]
    lowest = min((float(np.median(one)) for one in values if len(one)), default=1.0)
    is_positive = all((one >= 0).all() for one in values)
    if is_positive and 0 < lowest < RARE:
        smallest = min(float(one[one > 0].min()) for one in values if (one > 0).any())
        axes.set_yscale("log")
        axes.set_ylim(smallest / 1.5, 1.3)
    else:
        axes.set_ylim(*_limits(values))


def _limits(curves: Sequence[NDArray[np.float64]]) -> tuple[float, float]:
    """Return 0 to 1 with a little room, widened where negative weights lead outside, two units at most."""
    low = min((float(np.nanmin(values, initial=0.0)) for values in curves), default=0.0)
    high = max((float(np.nanmax(values, initial=1.0)) for values in curves), default=1.0)
    return max(low, -1.0) - (0.02 if low < 0 else 0.0), min(high, 2.0) * 1.02
