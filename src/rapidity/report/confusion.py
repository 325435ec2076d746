"""Confusion matrices: counts, and fractions of each true class."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from rapidity.report.figures import DrawnFigure, save_figure
from rapidity.report.style import new_figure, plain_text

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from matplotlib.figure import Figure
    from numpy.typing import NDArray

    from rapidity.evaluation import AssignmentResult, EvaluationResult


def draw_confusion(
    result: EvaluationResult, folder: Path, formats: Sequence[str]
) -> tuple[DrawnFigure, DrawnFigure]:
    """Draw the matrix normalised by true class, and the counts."""
    fractions, counts = result.confusion_normalised, result.confusion_counts
    weighting = ", weighted" if result.unweighted is not None else ""
    normalised = _draw_matrix(
        result,
        fractions,
        [[f"{value:.3f}" if len(fractions) <= 6 else f"{value:.2f}" for value in row] for row in fractions],
    )
    counted = _draw_matrix(result, fractions, [[_short_count(value) for value in row] for row in counts])
    return (
        save_figure(
            normalised,
            folder,
            "confusion",
            title="Confusion matrix",
            caption=f"Fractions of each true class taken for each class ({result.split} split{weighting}); "
            "rows sum to 1.",
            formats=formats,
        ),
        save_figure(
            counted,
            folder,
            "confusion_counts",
            title="Confusion matrix, events",
            caption=f"Numbers of events ({result.split} split, unweighted), coloured by the fractions of "
            "each true class.",
            formats=formats,
        ),
    )


def draw_assignment(
    result: AssignmentResult, folder: Path, stem: str, formats: Sequence[str]
) -> list[DrawnFigure]:
    """Draw for each way to give classes which classes the objects of each class get."""
    titles = {
        "likeliest": ("confusion", "each object its likeliest class"),
        "one_each": ("confusion_one_each", f"one {', '.join(result.one_each)} at most in an event"),
    }
    drawn = []
    for way, numbers in result.ways.items():
        name, said = titles[way]
        totals = numbers.confusion.sum(axis=1, keepdims=True)
        fractions = np.divide(
            numbers.confusion, totals, out=np.zeros_like(numbers.confusion), where=totals > 0
        )
        texts = [[f"{value:.3f}" for value in row] for row in fractions]
        figure = _draw_matrix(result, fractions, texts, found="Class given")
        drawn.append(
            save_figure(
                figure,
                folder,
                f"{stem}_{name}",
                title=f"Classes of {result.name}, {said}",
                caption=f"Fractions of the objects of each true class that are given each class "
                f"({result.split} split, {result.n_objects:,} objects); rows sum to 1.",
                formats=formats,
            )
        )
    return drawn


def _draw_matrix(
    result: EvaluationResult | AssignmentResult,
    colours: NDArray[np.float64],
    texts: Sequence[Sequence[str]],
    found: str = "Class of the highest score",
) -> Figure:
    names = [plain_text(name, 16) for name in result.classes.names]
    n_classes, longest = len(names), max(len(name) for name in names)
    label_cm = 0.13 * longest + 0.3
    is_slanted = longest * 0.13 * n_classes > 5.5
    below_cm = 0.55 + (0.75 * label_cm if is_slanted else 0.35)
    left_cm, right_cm = 0.5 + label_cm, 0.15
    cells_cm = max(8.6 - left_cm - right_cm, 0.62 * n_classes)
    width, height = cells_cm + left_cm + right_cm, cells_cm * 0.85 + below_cm + 0.15
    figure = new_figure(width, height)
    axes = figure.add_axes((left_cm / width, below_cm / height, cells_cm / width, cells_cm * 0.85 / height))
    axes.imshow(np.clip(colours, 0, 1), cmap="Blues", vmin=0, vmax=1, aspect="auto", interpolation="nearest")
    axes.minorticks_off()
    axes.set_xticks(
        range(n_classes), names, rotation=40 if is_slanted else 0, ha="right" if is_slanted else "center"
    )
    axes.set_yticks(range(n_classes), names)
    axes.tick_params(which="both", length=0)
    axes.set(xlabel=found, ylabel="True class")
    # The widest text must fit its cell: a digit is about 0.6 of the font size wide.
    widest = max(len(text) for row in texts for text in row)
    fontsize = min(9.0, cells_cm / n_classes / widest / 0.6 / 2.54 * 72 * 0.9)
    for i in range(n_classes):
        for j in range(n_classes):
            ink = "white" if colours[i, j] > 0.55 else "black"
            axes.text(j, i, texts[i][j], ha="center", va="center", color=ink, fontsize=fontsize)
    return figure


def _short_count(value: float) -> str:
    """Return a count that fits a cell: exact up to a million.

    Examples
    --------
    >>> _short_count(12345.0), _short_count(2345678.0)
    ('12345', '2.35M')
    """
    return f"{value:.0f}" if value < 1e6 else f"{value / 1e6:.2f}M"
