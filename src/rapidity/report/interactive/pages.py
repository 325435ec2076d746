"""The files: one page a plot, a page that lists them, and plotly.js once beside them."""

from __future__ import annotations

import json
import shutil
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING

from rapidity.core.files import write_atomically, write_text
from rapidity.report.interactive.curves import plot_roc, plot_threshold, plot_training
from rapidity.report.interactive.matrices import plot_classes, plot_confusion
from rapidity.report.markup import Markup, raw, tag

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rapidity.evaluation import EvaluationResult
    from rapidity.report.interactive.plot import Plot

LIBRARY = "plotly.min.js"
INDEX = "index.html"
TITLES = {
    "loss": "Training loss",
    "accuracy": "Accuracy while training",
    "confusion": "Confusion matrix",
    "roc": "ROC curve",
    "precision": "Precision",
    "recall": "Recall",
    "f1": "F1",
    "classes": "Classes side by side",
}
"""Stem of the file -> what pages call it, in order."""
STYLE = """
#plot { height: min(72vh, 44rem); min-height: 24rem; background: #ffffff; border: 1px solid var(--line);
  border-radius: 6px; margin-top: 1rem; overflow: hidden; }
nav b { font-weight: 600; }
"""
SETTINGS = {
    "responsive": True,
    "scrollZoom": True,
    "displayModeBar": True,
    "displaylogo": False,
    # By default plotly.js offers a button that sends the data of the plot to a server.
    "showSendToCloud": False,
    "plotlyServerURL": "",
}


def draw_interactive(
    result: EvaluationResult | None,
    history: Mapping[str, Sequence[float | None]],
    folder: Path | str,
    *,
    run_name: str,
    best_epoch: int | None = None,
) -> list[Path]:
    """Write a page for each plot, ``index.html`` and plotly.js into `folder`; return the pages.

    Nothing is computed anew: the curves are those of `result`, thinned as they are for the PNGs, and the
    `history` is ``History.columns()``; without a classification (None) only the training is drawn. The
    pages open offline and ask nothing of any network. Earlier pages in the folder are removed.
    """
    folder = Path(folder)
    shutil.rmtree(folder, ignore_errors=True)
    training = [plot_training(history, name, best_epoch) for name in ("loss", "accuracy")]
    plots = [
        *[plot for plot in training if plot is not None],
        *([] if result is None else _plot_classification(result)),
    ]
    with write_atomically(folder / LIBRARY) as temporary:
        shutil.copyfile(str(resources.files("plotly") / "package_data" / LIBRARY), temporary)
    names = [plot.name for plot in plots]
    for plot in plots:
        write_text(folder / f"{plot.name}.html", render_plot(plot, names, run_name))
    write_text(folder / INDEX, _render_index(plots, run_name))
    return [folder / f"{name}.html" for name in (*names, "index")]


def _plot_classification(result: EvaluationResult) -> list[Plot]:
    return [
        plot_confusion(result),
        plot_roc(result),
        *[plot_threshold(result, name) for name in ("precision", "recall", "f1")],
        plot_classes(result),
    ]


def find_pages(folder: Path) -> dict[str, Path]:
    """Return title -> page of the plots that a folder holds, in order; empty where there are none."""
    pages = {title: folder / f"{name}.html" for name, title in TITLES.items()}
    return {title: path for title, path in pages.items() if path.is_file()}


def render_plot(plot: Plot, names: Sequence[str], run_name: str) -> str:
    """Return the page of one plot as HTML, with links to the pages of the others."""
    figure = json.dumps({"data": plot.traces, "layout": plot.layout, "config": SETTINGS}, allow_nan=False)
    # Inside a script only the end tag counts, whatever stands in quotes.
    figure = figure.replace("<", "\\u003c")
    return _page(
        f"{plot.title} · {run_name}",
        _header(run_name, plot.title, _links(names, plot.name)),
        tag("div", id="plot"),
        tag("p", plot.caption, class_="caption"),
        tag(
            "p",
            "Drag to zoom, double-click to go back; click an entry of the legend to hide it, double-click to "
            "see it alone.",
            class_="caption",
        ),
        tag("script", src=LIBRARY),
        tag("script", raw(f"const figure = {figure};\nPlotly.newPlot('plot', figure);")),
    )


def _render_index(plots: Sequence[Plot], run_name: str) -> str:
    rows = [
        tag(
            "p",
            tag("a", TITLES[plot.name], href=f"{plot.name}.html"),
            tag("br"),
            tag("span", plot.caption, class_="caption"),
        )
        for plot in plots
    ]
    return _page(f"Interactive plots · {run_name}", _header(run_name, "Interactive plots", tag("nav")), *rows)


def _header(run_name: str, title: str, links: Markup) -> Markup:
    return tag("header", tag("p", f"Rapidity · {run_name}", class_="quiet"), tag("h1", title), links)


def _links(names: Sequence[str], current: str) -> Markup:
    links = [
        tag("b", TITLES[name]) if name == current else tag("a", TITLES[name], href=f"{name}.html")
        for name in names
    ]
    return tag("nav", tag("a", "All", href=INDEX), *links)


def _page(title: str, *pieces: Markup) -> str:
    style = resources.files("rapidity.report").joinpath("page.css").read_text(encoding="utf-8")
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", content="connect-src 'none'", **{"http-equiv": "Content-Security-Policy"}),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("title", title),
        tag("style", raw(style + STYLE)),
    )
    return f"<!doctype html>\n{tag('html', head, tag('body', *pieces), lang='en')}\n"
