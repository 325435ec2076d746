"""Score distributions of each true class, the training split overlaid."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rapidity.report.figures import DrawnFigure, save_figure
from rapidity.report.names import file_stems
from rapidity.report.style import MARKERS, class_colours, leave_headroom, new_axes, place_legend, plain_text

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from matplotlib.axes import Axes

    from rapidity.evaluation import EvaluationResult, ScoreHistogram
    from rapidity.metrics import Histogram

LEAST_RATIO = 30
"""The axis of the fractions reaches at least so far below the highest one."""


def draw_scores(result: EvaluationResult, folder: Path, formats: Sequence[str]) -> list[DrawnFigure]:
    """Draw for each shown class the distribution of its score, by true class."""
    stems = dict(zip(result.classes.names, file_stems(result.classes.names), strict=True))
    return [_draw_score(result, name, stems[name], folder, formats) for name in result.shown_classes]


def _draw_score(
    result: EvaluationResult, score_class: str, stem: str, folder: Path, formats: Sequence[str]
) -> DrawnFigure:
    figure, axes = new_axes()
    axes.set_yscale("log")
    shown = [histogram for histogram in result.score_histograms if histogram.score_class == score_class]
    colours = class_colours(len(shown))
    handles, labels = [], []
    for k, (histogram, colour) in enumerate(zip(shown, colours, strict=True)):
        if histogram.train is not None:
            _draw_train(axes, histogram.train, colour, is_filled=len(shown) <= 3)
        handles.append(_draw_points(axes, histogram.evaluated, colour, MARKERS[k % len(MARKERS)]))
        labels.append(plain_text(histogram.true_class, 20))
    axes.set_xlim(0, 1)
    _limit_decades(axes, shown)
    axes.set(xlabel=f"Score for {plain_text(score_class, 28)}", ylabel="Fraction of events per bin")
    has_train = any(histogram.train is not None for histogram in shown)
    if has_train:
        handles.append(axes.stairs([], [0], color="0.5", fill=len(shown) <= 3, alpha=0.4))
        labels.append("train")
        axes.set_title(f"points: {result.split}, {_test_text(shown)}", loc="left", fontsize=6.5, color="0.35")
    leave_headroom(axes, 0.24 if len(labels) <= 4 else 0.3)
    place_legend(axes, handles, labels, loc="upper center", ncols=2 if len(labels) <= 4 else 3)
    return save_figure(
        figure,
        folder,
        f"score_{stem}",
        title=f"Score for {score_class}",
        caption=f"Distribution of the score for {score_class} by true class, each normalised to 1: points "
        f"with statistical errors are the {result.split} split"
        + (
            f", {'filled areas' if len(shown) <= 3 else 'lines'} the training split. KS is the smallest "
            "Kolmogorov-Smirnov p-value of the classes: how likely a larger difference is by chance."
            if has_train
            else "."
        ),
        formats=formats,
    )


def _draw_train(axes: Axes, histogram: Histogram, colour: str, *, is_filled: bool) -> None:
    fractions = histogram.values / histogram.total
    if is_filled:
        axes.stairs(fractions, histogram.edges, fill=True, color=colour, alpha=0.3, linewidth=0)
    axes.stairs(fractions, histogram.edges, color=colour, linewidth=0.6, baseline=None)


def _draw_points(axes: Axes, histogram: Histogram, colour: str, marker: str) -> object:
    total = histogram.total if histogram.total != 0 else 1.0
    is_shown = histogram.values / total > 0
    centres = (histogram.edges[1:] + histogram.edges[:-1]) / 2
    return axes.errorbar(
        centres[is_shown],
        histogram.values[is_shown] / total,
        histogram.errors[is_shown] / abs(total),
        fmt=marker,
        color=colour,
        elinewidth=0.6,
        markersize=2.2,
    )


def _limit_decades(axes: Axes, shown: Sequence[ScoreHistogram]) -> None:
    """Show what has statistics: from a third of one event of the evaluated split up."""
    pools = [histogram.evaluated for histogram in shown if histogram.evaluated.total != 0]
    high = max((float((pool.values / pool.total).max()) for pool in pools), default=1.0)
    one_event = min((float(pool.variances.sum()) / pool.total**2 for pool in pools), default=1e-3)
    # Below one decade matplotlib writes 6 x 10^-1 beside every tick, out of the figure.
    low = min(max(one_event / 3, high * 1e-6), high / LEAST_RATIO)
    axes.set_ylim(low, max(high * 1.3, one_event))


def _test_text(shown: Sequence[ScoreHistogram]) -> str:
    p_values = [histogram.ks.p_value for histogram in shown if histogram.ks is not None]
    smallest = min(p_values)
    return "KS p < 0.0001" if smallest < 1e-4 else f"KS p = {smallest:.2g}"
