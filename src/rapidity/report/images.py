"""What goes into the network of images: their mean in each class, examples, and how bright pixels are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from rapidity.report.figures import DrawnFigure, save_figure
from rapidity.report.names import file_stems
from rapidity.report.style import CM_PER_INCH, axis_label, new_figure, plain_text

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
SHOWN_PART = 0.99
"""Part of the pixels that lies within a scale of both signs: a single one far out would pale all others."""
BAR_CM, SCALE_CM = 0.22, 1.7
"""Width of the bar of a colour scale, and of all of it."""
COLOURS = ("red", "green", "blue")


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

    Files: ``mean_<channel>`` and ``examples_<channel>``, of pictures in colour ``mean_<input>`` and
    ``examples_<input>``.
    """
    figures = []
    stems = file_stems(list(images))
    weighted = "" if event_weight is None else ", weighted"
    for (name, data), stem in zip(images.items(), stems, strict=True):
        means = mean_images(data, rows, event_weight)[:MAX_CLASSES]
        chosen = [spread(class_rows, N_EXAMPLES) for class_rows in rows[:MAX_CLASSES]]
        examples = data.take(np.concatenate(chosen))
        shown = _shown_channels(name, stem, data, examples)
        said = f"The mean image of each class{weighted}{_cut(classes)}, {data.pixels}."
        figures += [_draw_mean(one, means, classes, said, folder, formats) for one in shown]
        said = f"Events of each class, spread evenly over the data{_cut(classes)}"
        counts = [len(listed) for listed in chosen]
        figures += [_draw_examples(one, examples, counts, classes, said, folder, formats) for one in shown]
    return figures


@dataclass(frozen=True)
class _Shown:
    """A channel of an image input, or all of a picture in colour, that gets figures of its own.

    Attributes
    ----------
    label
        What the colours stand for.
    channel
        None for all three of a picture in colour.
    """

    stem: str
    title: str
    label: str
    unit: str
    channel: int | None

    def pick(self, images: NDArray[Any]) -> NDArray[np.float64]:
        """Return pixels ``(n_images, height, width)``, of colours ``(..., 3)`` from 0 to 1, white for NaN."""
        if self.channel is None:
            return np.clip(np.nan_to_num(images / 255.0, nan=1.0), 0.0, 1.0)
        return images[..., self.channel].astype(np.float64)


def _shown_channels(name: str, stem: str, data: ImageData, images: NDArray[Any]) -> list[_Shown]:
    """Return what is drawn: each channel by itself (energy and time do not add up), or colours together."""
    if is_colour(data, images):
        return [_Shown(stem, name, name, "", None)]
    names, is_single = data.channel_names[:MAX_CHANNELS], data.shape[2] == 1
    titles = [name] if is_single else [f"{name}, {channel}" for channel in names]
    labels = [name] if is_single else names
    stems = _channel_stems(stem, data)
    return [
        _Shown(stems[channel], title, label, data.unit(channel), channel)
        for channel, (title, label) in enumerate(zip(titles, labels, strict=True))
    ]


def is_colour(data: ImageData, images: NDArray[Any]) -> bool:
    """Return whether images are shown in colour: three channels of bytes are red, green and blue."""
    return data.shape[2] == 3 and images.dtype == np.uint8


def _draw_mean(
    shown: _Shown,
    means: NDArray[np.float64],
    classes: ClassSet,
    said: str,
    folder: Path,
    formats: Sequence[str],
) -> DrawnFigure:
    images = shown.pick(means)
    norm = None if shown.channel is None else choose_scale(images)
    return save_figure(
        _draw_panels(images, [plain_text(n, 16) for n in classes.names], norm, shown),
        folder,
        f"mean_{shown.stem}",
        title=f"Mean of {shown.title}",
        caption=f"{said}{_describe_scale(norm)}",
        formats=formats,
    )


def _channel_stems(stem: str, data: ImageData) -> list[str]:
    """Return the name of the file of each channel: `image[0]` is called image_0, a column by its own name."""
    labels = [name.partition("[")[2].rstrip("]") or name for name in data.channel_names]
    return [stem] if len(labels) == 1 else file_stems([f"{stem}_{label}" for label in labels])


def _cut(classes: ClassSet) -> str:
    return f" (the first {MAX_CLASSES} classes)" if len(classes) > MAX_CLASSES else ""


def choose_scale(values: NDArray[np.floating[Any]]) -> Normalize:
    """Return a colour scale for all panels: logarithmic where few pixels hold nearly everything.

    Zero, and what lies more than four decades below the largest value, is then the darkest colour. Values of
    both signs get a scale with zero in its middle, which the outermost hundredth of them exceeds.
    """
    from matplotlib.colors import CenteredNorm, LogNorm, Normalize

    finite = values[np.isfinite(values)]
    low, high = (float(finite.min()), float(finite.max())) if len(finite) else (0.0, 1.0)
    if low < 0 < high:
        return CenteredNorm(0.0, float(np.quantile(np.abs(finite[finite != 0]), SHOWN_PART)))
    if low >= 0 and high > STEEP * float(finite.mean() if len(finite) else 1.0) > 0:
        return LogNorm(high / 10**DECADES, high, clip=True)
    return Normalize(low, high if high > low else low + 1)


def _describe_scale(norm: Normalize | None) -> str:
    from matplotlib.colors import LogNorm

    return " Logarithmic scale." if isinstance(norm, LogNorm) else ""


def _colour_map(norm: Normalize | None) -> Any:
    """Return colours for a scale; where zero is in its middle, white stands for it, and grey for NaN."""
    import matplotlib as mpl
    from matplotlib.colors import CenteredNorm

    if isinstance(norm, CenteredNorm):
        return mpl.colormaps["RdBu_r"].with_extremes(bad="0.7")
    return mpl.colormaps["viridis"].with_extremes(bad="white")


def _add_scale(
    figure: Figure, artist: Any, place_cm: tuple[float, float, float, float], shown: _Shown
) -> None:
    """Draw a bar of the colours at left, bottom, width, height in cm, and say what they stand for."""
    from matplotlib.colors import CenteredNorm

    width_cm, height_cm = figure.get_size_inches() * CM_PER_INCH
    left, bottom, width, height = place_cm
    axes = figure.add_axes((left / width_cm, bottom / height_cm, width / width_cm, height / height_cm))
    extend = "both" if isinstance(artist.norm, CenteredNorm) else "neither"
    figure.colorbar(artist, cax=axes, extend=extend)
    axes.tick_params(labelsize=6)
    axes.set_ylabel(axis_label(shown.label, shown.unit, 20), fontsize=6.5)


def _draw_panels(
    images: NDArray[np.float64], titles: Sequence[str], norm: Normalize | None, shown: _Shown
) -> Figure:
    """Draw one panel a class, with a common scale beside them unless they are in colour."""
    n_panels, height, width = images.shape[:3]
    n_columns = min(n_panels, N_MEAN_COLUMNS)
    n_rows = -(-n_panels // n_columns)
    panel_cm = 2.6 if n_columns > 2 else 3.6
    panel_height_cm = panel_cm * min(max(height / width, 0.25), 2.5)
    width_cm = n_columns * (panel_cm + 0.15) + (0.1 if norm is None else SCALE_CM)
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
    if norm is not None:
        bottom = height_cm - n_rows * (panel_height_cm + 0.5)
        left = n_columns * (panel_cm + 0.15) + 0.15
        _add_scale(figure, artist, (left, bottom, BAR_CM, height_cm - bottom - 0.5), shown)
    return figure


def _show_image(axes: Axes, image: NDArray[Any], norm: Normalize | None) -> Any:
    """Draw one image, its first row on top, without axes."""
    axes.set_xticks([])
    axes.set_yticks([])
    axes.minorticks_off()
    return axes.imshow(image, cmap=_colour_map(norm), norm=norm, aspect="auto", interpolation="nearest")


def _draw_examples(
    shown: _Shown,
    images: NDArray[Any],
    counts: Sequence[int],
    classes: ClassSet,
    said: str,
    folder: Path,
    formats: Sequence[str],
) -> DrawnFigure:
    """Draw some events of each class."""
    pictures = images if shown.channel is None else shown.pick(images)
    norm = None if shown.channel is None else choose_scale(pictures)
    common = "" if norm is None else ", one colour scale for all"
    return save_figure(
        _draw_grid(pictures, counts, classes, norm, shown),
        folder,
        f"examples_{shown.stem}",
        title=f"Examples of {shown.title}",
        caption=f"{said}{common}.{_describe_scale(norm)}",
        formats=formats,
    )


def spread(rows: NDArray[np.int64], n_wanted: int) -> NDArray[np.int64]:
    """Return some of the rows, spread evenly.

    Examples
    --------
    >>> spread(np.arange(100), 4)
    array([ 0, 33, 66, 99])
    """
    return rows[np.linspace(0, len(rows) - 1, min(n_wanted, len(rows))).astype(np.int64)]


def _draw_grid(
    images: NDArray[Any],
    counts: Sequence[int],
    classes: ClassSet,
    norm: Normalize | None,
    shown: _Shown,
) -> Figure:
    """Draw a row of images a class, its name on the left, the scale on the right."""
    names = [plain_text(name, 16) for name in classes.names[: len(counts)]]
    label_cm = 0.14 * max(len(name) for name in names) + 0.35
    side_cm = 1.5
    height_cm = side_cm * min(max(images.shape[1] / images.shape[2], 0.25), 2.5)
    width = label_cm + N_EXAMPLES * side_cm + (0.1 if norm is None else SCALE_CM)
    height = len(counts) * height_cm + 0.2
    figure = new_figure(width, height)
    axes = figure.add_axes(
        (label_cm / width, 0.1 / height, N_EXAMPLES * side_cm / width, len(counts) * height_cm / height)
    )
    canvas = make_mosaic(images, counts)
    artist = axes.imshow(canvas, cmap=_colour_map(norm), norm=norm, aspect="auto", interpolation="nearest")
    axes.minorticks_off()
    axes.set_axis_off()
    for k, name in enumerate(names):
        middle = 1 - (k + 0.5) / len(counts)
        axes.text(-0.01, middle, name, ha="right", va="center", fontsize=7, transform=axes.transAxes)
    if norm is not None:
        left = label_cm + N_EXAMPLES * side_cm + 0.1
        _add_scale(figure, artist, (left, 0.15, BAR_CM, height - 0.3), shown)
    return figure


def make_mosaic(images: NDArray[Any], counts: Sequence[int]) -> NDArray[Any]:
    """Return all images in one, a row of `N_EXAMPLES` places for each count, with gaps between them.

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
