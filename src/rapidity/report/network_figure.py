"""A drawing of a network: its layers as boxes, the shapes that flow between them, parameter counts."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING

from rapidity.report.boxes import BoxSizes, draw_arrow, draw_box, new_box_figure
from rapidity.report.figures import DrawnFigure, choose_formats, save_figure
from rapidity.report.network_layout import Layout, arrange
from rapidity.report.style import figure_style, plain_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes

    from rapidity.network.graph import Network, Node

SIZES = BoxSizes(width=4.0, height=0.78, row=1.35, column=4.6)
# Light fills on which black text reads well; layers with parameters stand out.
_INPUT, _TRAINED, _PLAIN, _OUTPUT = "#dfe7f5", "#fde7c9", "#f3f3f3", "#dcefdc"


def draw_network(network: Network, path: Path | str, *, formats: Sequence[str] | None = None) -> DrawnFigure:
    """Write a drawing of the network: layers, shapes of one event between them, numbers of parameters.

    Parameters
    ----------
    path
        File to write; its suffix (png, pdf, svg) gives the format unless `formats` lists several.

    Raises
    ------
    DataError
        If the suffix is none of these.
    """
    path = Path(path)
    chosen = choose_formats(path, formats, "a network")
    layout = arrange(
        {**dict.fromkeys(network.inputs, ()), **{node.name: node.inputs for node in network.nodes}}
    )
    with figure_style():
        figure, axes = new_box_figure(layout, SIZES)
        _draw_ways(axes, network, layout)
        _draw_boxes(axes, network, layout)
        return save_figure(
            figure,
            path.parent,
            path.stem,
            title="Network",
            caption=f"{network.n_parameters:,} trained parameters. Shapes between layers "
            "are those of one event.",
            formats=chosen,
        )


def _draw_ways(axes: Axes, network: Network, layout: Layout) -> None:
    shapes = {**network.inputs, **{node.name: node.shape for node in network.nodes}}
    leaning = dict.fromkeys(shapes, 0.0)
    for (source, _), way in layout.ways.items():
        leaning[source] += way[1][0] - way[0][0]
        draw_arrow(axes, way, SIZES)
    for source in {source: None for source, _ in layout.ways}:
        x, y = SIZES.place(layout.places[source])
        # On the side to which fewer connections leave.
        side = -1 if leaning[source] > 0 else 1
        axes.text(
            x + side * 0.12,
            y + SIZES.height / 2 + 0.26,
            format_shape(shapes[source]),
            fontsize=6.5,
            ha="left" if side > 0 else "right",
            va="center",
            color="0.25",
        )


def _draw_boxes(axes: Axes, network: Network, layout: Layout) -> None:
    outputs = {node: name for name, node in network.outputs.items()}
    for name, shape in network.inputs.items():
        _draw_box(axes, layout.places[name], plain_text(name, 24), f"input {format_shape(shape)}", _INPUT)
    for node in network.nodes:
        fill = _TRAINED if node.parameters else _PLAIN
        detail = describe_layer(node)
        if node.name in outputs:
            fill = _OUTPUT
            detail += f" → logits {format_shape(node.shape)}"
        _draw_box(axes, layout.places[node.name], plain_text(node.name, 24), detail, fill)


def _draw_box(axes: Axes, place: tuple[float, int], title: str, detail: str, fill: str) -> None:
    x, y = draw_box(axes, place, SIZES, fill)
    axes.text(x, y - 0.16, title, ha="center", va="center", fontsize=7.5, color="black")
    size = min(6.0, 6.0 * 42 / max(len(detail), 1))
    axes.text(x, y + 0.19, detail, ha="center", va="center", fontsize=size, color="0.25")


def describe_layer(node: Node) -> str:
    """Return what a layer is in a few words: type, what characterises it, parameters."""
    layer = node.layer
    kind = getattr(layer, "type", type(layer).__name__.lower())
    words = [plain_text(str(kind))]
    for key in ("function", "rate"):
        value = getattr(layer, key, None)
        if value is not None:
            words.append(f"{value:g}" if isinstance(value, float) else plain_text(str(value)))
    n_parameters = sum(math.prod(spec.shape) for spec in node.parameters)
    if n_parameters:
        words.append(f"· {n_parameters:,} parameters")
    return " ".join(words)


def format_shape(shape: Sequence[int]) -> str:
    """Return a shape as physicists write it.

    Examples
    --------
    >>> format_shape((26,)), format_shape((32, 32, 1))
    ('26', '32 x 32 x 1')
    """
    return " x ".join(str(size) for size in shape) or "1"
