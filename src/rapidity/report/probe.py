"""Figures of a linear probe: its ROC curve, its confusion matrix, the embeddings as points of a plane."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from rapidity.report.confusion import draw_confusion
from rapidity.report.figures import DrawnFigure, save_figure
from rapidity.report.roc import draw_roc
from rapidity.report.style import class_colours, figure_style, new_axes, place_legend, plain_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from rapidity.evaluation import EvaluationResult
    from rapidity.explanation import Plane


def draw_probe(
    result: EvaluationResult,
    planes: Sequence[Plane],
    class_index: NDArray[np.int64],
    target: str,
    folder: Path | str,
    formats: Sequence[str] = ("png",),
) -> list[DrawnFigure]:
    """Write ``roc``, ``confusion``, ``confusion_counts`` and ``embeddings_<plane>`` into `folder`.

    Parameters
    ----------
    class_index
        Class of each of the points of the planes ``(n_points,)``.
    target
        What the classes are values of, for titles.
    """
    folder = Path(folder)
    with figure_style():
        figures = [draw_roc(result, folder, formats), *draw_confusion(result, folder, formats)]
        names = result.classes.names
        return figures + [_draw_plane(plane, class_index, names, target, folder, formats) for plane in planes]


def _draw_plane(
    plane: Plane,
    class_index: NDArray[np.int64],
    names: Sequence[str],
    target: str,
    folder: Path,
    formats: Sequence[str],
) -> DrawnFigure:
    figure, axes = new_axes(height_cm=7.6)
    colours = class_colours(len(names))
    # All classes at once, in the order of the events: none hides the others by being drawn last.
    axes.scatter(
        plane.points[:, 0],
        plane.points[:, 1],
        c=[colours[index] for index in class_index.tolist()],
        s=4 if len(class_index) < 1500 else 2,
        alpha=0.6,
        linewidths=0,
        rasterized=True,
    )
    handles = [axes.scatter([], [], color=colour, s=12) for colour in colours]
    axes.margins(0.05)
    low, high = axes.get_ylim()
    axes.set_ylim(low, high + (0.16 + 0.05 * (len(names) > 5)) * (high - low))  # room for the legend
    axes.set(xlabel=plane.x_label, ylabel=plane.y_label)
    axes.set_title(plain_text(target), loc="left", fontsize=6.5, color="0.35")
    place_legend(
        axes,
        handles,
        [plain_text(name, 16) for name in names],
        loc="upper center",
        ncols=min(len(names), 5),
        handlelength=0.8,
        columnspacing=0.9,
    )
    return save_figure(
        figure,
        folder,
        f"embeddings_{plane.name}",
        title=plane.title,
        caption=plane.caption,
        formats=formats,
    )
