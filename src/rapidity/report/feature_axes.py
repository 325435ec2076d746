"""The distribution of one feature on given axes, large with errors or small for the overview."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from rapidity.report.style import class_colours, class_line_styles, leave_headroom, place_legend, plain_text

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from numpy.typing import NDArray

    from rapidity.core.classes import ClassSet
    from rapidity.metrics import Histogram
    from rapidity.report.inputs import FeatureHistograms


N_FILLED = 3
"""Up to so many classes are filled areas; more differ by their line styles."""


def draw_feature_axes(
    axes: Axes, feature: FeatureHistograms, classes: ClassSet, *, is_small: bool = False
) -> None:
    """Draw the feature by class, each class normalised to 1; under- and overflow as grey edge bins."""
    edges = _edges_with_flow(feature)
    inside = slice(
        0 if edges.has_underflow else 1,
        None if edges.has_overflow else -1,
    )
    colours, styles = class_colours(len(classes)), class_line_styles(len(classes))
    handles, labels = [], []
    is_filled = len(classes) <= N_FILLED
    for k, (name, histogram) in enumerate(zip(classes.names, feature.histograms, strict=True)):
        fractions, errors = _fractions(histogram)
        if is_filled:
            axes.stairs(fractions[inside], edges.edges, fill=True, color=colours[k], alpha=0.15, linewidth=0)
        style = "-" if is_filled else styles[k]
        handles.append(
            axes.stairs(
                fractions[inside],
                edges.edges,
                color=colours[k],
                linestyle=style,
                linewidth=0.8 if is_small else 1.1,
            )
        )
        if not is_small:
            axes.errorbar(
                edges.centres,
                fractions[inside],
                errors[inside],
                fmt="none",
                ecolor=colours[k],
                elinewidth=0.6,
            )
        labels.append(_label(name, feature.missing_fraction[k], limit=20 if len(classes) <= 2 else 12))
    _set_scales(axes, feature, edges.edges, with_errors=not is_small)
    _shade_flow(axes, edges, is_small=is_small)
    if is_small:
        _simplify(axes, max(feature.missing_fraction))
    else:
        leave_headroom(axes, 0.1 + 0.055 * -(-len(labels) // 2))
        place_legend(axes, handles, labels, loc="upper center", ncols=2 if len(labels) > 1 else 1)


class _FlowEdges:
    """Bin edges with one more bin at each end that holds something outside the range."""

    def __init__(self, edges: NDArray[np.float64], *, has_underflow: bool, has_overflow: bool) -> None:
        self.inner = edges
        self.has_underflow, self.has_overflow = has_underflow, has_overflow
        is_log = edges[0] > 0 and not np.allclose(np.diff(edges), edges[1] - edges[0])
        scale = np.log(edges) if is_log else edges
        width = max((scale[-1] - scale[0]) / 24, 0.0)
        wide = np.concatenate([[scale[0] - width], scale, [scale[-1] + width]])
        chosen = wide[0 if has_underflow else 1 : None if has_overflow else -1]
        self.edges = np.exp(chosen) if is_log else chosen
        middle = (chosen[1:] + chosen[:-1]) / 2
        self.centres = np.exp(middle) if is_log else middle


def _edges_with_flow(feature: FeatureHistograms) -> _FlowEdges:
    return _FlowEdges(
        feature.binning.edges,
        has_underflow=any(histogram.variances[0] > 0 for histogram in feature.histograms),
        has_overflow=any(histogram.variances[-1] > 0 for histogram in feature.histograms),
    )


def _fractions(histogram: Histogram) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return contents and errors over the total, ``(n_bins + 2,)`` each; nothing where the total vanishes."""
    total = histogram.total
    if total == 0:
        return np.zeros_like(histogram.contents), np.zeros_like(histogram.contents)
    return histogram.contents / total, np.sqrt(histogram.variances) / abs(total)


def _label(name: str, missing: float, limit: int) -> str:
    if missing == 0:
        return plain_text(name, 20)
    return f"{plain_text(name, limit)} ({_percent(missing)} missing)"


def _percent(fraction: float) -> str:
    return f"{fraction:.0%}" if fraction >= 0.005 else "<1%"


def _set_scales(
    axes: Axes, feature: FeatureHistograms, edges: NDArray[np.float64], *, with_errors: bool
) -> None:
    fractions, errors = np.array([_fractions(histogram) for histogram in feature.histograms]).swapaxes(0, 1)
    if feature.binning.is_log:
        axes.set_xscale("log")
    elif feature.binning.is_integer:
        _tick_integers(axes, max(len(f"{edge:.0f}") for edge in (edges[0], edges[-1])))
    axes.set_xlim(edges[0], edges[-1])
    highest = fractions.max(initial=0.0)
    # One bin far above all others (a spike of zeros) would flatten the rest.
    typical = np.sort(fractions.max(axis=0))[-4] if fractions.shape[1] >= 8 else highest
    if 0 < typical < highest / 12:
        axes.set_yscale("log")
        axes.set_ylim(max(fractions[fractions > 0].min() / 2, highest * 1e-5), highest * 1.5)
    else:
        # Errors of signed weights may exceed all contents, which then shall not be pressed to the axis.
        top = min((fractions + errors).max(initial=0.0), 2 * highest) if with_errors else highest
        axes.set_ylim(min(0.0, float(fractions.min(initial=0.0)) * 1.1), top * 1.08 or 1.0)


def _tick_integers(axes: Axes, longest: int) -> None:
    """Put ticks at whole numbers, as many as labels of so many characters have room beside each other."""
    from matplotlib.ticker import MaxNLocator, NullLocator

    axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=max(min(10, 40 // (longest + 1)), 2)))
    axes.xaxis.set_minor_locator(NullLocator())


def _shade_flow(axes: Axes, edges: _FlowEdges, *, is_small: bool) -> None:
    sides = ((edges.has_underflow, 0, "<"), (edges.has_overflow, -1, ">"))
    for is_there, end, sign in sides:
        if not is_there:
            continue
        outer, inner = edges.edges[end], edges.inner[end]
        axes.axvspan(min(outer, inner), max(outer, inner), color="0.5", alpha=0.18, linewidth=0)
        place = edges.centres[end]
        axes.text(
            place,
            0.985 if is_small else 0.975,
            sign,
            transform=axes.get_xaxis_transform(),
            ha="center",
            va="top",
            fontsize=5 if is_small else 7,
            color="0.3",
        )


def _simplify(axes: Axes, missing: float) -> None:
    """Take away what has no room in the overview."""
    from matplotlib.ticker import MaxNLocator

    axes.minorticks_off()
    axes.set_yticks([])
    axes.tick_params(axis="x", which="both", top=False)
    axes.tick_params(axis="x", labelsize=5.5, length=2, pad=1.5)
    if axes.get_xscale() == "linear":
        axes.xaxis.set_major_locator(MaxNLocator(4, steps=[1, 2, 5, 10]))
    if missing > 0:
        leave_headroom(axes, 0.12)
        axes.text(
            0.92,
            0.97,
            f"{_percent(missing)} missing",
            transform=axes.transAxes,
            ha="right",
            va="top",
            fontsize=5,
            color="0.3",
        )
