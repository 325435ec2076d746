"""A drawing of a network: its layers as boxes, the shapes that flow between them, parameter counts."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from rapidity.core.counting import counted
from rapidity.report.boxes import BoxSizes, draw_arrow, draw_box, new_box_figure
from rapidity.report.figures import DrawnFigure, choose_formats, save_figure
from rapidity.report.network_layout import Layout, arrange
from rapidity.report.style import CM_PER_INCH, figure_style, plain_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes

    from rapidity.network.graph import Network, Node

SIZES = BoxSizes(width=4.4, height=0.78, row=1.35, column=4.9)
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
            caption=f"{counted(network.n_parameters, 'trained parameter')}. Shapes between layers "
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
            # Lines that cross the words are behind them.
            bbox={"boxstyle": "square,pad=0.12", "facecolor": "white", "edgecolor": "none"},
        )


def _draw_boxes(axes: Axes, network: Network, layout: Layout) -> None:
    outputs = {node: name for name, node in network.outputs.items()}
    for name, shape in network.inputs.items():
        _draw_box(axes, layout.places[name], name, f"input {format_shape(shape)}", _INPUT)
    for node in network.nodes:
        fill = _TRAINED if node.parameters else _PLAIN
        detail = describe_layer(node)
        if node.name in outputs:
            fill = _OUTPUT
            detail += f" → logits {format_shape(node.shape)}"
        _draw_box(axes, layout.places[node.name], node.name, detail, fill)


def _draw_box(axes: Axes, place: tuple[float, int], title: str, detail: str, fill: str) -> None:
    x, y = draw_box(axes, place, SIZES, fill)
    _write_title(axes, x, y - 0.16, title)
    size = min(6.0, 6.0 * 46 / max(len(detail), 1))
    axes.text(x, y + 0.19, detail, ha="center", va="center", fontsize=size, color="0.25")


def _write_title(axes: Axes, x: float, y: float, title: str) -> None:
    """Write the name of a box, smaller or cut until it fits."""
    room = 0.95 * SIZES.width / CM_PER_INCH * axes.figure.dpi
    written = axes.text(x, y, plain_text(title), ha="center", va="center", fontsize=7.5, color="black")
    for size, limit in ((6.75, 40), (6.0, 40), (6.0, 36), (6.0, 32), (6.0, 28), (6.0, 20)):
        if written.get_window_extent().width <= room:
            return
        written.set(fontsize=size, text=plain_text(title, limit))


def describe_layer(node: Node) -> str:
    """Return what a layer is in a few words: type, what characterises it, trained parameters.

    Running means and variances are not among them: the numbers of all layers add up to that of the network.
    """
    layer = node.layer
    kind = getattr(layer, "type", type(layer).__name__.lower())
    words = [plain_text(str(kind))]
    for key in ("function", "rate"):
        value = getattr(layer, key, None)
        if value is not None:
            words.append(f"{value:g}" if isinstance(value, float) else plain_text(str(value)))
    if node.n_parameters:
        words.append(f"· {counted(node.n_parameters, 'parameter')}")
    return " ".join(words)


def format_shape(shape: Sequence[int]) -> str:
    """Return a shape as physicists write it.

    Examples
    --------
    >>> format_shape((26,)), format_shape((32, 32, 1))
    ('26', '32 x 32 x 1')
    """
    return " x ".join(str(size) for size in shape) or "1"
