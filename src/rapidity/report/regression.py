"""Figures of a regression: predicted against true, residuals, resolution against the truth."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from rapidity.metrics import fill_histogram
from rapidity.report.figures import DrawnFigure, save_figure
from rapidity.report.style import SIX_COLOURS, axis_label, leave_headroom, new_axes, place_legend, plain_text

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from matplotlib.axes import Axes
    from numpy.typing import NDArray

    from rapidity.evaluation import RegressionResult

N_CELLS = 50
N_BINS = 50
RESIDUAL_PART = 0.99
"""The axis of residuals shows so much of them; the rest is said in the caption."""


def draw_regression(
    result: RegressionResult, folder: Path, stem: str, formats: Sequence[str]
) -> list[DrawnFigure]:
    """Draw ``<stem>_predicted``, ``<stem>_residuals`` and ``<stem>_resolution``."""
    return [
        _draw_predicted(result, folder, stem, formats),
        _draw_residuals(result, folder, stem, formats),
        _draw_resolution(result, folder, stem, formats),
    ]


def _draw_predicted(result: RegressionResult, folder: Path, stem: str, formats: Sequence[str]) -> DrawnFigure:
    """Draw how many events have which truth and prediction."""
    events = result.events
    low, high = _limits(np.concatenate([events.truth, events.prediction]), RESIDUAL_PART)
    edges = np.linspace(low, high, N_CELLS + 1)
    counts = np.histogram2d(events.truth, events.prediction, (edges, edges), weights=events.event_weight)[0]
    figure, axes = new_axes(height_cm=7.6)
    shown: NDArray[Any] = np.where(counts > 0, counts, np.nan)
    mesh = axes.pcolormesh(edges, edges, shown.T, cmap="viridis", norm=_norm(shown), rasterized=True)
    bar = figure.colorbar(mesh, ax=axes, pad=0.02)
    bar.set_label("Events" if events.event_weight is None else "Sum of event weights")
    axes.plot([low, high], [low, high], color="0.2", linewidth=0.7, linestyle="--")
    axes.set(
        xlim=(low, high),
        ylim=(low, high),
        xlabel=axis_label(f"True {plain_text(result.name, 24)}", result.unit),
        ylabel=axis_label(f"Predicted {plain_text(result.name, 24)}", result.unit),
    )
    is_inside = _is_inside(events.truth, low, high) & _is_inside(events.prediction, low, high)
    return save_figure(
        figure,
        folder,
        f"{stem}_predicted",
        title=f"Predicted against true {result.name}",
        caption=f"{result.split} split, {result.n_events:,} events, {int((~is_inside).sum()):,} of them "
        "outside of the frame. On the dashed line the prediction is the truth. Cells of negative sum are "
        "white.",
        formats=formats,
    )


def _norm(shown: NDArray[Any]) -> Any:
    from matplotlib.colors import LogNorm, Normalize

    filled = shown[np.isfinite(shown)]
    if len(filled) and filled.max() > 30 * filled.min():
        return LogNorm(vmin=float(filled.min()), vmax=float(filled.max()))
    return Normalize(vmin=0.0, vmax=float(filled.max()) if len(filled) else 1.0)


def _draw_residuals(result: RegressionResult, folder: Path, stem: str, formats: Sequence[str]) -> DrawnFigure:
    """Draw the distribution of prediction minus truth, with bias and half width."""
    events = result.events
    residuals = events.prediction - events.truth
    low, high = _limits(residuals, RESIDUAL_PART)
    edges = np.linspace(low, high, N_BINS + 1)
    histogram = fill_histogram(residuals, edges, events.event_weight)
    figure, axes = new_axes()
    centres = (edges[1:] + edges[:-1]) / 2
    axes.stairs(histogram.values, edges, color=SIX_COLOURS[0], fill=True, alpha=0.25)
    axes.errorbar(
        centres, histogram.values, yerr=histogram.errors, color=SIX_COLOURS[0], linestyle="none", marker="."
    )
    bias, width = result.numbers["bias"].value, result.numbers["half_width"].value
    handles: list[Any] = [axes.axvline(bias, ymax=0.87, color=SIX_COLOURS[2], linewidth=1.0)]
    labels = [f"bias {bias:.4g}"]
    if np.isfinite(width):
        handles.append(axes.axvspan(bias - width, bias + width, ymax=0.87, color=SIX_COLOURS[2], alpha=0.12))
        labels.append(f"68 % half width {width:.4g}")
    axes.set(
        xlim=(low, high),
        xlabel=axis_label(f"Predicted minus true {plain_text(result.name, 24)}", result.unit),
        ylabel="Events" if events.event_weight is None else "Sum of event weights",
    )
    leave_headroom(axes, 0.15)
    place_legend(axes, handles, labels, loc="upper center", ncols=2)
    n_outside = int((~_is_inside(residuals, low, high)).sum())
    return save_figure(
        figure,
        folder,
        f"{stem}_residuals",
        title=f"Residuals of {result.name}",
        caption=f"Prediction minus truth, {result.split} split, with statistical errors; {n_outside:,} of "
        f"{result.n_events:,} events lie outside of the frame. The band has the 68 % half width on either "
        "side of the bias.",
        formats=formats,
    )


def _draw_resolution(
    result: RegressionResult, folder: Path, stem: str, formats: Sequence[str]
) -> DrawnFigure:
    """Draw resolution, half width and bias in intervals of the truth."""
    is_relative = np.isfinite(result.numbers["relative_bias"].value)
    prefix = "relative_" if is_relative else ""
    figure, axes = new_axes()
    handles, labels = [], []
    wanted = {"resolution": "resolution", "half_width": "68 % half width", "bias": "bias"}
    for position, (name, label) in enumerate(wanted.items()):
        handles.append(_draw_points(axes, result, prefix + name, position))
        labels.append(label)
    axes.axhline(0.0, color="0.6", linewidth=0.6, linestyle=":")
    of_what = plain_text(result.name, 24)
    axes.set(
        xlabel=axis_label(f"True {of_what}", result.unit),
        ylabel=f"Relative to the true {of_what}"
        if is_relative
        else axis_label(f"Predicted minus true {of_what}", result.unit),
    )
    leave_headroom(axes, 0.15)
    place_legend(axes, handles, labels, loc="upper center", ncols=3, fontsize=6.5)
    said = "Divided by the truth. " if is_relative else ""
    return save_figure(
        figure,
        folder,
        f"{stem}_resolution",
        title=f"Resolution of {result.name} against the truth",
        caption=f"In intervals of the truth with about as many events each ({result.split} split). {said}"
        "Resolution: standard deviation of prediction minus truth; half width: half of the interval that "
        "holds the central 68 %. Errors from the bootstrap.",
        formats=formats,
    )


def _draw_points(axes: Axes, result: RegressionResult, name: str, position: int) -> Any:
    values, below, above, centres, widths = [], [], [], [], []
    for interval in result.intervals:
        estimate = interval.numbers[name]
        values.append(estimate.value)
        below.append(max(estimate.value - estimate.low, 0.0) if np.isfinite(estimate.low) else 0.0)
        above.append(max(estimate.high - estimate.value, 0.0) if np.isfinite(estimate.high) else 0.0)
        centres.append((interval.low + interval.high) / 2)
        widths.append((interval.high - interval.low) / 2)
    return axes.errorbar(
        centres,
        values,
        yerr=[below, above],
        xerr=widths,
        color=SIX_COLOURS[position],
        marker=("o", "s", "^")[position],
        markersize=3,
        linestyle="none",
    )


def _limits(values: NDArray[np.float64], part: float) -> tuple[float, float]:
    """Return ends that hold so much of some values, a little wider."""
    tail = (1 - part) / 2
    low, high = np.quantile(values, [tail, 1 - tail]).tolist()
    margin = 0.05 * (high - low) or max(abs(low), 1.0) * 0.05
    return low - margin, high + margin


def _is_inside(values: NDArray[np.float64], low: float, high: float) -> NDArray[np.bool_]:
    inside: NDArray[np.bool_] = (values >= low) & (values <= high)
    return inside
