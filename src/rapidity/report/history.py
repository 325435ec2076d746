"""How the training went: loss, accuracy, AUC and learning rate against the epoch."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from rapidity.report.figures import DrawnFigure, save_figure
from rapidity.report.style import SIX_COLOURS, figure_style, leave_headroom, new_axes, place_legend

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from matplotlib.axes import Axes
    from numpy.typing import NDArray

Quantity = tuple[str, str, dict[str, str]]
"""Title, axis label, column of the history -> legend entry."""
_QUANTITIES: dict[str, Quantity] = {
    "loss": ("Loss", "Loss [nats]", {"train_loss": "train", "validation_loss": "validation"}),
    "accuracy": ("Accuracy", "Accuracy", {"train_accuracy": "train", "validation_accuracy": "validation"}),
    "auc": ("AUC", "AUC", {"train_auc": "train", "validation_auc": "validation"}),
    "rate": ("Learning rate", "Learning rate", {"rate": ""}),
}
"""By the name of the file."""
LARGEST_RATIO = 1e4
"""Rates that differ by no more are shown on a logarithmic scale."""


def draw_history(
    columns: Mapping[str, Sequence[float | None]],
    folder: Path | str,
    *,
    best_epoch: int | None = None,
    formats: Sequence[str] = ("png",),
) -> list[DrawnFigure]:
    """Write ``loss``, ``accuracy``, ``auc`` and ``rate`` into `folder`, the best epoch marked.

    Parameters
    ----------
    columns
        ``History.columns()``: ``epoch``, ``rate``, ``train_loss``, ``validation_loss`` and so on, one
        value an epoch, None where there is none. Quantities without any value are not drawn.
    best_epoch
        As counted in ``epoch``.
    """
    figures = []
    with figure_style():
        for name, quantity in {**_QUANTITIES, **_output_quantities(columns)}.items():
            curves = _curves(columns, quantity)
            if curves:
                figures.append(
                    _draw_quantity(columns, curves, (name, quantity), Path(folder), best_epoch, formats)
                )
    return figures


def _output_quantities(columns: Mapping[str, Sequence[float | None]]) -> dict[str, Quantity]:
    """Return the losses of the single outputs, where there are several."""
    first = "train_loss_"
    outputs = [name.removeprefix(first) for name in columns if name.startswith(first)]
    return {
        f"loss_{name}": (
            f"Loss of {name}",
            "Loss",
            {f"train_loss_{name}": "train", f"validation_loss_{name}": "validation"},
        )
        for name in outputs
    }


def _curves(
    columns: Mapping[str, Sequence[float | None]], quantity: Quantity
) -> dict[str, NDArray[np.float64]]:
    """Return legend entry -> values, NaN where there are none; curves without values are left out."""
    curves = {}
    for column, label in quantity[2].items():
        values = np.array(
            [np.nan if value is None else value for value in columns.get(column, ())], dtype=np.float64
        )
        if np.isfinite(values).any():
            curves[label] = values
    return curves


def _draw_quantity(
    columns: Mapping[str, Sequence[float | None]],
    curves: Mapping[str, NDArray[np.float64]],
    named: tuple[str, Quantity],
    folder: Path,
    best_epoch: int | None,
    formats: Sequence[str],
) -> DrawnFigure:
    name, (title, axis_title, _) = named
    if name == "loss" and any(column.startswith("train_loss_") for column in columns):
        # Of several outputs, a sum of what may have different units.
        axis_title = "Loss"
    epochs = np.array(columns["epoch"], dtype=np.float64)
    figure, axes = new_axes(height_cm=6.0)
    handles, labels = [], []
    # With many epochs markers would run into each other.
    marker = "o" if len(epochs) <= 60 else ""
    colours = {"train": SIX_COLOURS[0], "validation": SIX_COLOURS[2]}
    for label, values in curves.items():
        colour = colours.get(label, "0.25")
        handles += axes.plot(
            epochs, values, color=colour, marker=marker, linestyle="-" if label != "train" else "--"
        )
        labels.append(label)
    _set_limits(axes, epochs, np.concatenate(list(curves.values())), is_log=name == "rate")
    if best_epoch is not None:
        handles.append(axes.axvline(best_epoch, color="0.4", linewidth=0.7, linestyle=":"))
        labels.append(f"best epoch, {best_epoch}")
        _mark_best(axes, epochs, curves, best_epoch)
    axes.set(xlabel="Epoch", ylabel=axis_title)
    entries = [(handle, label) for handle, label in zip(handles, labels, strict=True) if label]
    if entries:
        leave_headroom(axes, 0.12)
        place_legend(axes, *zip(*entries, strict=True), loc="upper center", ncols=3, fontsize=6.5)
    return save_figure(
        figure,
        folder,
        name,
        title=title,
        caption=_CAPTIONS.get(name, OUTPUT_CAPTION),
        formats=formats,
    )


OUTPUT_CAPTION = (
    "Mean loss of this output after each epoch, without its factor in the sum, over the events whose truth "
    "is known; for the training split on a fixed part of it."
)
_CAPTIONS = {
    "loss": "Mean training loss of each epoch as its steps were taken (with dropout and penalties, while the "
    "parameters change), and validation loss after it.",
    "accuracy": "Accuracy after each epoch; for the training split on a fixed part of it.",
    "auc": "AUC (mean over classes) after each epoch; for the training split on a fixed part of it.",
    "rate": "Learning rate at the last step of each epoch.",
}


def _set_limits(
    axes: Axes, epochs: NDArray[np.float64], values: NDArray[np.float64], *, is_log: bool
) -> None:
    from matplotlib.ticker import MaxNLocator

    finite = values[np.isfinite(values)]
    low, high = float(finite.min()), float(finite.max())
    # A rate that ends near zero has no decades to show: it would press all others to the upper edge.
    if is_log and low > 0 and 20 < high / low < LARGEST_RATIO:
        axes.set_yscale("log")
        axes.set_ylim(low / 1.5, high * 1.5)
    else:
        # Of one value that stays, a frame wide enough for ticks of few digits.
        margin = 0.06 * (high - low) or max(abs(high) * 0.5, 1e-12)
        axes.set_ylim(low - margin, high + margin)
    axes.set_xlim(epochs[0] - 0.5, epochs[-1] + 0.5)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=8))
    if len(epochs) <= 10:
        axes.set_xticks(epochs)
        axes.tick_params(axis="x", which="minor", length=0)


def _mark_best(
    axes: Axes, epochs: NDArray[np.float64], curves: Mapping[str, NDArray[np.float64]], best_epoch: int
) -> None:
    at_best = np.flatnonzero(epochs == best_epoch)
    values = curves.get("validation")
    if len(at_best) and values is not None:
        axes.plot([best_epoch], [values[at_best[0]]], marker="*", markersize=7, color=SIX_COLOURS[2])


def draw_fold_histories(
    folds: Sequence[Mapping[str, Sequence[float | None]]],
    folder: Path | str,
    *,
    formats: Sequence[str] = ("png",),
) -> list[DrawnFigure]:
    """Write ``loss``, ``accuracy``, ``auc`` and ``rate`` of the trainings of all folds into `folder`.

    Parameters
    ----------
    folds
        For each fold what `draw_history` takes.
    """
    figures = []
    with figure_style():
        for name, quantity in _QUANTITIES.items():
            curves = [_curves(columns, quantity) for columns in folds]
            if any(curves):
                figures.append(_draw_folds(folds, curves, name, Path(folder), formats))
    return figures


def _draw_folds(
    folds: Sequence[Mapping[str, Sequence[float | None]]],
    curves: Sequence[Mapping[str, NDArray[np.float64]]],
    name: str,
    folder: Path,
    formats: Sequence[str],
) -> DrawnFigure:
    """Draw a thin line for each fold and split: folds that differ from the others show by themselves."""
    title, axis_title, _ = _QUANTITIES[name]
    figure, axes = new_axes(height_cm=6.0)
    colours = {"train": SIX_COLOURS[0], "validation": SIX_COLOURS[2]}
    handles: dict[str, object] = {}
    for columns, of_fold in zip(folds, curves, strict=True):
        epochs = np.array(columns["epoch"], dtype=np.float64)
        for label, values in of_fold.items():
            style = "--" if label == "train" else "-"
            colour = colours.get(label, "0.25")
            (line,) = axes.plot(epochs, values, color=colour, linestyle=style, linewidth=0.8, alpha=0.8)
            handles.setdefault(label, line)
    longest = max((np.array(columns["epoch"], dtype=np.float64) for columns in folds), key=len)
    values = np.concatenate([values for of_fold in curves for values in of_fold.values()])
    _set_limits(axes, longest, values, is_log=name == "rate")
    axes.set(xlabel="Epoch", ylabel=axis_title)
    shown = {f"{label}, {len(folds)} folds": handle for label, handle in handles.items() if label}
    if shown:
        leave_headroom(axes, 0.12)
        place_legend(axes, list(shown.values()), list(shown), loc="upper center", ncols=2, fontsize=6.5)
    caption = f"{_CAPTIONS[name]} One line for the network of each fold."
    return save_figure(figure, folder, name, title=title, caption=caption, formats=formats)
