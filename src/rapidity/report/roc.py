"""ROC curves: signal against background efficiency, and background rejection."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from rapidity.report.figures import DrawnFigure, save_figure
from rapidity.report.style import class_colours, class_line_styles, new_axes, place_legend, plain_text

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from matplotlib.axes import Axes

    from rapidity.evaluation import EvaluationResult
    from rapidity.metrics import Estimate


def draw_roc(result: EvaluationResult, folder: Path, formats: Sequence[str]) -> DrawnFigure:
    """Draw the ROC curve of each class against the rest, with its AUC and interval."""
    figure, axes = new_axes(height_cm=7.6)
    axes.plot([0, 1], [0, 1], color="0.6", linewidth=0.6, linestyle=":")
    handles, labels = [], []
    for name, colour, style, label in _curves(result):
        curve = result.roc[name]
        handles += axes.plot(curve.bkg_eff, curve.sig_eff, color=colour, linestyle=style)
        labels.append(label)
        _draw_band(axes, result, name, colour)
    axes.set(xlim=(-0.005, 1.0), ylim=(0.0, 1.01), xlabel=_background(result), ylabel=_signal(result))
    _give_title(axes, result, "each class against the rest; legend: AUC")
    place_legend(axes, handles, labels, loc="lower right", ncols=1)
    level = f"{result.confidence_level:.0%}"
    return save_figure(
        figure,
        folder,
        "roc",
        title="ROC curve",
        caption=f"Efficiency for a class against that for all others as the cut on its score moves "
        f"({result.split} split). AUC with {level} interval from {result.n_replicas} bootstrap replicas."
        + _band_text(result),
        formats=formats,
    )


def _draw_band(axes: Axes, result: EvaluationResult, name: str, colour: str) -> None:
    """Fill between the mean of the folds minus and plus the standard deviation of one."""
    if result.folds is None or name not in result.folds.roc:
        return
    band = result.folds.roc[name]
    low, high = band.sig_eff - band.spread, band.sig_eff + band.spread
    axes.fill_between(band.bkg_eff, low, high, color=colour, alpha=0.25, linewidth=0)


def _band_text(result: EvaluationResult) -> str:
    if result.folds is None:
        return ""
    return (
        f" Line: the events of all {result.folds.count} folds together. Band: mean and standard deviation of "
        "the signal efficiency of one fold, at equal background efficiency."
    )


def draw_rejection(result: EvaluationResult, folder: Path, formats: Sequence[str]) -> DrawnFigure:
    """Draw the background rejection against the signal efficiency."""
    figure, axes = new_axes(height_cm=7.6)
    handles, labels, highest = [], [], 10.0
    for name, colour, style, _ in _curves(result):
        curve = result.roc[name]
        is_shown = (curve.bkg_eff > 0) & (curve.sig_eff > 0)
        rejection = 1 / curve.bkg_eff[is_shown]
        handles += axes.plot(curve.sig_eff[is_shown], rejection, color=colour, linestyle=style)
        labels.append(plain_text(name))
        points = [p.measured for p in result.working_points if p.class_name == name]
        axes.plot(
            [p.sig_eff for p in points if p.bkg_eff > 0],
            [p.bkg_rej for p in points if p.bkg_eff > 0],
            color=colour,
            marker="o",
            linestyle="none",
        )
        highest = max(highest, float(np.max(rejection[curve.sig_eff[is_shown] > 0.1], initial=1.0)))
    axes.set_yscale("log")
    axes.set(xlim=(0.0, 1.0), ylim=(0.8, highest * 3), xlabel=_signal(result))
    axes.set_ylabel("Background rejection, 1 / efficiency")
    _give_title(axes, result, "each class against the rest")
    if len(labels) > 1:
        place_legend(axes, handles, labels, loc="upper right")
    return save_figure(
        figure,
        folder,
        "rejection",
        title="Background rejection",
        caption=f"Background rejection against signal efficiency ({result.split} split); points are the "
        "working points.",
        formats=formats,
    )


def format_estimate(estimate: Estimate) -> str:
    """Return value and interval with as many digits as the interval deserves.

    Examples
    --------
    >>> from rapidity.metrics import Estimate
    >>> format_estimate(Estimate(0.91768, 0.9066, 0.9298))
    '0.918 [0.907, 0.930]'
    >>> format_estimate(Estimate(0.99912, 0.99894, 0.99931))
    '0.99912 [0.99894, 0.99931]'
    """
    width = estimate.high - estimate.low
    if not math.isfinite(width) or width <= 0:
        return f"{estimate.value:.4f}"
    digits = min(max(1 - math.floor(math.log10(width)), 2), 6)
    return f"{estimate.value:.{digits}f} [{estimate.low:.{digits}f}, {estimate.high:.{digits}f}]"


def _curves(result: EvaluationResult) -> list[tuple[str, str, str, str]]:
    """Return name, colour, line style and legend entry of each class that is shown."""
    names = result.classes.names
    colours, styles = class_colours(len(names)), class_line_styles(len(names))
    curves = []
    for k, name in enumerate(names):
        if name in result.shown_classes:
            n_shown = len(result.shown_classes)
            prefix = "AUC" if n_shown == 1 else plain_text(name, 24)
            style = "-" if n_shown == 1 else styles[k]
            curves.append((name, colours[k], style, f"{prefix} {format_estimate(result.auc[k])}"))
    return curves


def _give_title(axes: Axes, result: EvaluationResult, text: str) -> None:
    if len(result.shown_classes) > 1:
        axes.set_title(text, loc="left", fontsize=6.5, color="0.35")


def _signal(result: EvaluationResult) -> str:
    return _efficiency(result.shown_classes, "Signal efficiency")


def _background(result: EvaluationResult) -> str:
    others = [name for name in result.classes.names if name not in result.shown_classes]
    return _efficiency(others, "Background efficiency")


def _efficiency(names: Sequence[str], otherwise: str) -> str:
    return f"Efficiency for {plain_text(names[0], 24)}" if len(names) == 1 else otherwise
