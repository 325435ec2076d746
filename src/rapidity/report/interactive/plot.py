"""What an interactive plot consists of, and the layout that all of them share.

Plots are plain dictionaries in the notation of plotly.js: plotly's own classes check every number in
Python, which takes longer than drawing.
"""

from __future__ import annotations

import html
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from rapidity.report.style import class_colours

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

DIGITS = 6
"""Significant digits of numbers in the files; more cannot be seen at any zoom."""
DASHES = ("solid", "dash", "dashdot", "dot")


@dataclass(frozen=True)
class Plot:
    """One plot of a page.

    Attributes
    ----------
    name
        Stem of its file.
    traces, layout
        As plotly.js takes them.
    """

    name: str
    title: str
    caption: str
    traces: Sequence[dict[str, Any]]
    layout: dict[str, Any]


def numbers(values: NDArray[np.floating[Any]] | Sequence[float | None]) -> list[float | None]:
    """Return values for JSON, rounded to `DIGITS`; what is not finite becomes None, a gap in the plot.

    Examples
    --------
    >>> numbers([1 / 3, float("inf"), None])
    [0.333333, None, None]
    """
    array = np.array([np.nan if value is None else value for value in values], dtype=np.float64)
    is_finite = np.isfinite(array).tolist()
    return [
        float(f"{value:.{DIGITS}g}") if finite else None
        for value, finite in zip(array.tolist(), is_finite, strict=True)
    ]


def label(name: str, limit: int = 28) -> str:
    """Return a user's name as plotly.js should print it: tags in it are no markup, long names are cut.

    Examples
    --------
    >>> label("a <b>")
    'a &lt;b&gt;'
    """
    shown = name if len(name) <= limit else f"{name[: limit // 2 - 1]}…{name[-(limit // 2) :]}"
    return html.escape(shown, quote=False)


def class_line(index: int, n_classes: int) -> dict[str, Any]:
    """Return colour and dash of the curve of a class, those of the PNGs."""
    return {"color": class_colours(n_classes)[index], "dash": DASHES[index % len(DASHES)], "width": 2}


def make_layout(x_title: str, y_title: str, **settings: Any) -> dict[str, Any]:
    """Return the shared layout: white, framed, with room for the legend; `settings` come on top."""
    axis = {"showline": True, "mirror": True, "ticks": "outside", "gridcolor": "#e7eaef", "zeroline": False}
    axis |= {"linecolor": "#5b6575", "automargin": True}
    layout: dict[str, Any] = {
        "template": None,
        "paper_bgcolor": "white",
        "plot_bgcolor": "white",
        "font": {"family": "system-ui, sans-serif", "size": 14, "color": "#1c2330"},
        "margin": {"l": 70, "r": 25, "t": 50, "b": 50},
        "hovermode": "closest",
        "legend": {"bgcolor": "rgba(255,255,255,0.8)"},
        "showlegend": True,
        "xaxis": {**axis, "title": {"text": x_title}, **settings.pop("xaxis", {})},
        "yaxis": {**axis, "title": {"text": y_title}, **settings.pop("yaxis", {})},
    }
    return layout | settings


def make_buttons(entries: Sequence[tuple[str, str, list[Any]]]) -> list[dict[str, Any]]:
    """Return a row of buttons above the plot: label, plotly.js method and its arguments of each."""
    buttons = [{"label": text, "method": method, "args": arguments} for text, method, arguments in entries]
    place = {"x": 0, "xanchor": "left", "y": 1.02, "yanchor": "bottom", "pad": {"b": 4}}
    return [{"type": "buttons", "direction": "right", "showactive": True, "buttons": buttons, **place}]


def scale_buttons(axis: str) -> list[dict[str, Any]]:
    """Return buttons that make an axis (``x`` or ``y``) linear or logarithmic."""
    key = f"{axis}axis.type"
    return make_buttons(
        [
            (f"linear {axis}", "relayout", [{key: "linear", f"{axis}axis.autorange": True}]),
            (f"logarithmic {axis}", "relayout", [{key: "log", f"{axis}axis.autorange": True}]),
        ]
    )
