"""What goes into the network of images: their mean in each class, examples, and how bright pixels are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from rapidity.report.figures import DrawnFigure, save_figure
from rapidity.report.names import file_stems
from rapidity.report.style import new_figure, plain_text

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from matplotlib.axes import Axes
    from matplotlib.colors import Normalize
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

    from rapidity.core.classes import ClassSet

N_EXAMPLES = 8
MAX_CLASSES = 20
MAX_CHANNELS = 8
N_MEAN_COLUMNS = 5
VALUES_AT_ONCE = 2**20
PIXELS_SAMPLED = 2**18
"""Pixels of a class and channel whose values are shown."""
MOSAIC_PIXELS = 32
"""Examples are enlarged to so many pixels, so that the gaps between them are narrow."""
STEEP = 30.0
"""Means whose largest pixel is so many times their average are shown on a logarithmic scale."""
DECADES = 4


@dataclass(frozen=True)
class ImageData:
    """The images of one input, as they are stored, before scaling.

    Attributes
    ----------
    shape
        Height, width, number of channels.
    channel_names
        One a channel.
    take
        Row numbers -> images ``(n_rows, height, width, channels)``, so that they need not all be in memory.
    units
        Unit of the pixels of each channel, empty where the file states none.
    pixels
        What a pixel is, for captions.
    """

    shape: tuple[int, int, int]
    channel_names: tuple[str, ...]
    take: Callable[[NDArray[np.int64]], NDArray[Any]]
    units: tuple[str, ...] = ()
    pixels: str = "pixels as in the file"

    def unit(self, channel: int) -> str:
        """Return the unit of a channel; empty where it is not known."""
        return self.units[channel] if self.units else ""

    def chunks(self, rows: NDArray[np.int64]) -> list[NDArray[np.int64]]:
        """Return the rows in portions whose images fit into memory easily."""
        size = max(VALUES_AT_ONCE // int(np.prod(self.shape)), 1)
        return [rows[start : start + size] for start in range(0, len(rows), size)]


def mean_images(
    data: ImageData, rows: Sequence[NDArray[np.int64]], event_weight: NDArray[np.float64] | None
) -> NDArray[np.float64]:
    """Return the weighted mean image of each class, ``(n_classes, height, width, channels)``.

    Parameters
    ----------
    rows
        Row numbers of each class; a class without events, or whose weights sum to zero, has NaN.
    """
    means = np.full((len(rows), *data.shape), np.nan)
    for k, class_rows in enumerate(rows):
        weight = np.ones(len(class_rows)) if event_weight is None else event_weight[class_rows]
        total = weight.sum()
        if not len(class_rows) or total == 0:
            continue
        summed = np.zeros(int(np.prod(data.shape)))
        first = 0
        for part in data.chunks(class_rows):
            images = data.take(part).reshape(len(part), -1)
            summed += weight[first : first + len(part)] @ images.astype(np.float64)
            first += len(part)
        means[k] = summed.reshape(data.shape) / total
    return means


def pixel_sums(data: ImageData, n_events: int) -> NDArray[np.float32]:
    """Return the sum of the pixels of each event and channel, ``(n_events, channels)``."""
    sums = np.empty((n_events, data.shape[2]), np.float32)
    for part in data.chunks(np.arange(n_events)):
        sums[part] = data.take(part).sum(axis=(1, 2), dtype=np.float64)
    return sums


def sample_pixels(data: ImageData, rows: NDArray[np.int64]) -> NDArray[Any]:
    """Return the pixels of some of these events, spread evenly, ``(n_events, n_pixels, channels)``."""
    height, width, n_channels = data.shape
    wanted = max(PIXELS_SAMPLED // (height * width), 1)
    chosen = rows[:: max(-(-len(rows) // wanted), 1)]
    return data.take(chosen).reshape(len(chosen), height * width, n_channels)


def draw_images(
    images: Mapping[str, ImageData],
    classes: ClassSet,
    rows: Sequence[NDArray[np.int64]],
    event_weight: NDArray[np.float64] | None,
    folder: Path,
    formats: Sequence[str],
) -> list[DrawnFigure]:
    """Draw the mean image of each class and a few examples, for each input; `rows` are those of each class.

    Files: ``mean_<channel>``, and ``examples_<input>`` in colour or for each channel.
    """
    figures = []
    stems = file_stems(list(images))
    for (name, data), stem in zip(images.items(), stems, strict=True):
        means = mean_images(data, rows, event_weight)
        figures += _draw_means(name, stem, data, means, classes, folder, formats)
        figures += _draw_examples(name, stem, data, rows, classes, folder, formats)
    return figures


def is_colour(data: ImageData, images: NDArray[Any]) -> bool:
    """Return whether images are shown in colour: three channels of bytes are red, green and blue."""
    return data.shape[2] == 3 and images.dtype == np.uint8


def _draw_means(
    name: str,
    stem: str,
    data: ImageData,
    means: NDArray[np.float64],
    classes: ClassSet,
    folder: Path,
    formats: Sequence[str],
) -> list[DrawnFigure]:
    figures = []
    stems = _channel_stems(stem, data)
    for channel, channel_name in enumerate(data.channel_names[:MAX_CHANNELS]):
        what = name if data.shape[2] == 1 else f"{name}, {channel_name}"
        shown = means[:MAX_CLASSES, :, :, channel]
        norm = choose_scale(shown)
        figures.append(
            save_figure(
                _draw_panels(shown, [plain_text(n, 16) for n in classes.names], norm, data.unit(channel)),
                folder,
                f"mean_{stems[channel]}",
                title=f"Mean of {what}",
                caption=f"The mean image of each class, weighted{_cut(classes)}, {data.pixels}."
                + (" Logarithmic scale." if _is_log(norm) else ""),
                formats=formats,
            )
        )
    return figures


def _channel_stems(stem: str, data: ImageData) -> list[str]:
    """Return the name of the file of each channel: `image[0]` is called image_0, a column by its own name."""
    labels = [name.partition("[")[2].rstrip("]") or name for name in data.channel_names]
    return [stem] if len(labels) == 1 else file_stems([f"{stem}_{label}" for label in labels])


def _cut(classes: ClassSet) -> str:
    return f" (the first {MAX_CLASSES} classes)" if len(classes) > MAX_CLASSES else ""


def choose_scale(values: NDArray[np.floating[Any]]) -> Normalize:
    """Return a colour scale for all panels: logarithmic where few pixels hold nearly everything.

    Zero, and what lies more than four decades below the largest value, is then the darkest colour.
    """
    from matplotlib.colors import LogNorm, Normalize

    finite = values[np.isfinite(values)]
    low, high = (float(finite.min()), float(finite.max())) if len(finite) else (0.0, 1.0)
    if low >= 0 and high > STEEP * float(finite.mean() if len(finite) else 1.0) > 0:
        return LogNorm(high / 10**DECADES, high, clip=True)
    return Normalize(low, high if high > low else low + 1)


def _is_log(norm: Normalize) -> bool:
    from matplotlib.colors import LogNorm

    return isinstance(norm, LogNorm)


def _draw_panels(images: NDArray[np.float64], titles: Sequence[str], norm: Normalize, unit: str) -> Figure:
    """Draw one panel a class with a common scale beside them."""
    n_panels, height, width = images.shape
    n_columns = min(n_panels, N_MEAN_COLUMNS)
    n_rows = -(-n_panels // n_columns)
    panel_cm = 2.6 if n_columns > 2 else 3.6
    panel_height_cm = panel_cm * min(max(height / width, 0.25), 2.5)
    width_cm = n_columns * (panel_cm + 0.15) + 1.5
    height_cm = n_rows * (panel_height_cm + 0.5) + 0.2
    figure = new_figure(width_cm, height_cm)
    for place, (image, title) in enumerate(zip(images, titles, strict=False)):
        row, column = divmod(place, n_columns)
        axes = figure.add_axes(
            (
                (column * (panel_cm + 0.15) + 0.1) / width_cm,
                (height_cm - (row + 1) * (panel_height_cm + 0.5)) / height_cm,
                panel_cm / width_cm,
                panel_height_cm / height_cm,
            )
        )
        artist = _show_image(axes, image, norm)
        axes.set_title(title, fontsize=7, pad=2)
    left = n_columns * (panel_cm + 0.15) + 0.15
    bottom = height_cm - n_rows * (panel_height_cm + 0.5)
    bar = figure.add_axes(
        (left / width_cm, bottom / height_cm, 0.22 / width_cm, (height_cm - bottom - 0.5) / height_cm)
    )
    figure.colorbar(artist, cax=bar)
    bar.tick_params(labelsize=6)
    if unit:
        bar.set_title(plain_text(unit, 10), fontsize=6, pad=3)
    return figure


def _show_image(axes: Axes, image: NDArray[Any], norm: Normalize) -> Any:
    """Draw one image, its first row on top, without axes."""
    axes.set_xticks([])
    axes.set_yticks([])
    axes.minorticks_off()
    return axes.imshow(image, cmap="viridis", norm=norm, aspect="auto", interpolation="nearest")


def _draw_examples(
    name: str,
    stem: str,
    data: ImageData,
    rows: Sequence[NDArray[np.int64]],
    classes: ClassSet,
    folder: Path,
    formats: Sequence[str],
) -> list[DrawnFigure]:
    """Draw some events of each class, in colour or each channel by itself: energy and time do not add up."""
    chosen = [spread(class_rows, N_EXAMPLES) for class_rows in rows[:MAX_CLASSES]]
    images = data.take(np.concatenate(chosen))
    if is_colour(data, images):
        shown: dict[str, tuple[str, Any]] = {stem: (name, images)}
    else:
        what = [name] if data.shape[2] == 1 else [f"{name}, {channel}" for channel in data.channel_names]
        channels = np.moveaxis(images, 3, 0)[:MAX_CHANNELS].astype(np.float64)
        shown = dict(zip(_channel_stems(stem, data), zip(what, channels, strict=False), strict=False))
    figures = []
    for file, (title, pictures) in shown.items():
        norm = None if pictures.ndim == 4 else choose_scale(pictures)
        scale = " Logarithmic scale." if norm is not None and _is_log(norm) else ""
        figures.append(
            save_figure(
                _draw_grid(pictures, [len(listed) for listed in chosen], classes, norm),
                folder,
                f"examples_{file}",
                title=f"Examples of {title}",
                caption=f"Events of each class, spread evenly over the data{_cut(classes)}, one colour scale "
                f"for all.{scale}",
                formats=formats,
            )
        )
    return figures


def spread(rows: NDArray[np.int64], n_wanted: int) -> NDArray[np.int64]:
    """Return some of the rows, spread evenly.

    Examples
    --------
    >>> spread(np.arange(100), 4)
    array([ 0, 33, 66, 99])
    """
    return rows[np.linspace(0, len(rows) - 1, min(n_wanted, len(rows))).astype(np.int64)]


def _draw_grid(
    images: NDArray[Any], counts: Sequence[int], classes: ClassSet, norm: Normalize | None
) -> Figure:
    """Draw a row of images a class, its name on the left."""
    import matplotlib as mpl

    names = [plain_text(name, 16) for name in classes.names[: len(counts)]]
    label_cm = 0.14 * max(len(name) for name in names) + 0.35
    side_cm = 1.5
    height_cm = side_cm * min(max(images.shape[1] / images.shape[2], 0.25), 2.5)
    width, height = label_cm + N_EXAMPLES * side_cm + 0.1, len(counts) * height_cm + 0.2
    figure = new_figure(width, height)
    axes = figure.add_axes(
        (label_cm / width, 0.1 / height, N_EXAMPLES * side_cm / width, len(counts) * height_cm / height)
    )
    canvas = make_mosaic(images, counts)
    colours = mpl.colormaps["viridis"].with_extremes(bad="white")
    axes.imshow(canvas, cmap=colours, norm=norm, aspect="auto", interpolation="nearest")
    axes.minorticks_off()
    axes.set_axis_off()
    for k, name in enumerate(names):
        middle = 1 - (k + 0.5) / len(counts)
        axes.text(-0.01, middle, name, ha="right", va="center", fontsize=7, transform=axes.transAxes)
    return figure


def make_mosaic(images: NDArray[Any], counts: Sequence[int]) -> NDArray[Any]:
    """Return all images in one, a row of `N_EXAMPLES` places for each count, white between them.

    One large picture is drawn a hundred times faster than many small ones. Missing places and gaps are NaN,
    of colours white.
    """
    enlarged = max(-(-MOSAIC_PIXELS // images.shape[2]), 1)
    large = images.repeat(enlarged, axis=1).repeat(enlarged, axis=2)
    height, width = (side + max(side // 20, 1) for side in large.shape[1:3])
    shape = (len(counts) * height, N_EXAMPLES * width, *large.shape[3:])
    canvas = np.full(shape, 255, np.uint8) if large.ndim == 4 else np.full(shape, np.nan)
    first = 0
    for row, count in enumerate(counts):
        for column in range(count):
            top, left = row * height, column * width
            canvas[top : top + large.shape[1], left : left + large.shape[2]] = large[first + column]
        first += count
    return canvas
