"""The calibration curve: the fraction of a class against its score."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from rapidity.report.figures import DrawnFigure, save_figure
from rapidity.report.style import MARKERS, class_colours, emptiest_corner, new_axes, place_legend, plain_text

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from rapidity.evaluation import EvaluationResult


def draw_calibration(result: EvaluationResult, folder: Path, formats: Sequence[str]) -> DrawnFigure:
    """Draw for each shown class which fraction of the events of a score belongs to it."""
    figure, axes = new_axes(height_cm=7.6)
    axes.plot([0, 1], [0, 1], color="0.6", linewidth=0.6, linestyle=":")
    names = result.classes.names
    colours = class_colours(len(names))
    handles, labels = [], []
    for k, name in enumerate(names):
        if name not in result.shown_classes:
            continue
        curve = result.calibration[name]
        is_there = np.isfinite(curve.fraction)
        handles.append(
            axes.errorbar(
                curve.mean_score[is_there],
                curve.fraction[is_there],
                yerr=curve.error[is_there],
                color=colours[k],
                marker=MARKERS[k % len(MARKERS)],
                linestyle="none",
            )
        )
        labels.append(f"{plain_text(name, 24)}, error {curve.calibration_error:.3f}")
    axes.set(xlim=(0.0, 1.0), ylim=(-0.02, 1.02), xlabel="Mean score", ylabel="Fraction of the class")
    place_legend(axes, handles, labels, loc=emptiest_corner(axes, "upper left"), ncols=1)
    has_weights = result.unweighted is not None
    weighted = ", weighted" if has_weights else ""
    mixed = "the event weights say" if has_weights else "in this split"
    return save_figure(
        figure,
        folder,
        "calibration",
        title="Calibration",
        caption=f"Fraction of each class among events of a score, with statistical errors ({result.split} "
        f"split{weighted}). On the dotted line a score is the probability of the class, for classes mixed as "
        f"{mixed}; balanced training weights move it away. In the legend: the mean distance "
        "from the line over all events.",
        formats=formats,
    )
