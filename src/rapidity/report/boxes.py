"""Boxes and the arrows between them, at the places of a `Layout`; one unit of the axes is one centimetre."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rapidity.report.style import new_figure

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from rapidity.report.network_layout import Layout, Point

MARGIN_CM = 0.15


@dataclass(frozen=True)
class BoxSizes:
    """Sizes in centimetres: of a box, and from one to the next."""

    width: float
    height: float
    row: float
    column: float
    end: float = 0.45
    """Room above the first and below the last row."""

    def place(self, point: Point) -> tuple[float, float]:
        """Return the centre of a box in centimetres."""
        return point[0] * self.column, point[1] * self.row


def new_box_figure(layout: Layout, sizes: BoxSizes) -> tuple[Figure, Axes]:
    """Return an empty figure that fits the layout, rows downwards."""
    left, right = layout.extent
    height = (layout.n_rows - 1) * sizes.row + sizes.height + 2 * sizes.end
    figure = new_figure((right - left) * sizes.column + 2 * MARGIN_CM, height)
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set_axis_off()
    axes.set_xlim(left * sizes.column - MARGIN_CM, right * sizes.column + MARGIN_CM)
    axes.set_ylim(height - sizes.height / 2 - sizes.end, -sizes.height / 2 - sizes.end)
    return figure, axes


def draw_arrow(axes: Axes, way: Sequence[Point], sizes: BoxSizes, **style: Any) -> None:
    """Draw the connection of two boxes."""
    from matplotlib.patches import FancyArrowPatch
    from matplotlib.path import Path as Curve

    vertices, codes = _bend(way, sizes)
    options: dict[str, Any] = {"arrowstyle": "-|>", "mutation_scale": 6, "linewidth": 0.7, "color": "0.35"}
    axes.add_patch(FancyArrowPatch(path=Curve(vertices, codes), **{**options, **style}))


def _bend(way: Sequence[Point], sizes: BoxSizes) -> tuple[list[tuple[float, float]], list[int]]:
    """Return the curve of a connection: it moves sideways between rows only, so that it meets no box."""
    from matplotlib.path import Path as Curve

    half = sizes.height / 2
    points = [(way[0][0] * sizes.column, way[0][1] * sizes.row + half)]
    for x, row in way[1:-1]:
        points += [(x * sizes.column, row * sizes.row - half), (x * sizes.column, row * sizes.row + half)]
    points.append((way[-1][0] * sizes.column, way[-1][1] * sizes.row - half))
    vertices, codes = [points[0]], [int(Curve.MOVETO)]
    for (x, y), (next_x, next_y) in itertools.pairwise(points):
        bend = (next_y - y) * 0.6
        vertices += [(x, y + bend), (next_x, next_y - bend), (next_x, next_y)]
        codes += [int(Curve.CURVE4)] * 3
    return vertices, codes


def draw_box(axes: Axes, place: Point, sizes: BoxSizes, fill: str, **style: Any) -> tuple[float, float]:
    """Draw an empty box and return its centre."""
    from matplotlib.patches import FancyBboxPatch

    x, y = sizes.place(place)
    options: dict[str, Any] = {"edgecolor": "0.35", "linewidth": 0.6}
    axes.add_patch(
        FancyBboxPatch(
            (x - sizes.width / 2, y - sizes.height / 2),
            sizes.width,
            sizes.height,
            boxstyle="round,pad=0,rounding_size=0.12",
            facecolor=fill,
            **{**options, **style},
        )
    )
    return x, y
