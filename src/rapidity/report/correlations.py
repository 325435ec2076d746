"""Correlation matrices of the features, one a class."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from rapidity.metrics import correlation_matrix
from rapidity.report.figures import DrawnFigure, save_figure
from rapidity.report.names import file_stems
from rapidity.report.style import new_figure, plain_text

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

    from rapidity.report.inputs import InputData

MAX_EVENTS = 100_000
"""Events a class that enter; the statistical error of a correlation is then below 0.003."""
MAX_ANNOTATED = 15
"""Largest number of features whose correlations are also printed as numbers."""


def draw_correlations(
    data: InputData, rows: Sequence[NDArray[np.int64]], folder: Path, formats: Sequence[str]
) -> list[DrawnFigure]:
    """Draw the weighted linear correlations of the features of each class; `rows` are those of each class."""
    if len(data.features) < 2:
        return []
    figures = []
    stems = file_stems(data.classes.names)
    weighted = "" if data.event_weight is None else ", weighted"
    for name, stem, class_rows in zip(data.classes.names, stems, rows, strict=True):
        matrix = feature_correlations(data, class_rows)
        figures.append(
            save_figure(
                _draw_matrix(matrix, list(data.features), name),
                folder,
                f"correlation_{stem}",
                title=f"Correlations, {name}",
                caption=f"Linear correlation of the features, class {name}{weighted}; missing values left "
                "out pair by pair. Grey: not defined (a constant feature).",
                formats=formats,
            )
        )
    return figures


def feature_correlations(data: InputData, rows: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the correlations of all features over some of these rows, spread evenly."""
    from rapidity.report.inputs import without_sentinels

    chosen = rows[:: max(-(-len(rows) // MAX_EVENTS), 1)]
    columns = [without_sentinels(values[chosen], data.sentinels) for values in data.features.values()]
    weight = None if data.event_weight is None else data.event_weight[chosen]
    return correlation_matrix(np.stack(columns, axis=1), weight)


def _draw_matrix(matrix: NDArray[np.float64], features: Sequence[str], class_name: str) -> Figure:
    import matplotlib as mpl

    names = [plain_text(name, 28) for name in features]
    n_features = len(names)
    fontsize = 7.0 if n_features <= 20 else 6.0
    label_cm = 0.0212 * fontsize * max(len(name) for name in names) + 0.25
    cells_cm = max(0.32 * n_features, 5.2)
    width, height = label_cm + cells_cm + 1.4, label_cm + cells_cm + 0.65
    figure = new_figure(width, height)
    axes = figure.add_axes((label_cm / width, label_cm / height, cells_cm / width, cells_cm / height))
    colours = mpl.colormaps["RdBu_r"].with_extremes(bad="0.8")
    image = axes.imshow(
        np.ma.masked_invalid(matrix), cmap=colours, vmin=-1, vmax=1, aspect="auto", interpolation="nearest"
    )
    axes.minorticks_off()
    axes.set_xticks(range(n_features), names, rotation=90, fontsize=fontsize)
    axes.set_yticks(range(n_features), names, fontsize=fontsize)
    axes.tick_params(which="both", length=0)
    axes.set_title(plain_text(class_name), loc="left")
    bar = figure.add_axes(
        ((label_cm + cells_cm + 0.2) / width, label_cm / height, 0.25 / width, cells_cm / height)
    )
    figure.colorbar(image, cax=bar)
    bar.minorticks_off()
    bar.tick_params(labelsize=6.5)
    if n_features <= MAX_ANNOTATED:
        _annotate(axes, matrix, min(7.0, cells_cm / n_features * 12))
    return figure


def _short(value: float) -> str:
    """Return a correlation in the least space.

    Examples
    --------
    >>> _short(0.123), _short(-0.5), _short(-0.001), _short(1.0)
    ('.12', '-.50', '0', '1')
    """
    if abs(value) < 0.005 or abs(value) >= 0.995:
        return f"{round(value)}"
    return f"{value:.2f}".replace("0.", ".", 1)


def _annotate(axes: Axes, matrix: NDArray[np.float64], fontsize: float) -> None:
    for (row, column), value in np.ndenumerate(matrix):
        if np.isfinite(value):
            ink = "white" if abs(value) > 0.6 else "black"
            axes.text(column, row, _short(value), ha="center", va="center", color=ink, fontsize=fontsize)
