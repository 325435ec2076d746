"""The confusion matrix, and precision, recall and F1 of each class beside each other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rapidity.report.interactive.plot import Plot, label, make_buttons, make_layout, numbers
from rapidity.report.style import SIX_COLOURS

if TYPE_CHECKING:
    from rapidity.evaluation import EvaluationResult

MAX_WITH_TEXT = 20
"""Classes up to which each cell shows its number; beyond, the pointer does."""


def plot_confusion(result: EvaluationResult) -> Plot:
    """Return the matrix: fractions of each true class, and on request numbers of events."""
    names = _distinct_labels(result)
    fractions = [numbers(row) for row in result.confusion_normalised]
    counts = result.confusion_counts.astype(int).tolist()
    show = len(names) <= MAX_WITH_TEXT
    trace = {
        "type": "heatmap",
        "x": names,
        "y": names,
        "z": fractions,
        "customdata": counts,
        "zmin": 0,
        "zmax": 1,
        "colorscale": [[0, "#f7fbff"], [0.5, "#6baed6"], [1, "#08306b"]],  # as in the PNG
        "colorbar": {"title": {"text": "Fraction"}},
        "xgap": 1,
        "ygap": 1,
        "texttemplate": "%{z:.3f}" if show else "",
        "hovertemplate": "true %{y}, taken for %{x}<br>%{customdata} events, %{z:.4f} of them<extra></extra>",
    }
    buttons = make_buttons(
        [
            ("fractions", "restyle", [{"texttemplate": "%{z:.3f}" if show else ""}]),
            ("events", "restyle", [{"texttemplate": "%{customdata}" if show else ""}]),
        ]
    )
    layout = make_layout(
        "Class of the highest score",
        "True class",
        xaxis={"type": "category", "showgrid": False},
        # The first class at the top, as in the table.
        yaxis={"type": "category", "autorange": "reversed", "showgrid": False},
        showlegend=False,
        updatemenus=buttons,
    )
    weighting = ", weighted" if result.unweighted is not None else ""
    caption = (
        f"Fractions of each true class taken for each class ({result.split} split{weighting}), or numbers of "
        "events (unweighted)."
    )
    return Plot("confusion", "Confusion matrix", caption, [trace], layout)


def plot_classes(result: EvaluationResult) -> Plot:
    """Return precision, recall and F1 of each class, where the highest score decides."""
    names = _distinct_labels(result)
    quantities = {"precision": result.precision, "recall": result.recall, "F1": result.f1}
    traces: list[dict[str, Any]] = [
        {
            "type": "bar",
            "name": name,
            "x": names,
            "y": numbers(values),
            "marker": {"color": SIX_COLOURS[index]},
            "hovertemplate": "%{x}: %{y:.4f}" + f"<extra>{name}</extra>",
        }
        for index, (name, values) in enumerate(quantities.items())
    ]
    layout = make_layout("Class", "", xaxis={"type": "category"}, yaxis={"range": [0, 1.02]}, barmode="group")
    caption = f"Each event is taken for the class of its highest score ({result.split} split)."
    return Plot("classes", "Precision, recall and F1 of each class", caption, traces, layout)


def _distinct_labels(result: EvaluationResult) -> list[str]:
    """Return the labels of the classes; categories of the same text would share a place, so cut none then."""
    shown = [label(name) for name in result.classes.names]
    return shown if len(set(shown)) == len(shown) else [label(name, 10_000) for name in result.classes.names]
