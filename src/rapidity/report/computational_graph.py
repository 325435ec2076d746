"""A drawing of a computational graph: what each node computes, its value, its gradient, when it was freed."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from rapidity.report.boxes import BoxSizes, draw_arrow, draw_box, new_box_figure
from rapidity.report.figures import DrawnFigure, choose_formats, save_figure
from rapidity.report.network_layout import arrange
from rapidity.report.style import figure_style, plain_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

    from rapidity.autodiff.description import GraphNode
    from rapidity.report.network_layout import Point

SIZES = BoxSizes(width=3.5, height=1.5, row=2.1, column=4.2, end=0.15)
HEADROOM_CM = 0.55
MAX_WORDS = 30
# Light fills on which black text reads well.
_FILLS = {"parameter": "#fde7c9", "input": "#dfe7f5", "constant": "#ececec", "operation": "#ffffff"}
_RESULT = "#dcefdc"


def draw_computational_graph(
    nodes: Sequence[GraphNode], path: Path | str, *, title: str, formats: Sequence[str] | None = None
) -> DrawnFigure:
    """Write a drawing of the nodes, the last of which is the result.

    Nodes that the backward pass did not visit have dashed edges, as have the arrows into them.

    Parameters
    ----------
    path
        File to write; its suffix (png, pdf, svg) gives the format unless `formats` lists several.
    title
        Stands above the drawing.

    Raises
    ------
    DataError
        If the suffix is none of these.
    """
    path = Path(path)
    chosen = choose_formats(path, formats, "a graph")
    layout = arrange(
        {str(node.number): [str(number) for number in node.inputs] for node in nodes}, late_inputs=True
    )
    by_name = {str(node.number): node for node in nodes}
    with figure_style():
        figure, axes = new_box_figure(layout, SIZES)
        _add_title(figure, axes, title)
        for (_, follower), way in layout.ways.items():
            draw_arrow(axes, way, SIZES, linestyle="-" if by_name[follower].is_visited else (0, (3, 2)))
        for name, place in layout.places.items():
            _draw_node(axes, by_name[name], place, is_result=by_name[name] is nodes[-1])
        return save_figure(
            figure,
            path.parent,
            path.stem,
            title="Computational graph",
            caption=f"The graph of {title}: value and gradient of each node, and when it was freed.",
            formats=chosen,
        )


def _add_title(figure: Figure, axes: Axes, title: str) -> None:
    """Write the expression above the drawing, in room added for it."""
    width, height = figure.get_size_inches()
    figure.set_size_inches(width, height + HEADROOM_CM / 2.54)
    bottom, top = axes.get_ylim()
    axes.set_ylim(bottom, top - HEADROOM_CM)
    size = min(8.0, 8.0 * 12.5 * width / max(len(title), 1))
    left, right = axes.get_xlim()
    axes.text(
        (left + right) / 2,
        top - HEADROOM_CM / 2,
        plain_text(title, 120),
        ha="center",
        va="center",
        fontsize=size,
    )


def _draw_node(axes: Axes, node: GraphNode, place: Point, *, is_result: bool) -> None:
    fill = _RESULT if is_result else _FILLS[node.kind]
    is_apart = node.kind == "operation" and not node.is_visited
    x, y = draw_box(axes, place, SIZES, fill, linestyle=(0, (3, 2)) if is_apart else "-")
    gradient = "no gradient" if node.gradient is None else f"gradient {format_values(node.gradient)}"
    lines = [f"value {format_values(node.value)}", gradient, _moment(node)]
    title = plain_text(node.formula, 34)
    axes.text(x, y - 0.48, title, ha="center", va="center", fontsize=min(7.5, 7.5 * 24 / len(title)))
    for number, line in enumerate(lines):
        axes.text(
            x,
            y - 0.13 + 0.29 * number,
            line,
            ha="center",
            va="center",
            fontsize=min(6.2, 6.2 * MAX_WORDS / len(line)),
            color="0.5" if number == 2 else "0.2",
        )


def _moment(node: GraphNode) -> str:
    return "kept" if node.freed == "kept" else f"freed {node.freed}"


def format_values(values: NDArray[Any]) -> str:
    """Return a number, or the first of several and how many there are.

    Examples
    --------
    >>> format_values(np.array(0.25)), format_values(np.array([1.0, 2.0])), format_values(np.zeros((2, 3)))
    ('0.25', '[1, 2]', '[0, 0, ...] 2 x 3')
    """
    if values.ndim == 0:
        return _number(values)
    shown = ", ".join(_number(value) for value in values.reshape(-1)[:2])
    if values.ndim == 1 and values.size <= 2:
        return f"[{shown}]"
    return f"[{shown}, ...] {' x '.join(map(str, values.shape))}"


def _number(value: Any) -> str:
    return str(bool(value)).lower() if np.asarray(value).dtype.kind == "b" else f"{float(value):.5g}"
