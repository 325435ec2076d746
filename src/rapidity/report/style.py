"""The look of every figure: mplhep's conventions at the size of one printed column.

Settings hold inside ``with figure_style():`` only; nothing global changes, and pyplot's list of
figures is never touched.
"""

from __future__ import annotations

from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

COLUMN_CM = 8.6
"""Width of one column of a journal page."""
CM_PER_INCH = 2.54

# M. Petroff, arXiv:2107.02270: told apart with every common colour vision, and in grey; the six and
# the ten colours that mplhep's styles use.
SIX_COLOURS = ("#5790fc", "#f89c20", "#e42536", "#964a8b", "#9c9ca1", "#7a21dd")
TEN_COLOURS = (
    "#3f90da",
    "#ffa90e",
    "#bd1f01",
    "#94a4a2",
    "#832db6",
    "#a96b59",
    "#e76300",
    "#b9ac70",
    "#717581",
    "#92dadd",
)
LINE_STYLES = ("-", "--", "-.", ":")
MARKERS = ("o", "s", "^", "v", "D", "P", "X", "*")


@contextmanager
def figure_style() -> Iterator[None]:
    """Draw inside this block, and save there too."""
    import matplotlib as mpl

    settings: Any = _settings()  # matplotlib types the names of settings one by one
    with mpl.rc_context(settings):
        yield


@cache
def _settings() -> dict[str, Any]:
    import mplhep

    # The style is made for figures of 25 cm that are shrunk to a column; ours have the column's size.
    return {
        **mplhep.style.ROOT,
        "font.family": ["TeX Gyre Heros", "DejaVu Sans"],  # the second has the glyphs that the first lacks
        "font.size": 8,
        "axes.labelsize": 8,
        "axes.titlesize": 8,
        "axes.linewidth": 0.6,
        "axes.unicode_minus": True,
        "xtick.labelsize": 7,
        "ytick.labelsize": 7,
        "legend.fontsize": 7,
        "legend.borderpad": 0.3,
        "legend.labelspacing": 0.3,
        "legend.handletextpad": 0.5,
        "xtick.major.size": 4,
        "ytick.major.size": 4,
        "xtick.minor.size": 2,
        "ytick.minor.size": 2,
        "xtick.major.pad": 3,
        "ytick.major.pad": 3,
        "xtick.major.width": 0.5,
        "ytick.major.width": 0.5,
        "xtick.minor.width": 0.4,
        "ytick.minor.width": 0.4,
        "lines.linewidth": 1.1,
        "lines.markersize": 2.5,
        "patch.linewidth": 1.0,
        "hatch.linewidth": 0.5,
        "figure.dpi": 100,
        "savefig.dpi": 200,
        "pdf.fonttype": 42,
        "svg.hashsalt": "rapidity",
    }


def new_figure(width_cm: float = COLUMN_CM, height_cm: float = 6.8) -> Figure:
    """Return an empty figure that no global list knows of."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width_cm / CM_PER_INCH, height_cm / CM_PER_INCH))
    FigureCanvasAgg(figure)
    return figure


def new_axes(width_cm: float = COLUMN_CM, height_cm: float = 6.8) -> tuple[Figure, Axes]:
    """Return a figure with one pair of axes; margins fit the labels and are the same in every figure."""
    figure = new_figure(width_cm, height_cm)
    left, right, bottom, top = 1.35, 0.35, 1.05, 0.5
    axes = figure.add_axes(
        (
            left / width_cm,
            bottom / height_cm,
            1 - (left + right) / width_cm,
            1 - (bottom + top) / height_cm,
        )
    )
    return figure, axes


def class_colours(n_classes: int) -> list[str]:
    """Return one colour a class; beyond ten classes they repeat (line styles then differ)."""
    colours = SIX_COLOURS if n_classes <= len(SIX_COLOURS) else TEN_COLOURS
    return [colours[k % len(colours)] for k in range(n_classes)]


def class_line_styles(n_classes: int) -> list[str]:
    """Return one line style a class, so that neighbours differ in grey print too."""
    return [LINE_STYLES[k % len(LINE_STYLES)] for k in range(n_classes)]


def plain_text(text: str, limit: int = 40) -> str:
    r"""Return a user's name as matplotlib should print it: nothing in it is markup, long ones are cut.

    Examples
    --------
    >>> plain_text("cost_$"), plain_text("_hidden")
    ('cost_\\$', ' _hidden')
    """
    shown = text if len(text) <= limit else f"{text[: limit // 2 - 1]}…{text[-(limit // 2) :]}"
    shown = shown.replace("\\", "/").replace("$", r"\$").replace("\n", " ")
    # Labels that begin with an underscore are left out of legends.
    return f" {shown}" if shown.startswith("_") else shown


def axis_label(name: str, unit: str | None, limit: int = 40) -> str:
    """Return the name of a quantity, cut to `limit` characters, with its unit in square brackets.

    Examples
    --------
    >>> axis_label("jet0_pt", "GeV"), axis_label("Njets", None)
    ('jet0_pt [GeV]', 'Njets')
    """
    return f"{plain_text(name, limit)} [{plain_text(unit)}]" if unit else plain_text(name, limit)


def set_fitting_title(axes: Axes, name: str, unit: str | None, width: float) -> None:
    """Write a name over small axes, smaller or cut until it has no more than this width, in dots."""
    for size, limit in ((6.5, 40), (5.5, 40), (5.5, 32), (5.5, 26), (5.5, 20), (5.0, 14)):
        title = axes.set_title(axis_label(name, unit, limit), fontsize=size, pad=2)
        if title.get_window_extent().width <= width:
            return


def place_legend(axes: Axes, handles: Sequence[Any], labels: Sequence[str], **options: Any) -> None:
    """Put the legend inside; many or long entries get a smaller font and a second column."""
    n_entries, longest = len(labels), max((len(label) for label in labels), default=0)
    crowded = n_entries > 4 or longest > 24
    settings: dict[str, Any] = {"fontsize": 6 if crowded else 6.5 if longest > 18 else 7, "handlelength": 1.6}
    if n_entries > 3 and longest <= 22:
        settings["ncols"] = 2
        settings["columnspacing"] = 1.0
    axes.legend(handles, labels, **{**settings, **options})


CORNERS = {
    "lower left": (0.0, 0.0),
    "upper right": (1.0, 1.0),
    "upper left": (0.0, 1.0),
    "lower right": (1.0, 0.0),
}
"""Places of a legend -> corner of the axes."""


def emptiest_corner(axes: Axes, usual: str) -> str:
    """Return the corner in which the least of the lines runs, `usual` where others are no emptier.

    The limits of the axes must be set. A corner is two fifths of the width and half of the height.
    """
    points = [_along(axes, line.get_xydata()) for line in axes.lines]
    shown = np.concatenate([np.empty((0, 2)), *points])

    def crowd(corner: str) -> int:
        away = np.abs(shown - np.array(CORNERS[corner]))
        return int(((away[:, 0] < 0.4) & (away[:, 1] < 0.5)).sum())

    return min((usual, *CORNERS), key=crowd)


def _along(axes: Axes, values: Any) -> NDArray[np.float64]:
    """Return points along a line at even distances, as fractions of the axes ``(n_points, 2)``."""
    points = np.asarray(values, dtype=np.float64)
    points = points[np.isfinite(points).all(axis=1)]
    if len(points) < 2:
        return points
    points = (axes.transData - axes.transAxes).transform(points)
    way = np.concatenate([[0.0], np.hypot(*np.diff(points, axis=0).T).cumsum()])
    places = np.linspace(0.0, way[-1], 200)
    return np.stack([np.interp(places, way, points[:, axis]) for axis in (0, 1)], axis=1)


def remove_artists(axes: Axes) -> None:
    """Take away all that was drawn, keep ticks and labels, and go back to linear scales."""
    for container in tuple(axes.containers):
        container.remove()  # with the lines inside
    for artist in (*axes.collections, *axes.patches, *axes.lines, *axes.texts):
        artist.remove()
    axes.set_xscale("linear")
    axes.set_yscale("linear")


def leave_headroom(axes: Axes, fraction: float) -> None:
    """Make room for a legend: the top `fraction` of the axes stays free of what is drawn so far."""
    low, high = axes.get_ylim()
    if axes.get_yscale() == "log":
        axes.set_ylim(low, low * (high / low) ** (1 / (1 - fraction)))
    else:
        axes.set_ylim(low, low + (high - low) / (1 - fraction))
