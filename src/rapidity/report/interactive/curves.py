"""Curves: the training, the ROC, and precision, recall and F1 against the threshold."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rapidity.report.interactive.plot import Plot, class_line, label, make_layout, numbers, scale_buttons
from rapidity.report.roc import format_estimate
from rapidity.report.style import SIX_COLOURS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np

    from rapidity.evaluation import EvaluationResult
    from rapidity.metrics import PrecisionRecallCurve

_TRAINING = {
    "loss": ("Training loss", "Loss [nats]", "loss"),
    "accuracy": ("Accuracy while training", "Accuracy", "accuracy"),
}
"""Page -> title, axis, ending of the columns of the history."""
FEW_EPOCHS = 12
"""Up to so many epochs each has a tick."""
_SPLITS = {"train": (SIX_COLOURS[0], "dash"), "validation": (SIX_COLOURS[2], "solid")}


def plot_training(
    columns: Mapping[str, Sequence[float | None]], name: str, best_epoch: int | None
) -> Plot | None:
    """Return loss or accuracy of both splits against the epoch; None where the history has no values."""
    title, axis, ending = _TRAINING[name]
    traces: list[dict[str, Any]] = []
    for split, (colour, dash) in _SPLITS.items():
        values = numbers(columns.get(f"{split}_{ending}", ()))
        if any(value is not None for value in values):
            line = {"color": colour, "dash": dash, "width": 2}
            traces.append(
                {
                    "type": "scatter",
                    "mode": "lines+markers" if len(values) <= 100 else "lines",
                    "name": split,
                    "x": list(columns["epoch"]),
                    "y": values,
                    "line": line,
                    "hovertemplate": "epoch %{x}: %{y:.6g}<extra>" + split + "</extra>",
                }
            )
    if not traces:
        return None
    if name == "loss" and any(column.startswith("train_loss_") for column in columns):
        axis = "Loss"  # of several outputs, a sum of what may have different units
    # Ticks between the epochs of a short training would be called by the same whole number.
    ticks = {"dtick": 1} if len(columns["epoch"]) <= FEW_EPOCHS else {"tickformat": "d"}
    layout = make_layout("Epoch", axis, updatemenus=scale_buttons("y"), xaxis=ticks)
    if best_epoch is not None:
        layout["shapes"] = [_vertical_line(best_epoch)]
        layout["annotations"] = [
            {
                "x": best_epoch,
                "y": 1,
                "yref": "paper",
                "yanchor": "bottom",
                "showarrow": False,
                "text": "best epoch",
            }
        ]
    caption = (
        "After each epoch; of the training split the mean loss of the steps as they were taken, with dropout "
        "and penalties, or the accuracy on a fixed part of it."
    )
    return Plot(name, title, caption, traces, layout)


def _vertical_line(x: float) -> dict[str, Any]:
    place = {"xref": "x", "yref": "paper", "x0": x, "x1": x, "y0": 0, "y1": 1}
    return {"type": "line", **place, "line": {"color": "#5b6575", "width": 1, "dash": "dot"}}


def plot_roc(result: EvaluationResult) -> Plot:
    """Return the ROC curve of each class against the rest, with its AUC and the thresholds."""
    diagonal = {"color": "#9c9ca1", "dash": "dot", "width": 1}
    traces: list[dict[str, Any]] = [
        {"type": "scatter", "mode": "lines", "x": [0, 1], "y": [0, 1], "line": diagonal, "showlegend": False,
         "hoverinfo": "skip"},
    ]  # fmt: skip
    for index, name in enumerate(result.classes.names):
        if name not in result.shown_classes:
            continue
        curve = result.roc[name]
        traces.append(
            {
                "type": "scatter",
                "mode": "lines",
                "name": f"{label(name)}: AUC {format_estimate(result.auc[index])}",
                "x": numbers(curve.bkg_eff),
                "y": numbers(curve.sig_eff),
                "customdata": numbers(curve.threshold),
                "line": class_line(index, len(result.classes)),
                "hovertemplate": "background %{x:.4g}, signal %{y:.4g}<br>score ≥ %{customdata:.4g}"
                f"<extra>{label(name)}</extra>",
            }
        )
    layout = make_layout(
        "Background efficiency",
        "Signal efficiency",
        xaxis={"range": [0, 1]},
        yaxis={"range": [0, 1.01]},
        legend={
            "x": 0.98,
            "xanchor": "right",
            "y": 0.02,
            "yanchor": "bottom",
            "bgcolor": "rgba(255,255,255,0.8)",
        },
        updatemenus=scale_buttons("x"),
    )
    level = f"{result.confidence_level:.0%}"
    caption = (
        f"Each class against the rest, {result.split} split; AUC with {level} interval from "
        f"{result.n_replicas} bootstrap replicas."
    )
    return Plot("roc", "ROC curve", caption, traces, layout)


def plot_threshold(result: EvaluationResult, name: str) -> Plot:
    """Return ``precision``, ``recall`` or ``f1`` of each class against the threshold on its score."""
    title = {"precision": "Precision", "recall": "Recall", "f1": "F1"}[name]
    decided = {"precision": result.precision, "recall": result.recall, "f1": result.f1}[name]
    traces = [
        {
            "type": "scatter",
            "mode": "lines",
            "name": f"{label(class_name)}: {decided[index]:.4f}",
            "x": numbers(curve.threshold),
            "y": numbers(_quantity(curve, name)),
            "line": class_line(index, len(result.classes)),
            "hovertemplate": "score ≥ %{x:.4g}: %{y:.4f}" + f"<extra>{label(class_name)}</extra>",
        }
        for index, class_name in enumerate(result.classes.names)
        for curve in [result.precision_recall[class_name]]
    ]
    caption = (
        f"Of each class against the rest, as events are taken for it from this score on ({result.split} "
        "split). In the legend: where the highest score decides."
    )
    layout = make_layout("Threshold on the score", title, xaxis={"range": [0, 1]})
    return Plot(name, title, caption, traces, layout)


def _quantity(curve: PrecisionRecallCurve, name: str) -> np.ndarray[Any, np.dtype[np.float64]]:
    return {"precision": curve.precision, "recall": curve.recall, "f1": curve.f1}[name]
