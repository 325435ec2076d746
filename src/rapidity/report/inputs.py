"""What goes into the network: the distribution of each feature, their correlations, and images."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from rapidity.metrics import Histogram, fill_histogram
from rapidity.report.binning import Binning, choose_binning
from rapidity.report.clouds import CloudData, sample_objects
from rapidity.report.correlations import draw_correlations
from rapidity.report.feature_axes import N_FILLED, draw_feature_axes
from rapidity.report.figures import DrawnFigure, save_figure
from rapidity.report.images import (
    COLOURS,
    ImageData,
    draw_images,
    is_colour,
    pixel_sums,
    sample_pixels,
)
from rapidity.report.names import file_stems
from rapidity.report.style import (
    axis_label,
    class_colours,
    class_line_styles,
    figure_style,
    new_axes,
    new_figure,
    plain_text,
    remove_artists,
    set_fitting_title,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from rapidity.core.classes import ClassSet

N_OVERVIEW_COLUMNS = 5
MAX_OVERVIEW_FEATURES = 60


@dataclass(frozen=True)
class InputData:
    """Features of labelled events, as they are before scaling.

    Attributes
    ----------
    features
        Feature name -> values ``(n_events,)``.
    class_index
        ``(n_events,)``.
    event_weight
        Signed physics weights ``(n_events,)``, or None.
    units
        Feature name -> unit, where known.
    sentinels
        Numbers that stand for a missing value.
    images
        Input name -> its images.
    clouds
        Input name -> its objects.
    """

    features: Mapping[str, NDArray[Any]]
    classes: ClassSet
    class_index: NDArray[np.int64]
    event_weight: NDArray[np.float64] | None = None
    units: Mapping[str, str] = field(default_factory=dict)
    sentinels: tuple[float, ...] = ()
    images: Mapping[str, ImageData] = field(default_factory=dict)
    clouds: Mapping[str, CloudData] = field(default_factory=dict)


@dataclass(frozen=True)
class FeatureHistograms:
    """One feature, binned.

    Attributes
    ----------
    histograms
        One a class; sentinels and NaN are in `Histogram.missing`.
    missing_fraction
        Part of the events of each class whose value is missing, unweighted.
    counted
        What the histograms count.
    """

    name: str
    unit: str | None
    binning: Binning
    histograms: tuple[Histogram, ...]
    missing_fraction: tuple[float, ...]
    counted: str = "events"


def draw_inputs(data: InputData, folder: Path | str, formats: Sequence[str] = ("png",)) -> list[DrawnFigure]:
    """Write a page of all features, the correlations of each class, and one figure a feature into `folder`.

    Of images: their mean in each class, examples, and, among the features, the values of their pixels and
    the sum of the pixels of an event. Of clouds: the number of objects, and the features of those kept.

    Files: ``overview`` (``overview_2``, ... for more than 60 features), ``correlation_<class>``,
    ``feature_<name>``, ``mean_<image>`` and ``examples_<image>``, each in every format of `formats`.
    """
    folder = Path(folder)
    rows = [np.flatnonzero(data.class_index == k) for k in range(len(data.classes))]
    features = [fill_feature(data, name, rows) for name in data.features]
    for name, images in data.images.items():
        features += fill_pixels(data, name, images, rows)
    for name, cloud in data.clouds.items():
        features += fill_objects(data, name, cloud, rows)
    with figure_style():
        return [
            *draw_images(data.images, data.classes, rows, data.event_weight, folder, formats),
            *_draw_overviews(features, data, folder, formats),
            *draw_correlations(data, rows, folder, formats),
            *_draw_features(features, data.classes, folder, formats),
        ]


def fill_feature(data: InputData, name: str, rows: Sequence[NDArray[np.int64]]) -> FeatureHistograms:
    """Choose bins for one feature and fill the histogram of each class; `rows` are those of each class."""
    values = without_sentinels(data.features[name], data.sentinels)
    by_class = [values[class_rows] for class_rows in rows]
    weights = [None if data.event_weight is None else data.event_weight[class_rows] for class_rows in rows]
    return _fill(name, data.units.get(name), by_class, weights)


def fill_pixels(
    data: InputData, name: str, images: ImageData, rows: Sequence[NDArray[np.int64]]
) -> list[FeatureHistograms]:
    """Return the values of single pixels, unweighted, and the sum of those of an event, of each channel."""
    sums = pixel_sums(images, len(data.class_index))
    pixels = [sample_pixels(images, class_rows) for class_rows in rows]
    weights = [None if data.event_weight is None else data.event_weight[class_rows] for class_rows in rows]
    filled = []
    names = images.channel_names
    if is_colour(images, pixels[0]):
        names = tuple(f"{name}, {colour}" for colour in COLOURS)
    for channel, channel_name in enumerate(names):
        shown = name if len(names) == 1 else channel_name
        values = [part[:, :, channel].ravel() for part in pixels]
        of_pixels = _fill(f"pixels of {shown}", images.unit(channel), values, [None] * len(rows))
        filled.append(replace(of_pixels, counted="pixels"))
        by_class = [sums[class_rows, channel] for class_rows in rows]
        filled.append(_fill(f"sum of {shown}", images.unit(channel), by_class, weights))
    return filled


def fill_objects(
    data: InputData, name: str, cloud: CloudData, rows: Sequence[NDArray[np.int64]]
) -> list[FeatureHistograms]:
    """Return the number of objects of an event, and the numbers of an object; weighted by their events."""
    weight = data.event_weight
    counts = [cloud.counts[class_rows] for class_rows in rows]
    of_events = [None if weight is None else weight[class_rows] for class_rows in rows]
    filled = [_fill(f"{name}: number of objects", None, counts, of_events)]
    sampled = [sample_objects(cloud, class_rows) for class_rows in rows]
    of_objects = [None if weight is None else weight[events] for _, events in sampled]
    for position, feature in enumerate(cloud.names):
        values = [numbers[:, position] for numbers, _ in sampled]
        histograms = _fill(f"{name}: {feature}", cloud.units.get(feature), values, of_objects)
        filled.append(replace(histograms, counted="objects"))
    return filled


def _fill(
    name: str,
    unit: str | None,
    by_class: Sequence[NDArray[Any]],
    weights: Sequence[NDArray[np.float64] | None],
) -> FeatureHistograms:
    binning = choose_binning(by_class)
    histograms = tuple(
        fill_histogram(values, binning.edges, weight)
        for values, weight in zip(by_class, weights, strict=True)
    )
    missing = tuple(float(np.isnan(part).mean()) if len(part) else 0.0 for part in by_class)
    return FeatureHistograms(name, unit, binning, histograms, missing)


def without_sentinels(values: NDArray[Any], sentinels: Sequence[float]) -> NDArray[np.floating[Any]]:
    """Return the values as floating point with sentinels as NaN; the array given stays as it is.

    Examples
    --------
    >>> without_sentinels(np.array([1, -999]), [-999])
    array([ 1., nan])
    """
    floating = values if np.issubdtype(values.dtype, np.floating) else values.astype(np.float64)
    is_sentinel = np.isin(floating, np.asarray(sentinels, dtype=floating.dtype))
    return np.where(is_sentinel, np.nan, floating) if is_sentinel.any() else floating


def _draw_features(
    features: Sequence[FeatureHistograms], classes: ClassSet, folder: Path, formats: Sequence[str]
) -> list[DrawnFigure]:
    stems = file_stems([feature.name for feature in features])
    figures = []
    # One pair of axes for all: making its ticks costs most of the time of a figure.
    figure, axes = new_axes(height_cm=6.0)
    for feature, stem in zip(features, stems, strict=True):
        remove_artists(axes)
        draw_feature_axes(axes, feature, classes)
        axes.set_xlabel(axis_label(feature.name, feature.unit))
        axes.set_ylabel(f"Fraction of {feature.counted} per bin")
        figures.append(
            save_figure(
                figure,
                folder,
                f"feature_{stem}",
                title=feature.name,
                caption="",
                formats=formats,
            )
        )
    return figures


def _draw_overviews(
    features: Sequence[FeatureHistograms], data: InputData, folder: Path, formats: Sequence[str]
) -> list[DrawnFigure]:
    starts = range(0, len(features), MAX_OVERVIEW_FEATURES)
    return [
        _draw_overview(features[start : start + MAX_OVERVIEW_FEATURES], data, folder, formats, number=page)
        for page, start in enumerate(starts, start=1)
    ]


def _draw_overview(
    features: Sequence[FeatureHistograms],
    data: InputData,
    folder: Path,
    formats: Sequence[str],
    *,
    number: int,
) -> DrawnFigure:
    n_columns = min(N_OVERVIEW_COLUMNS, len(features))
    n_rows = -(-len(features) // n_columns)
    names = [plain_text(name, 24) for name in data.classes.names]
    width_cm = 3.6 * n_columns
    n_legend_columns = _count_legend_columns(names, width_cm)
    head_cm = 0.45 * -(-len(names) // n_legend_columns) + 0.2
    height_cm = 3.0 * n_rows + head_cm
    figure = new_figure(width_cm, height_cm)
    for place, feature in enumerate(features):
        row, column = divmod(place, n_columns)
        left = (column * 3.6 + 0.25) / width_cm
        bottom = (height_cm - head_cm - 3.0 * (row + 1) + 0.5) / height_cm
        axes = figure.add_axes((left, bottom, 3.1 / width_cm, 2.05 / height_cm))
        draw_feature_axes(axes, feature, data.classes, is_small=True)
        set_fitting_title(axes, feature.name, feature.unit, 3.5 / width_cm * figure.bbox.width)
    handles = [_legend_line(*look) for look in zip(*_looks(len(names)), strict=True)]
    figure.legend(handles, names, loc="upper center", ncols=n_legend_columns, fontsize=7)
    weighted = "" if data.event_weight is None else ", weighted"
    return save_figure(
        figure,
        folder,
        "overview" if number == 1 else f"overview_{number}",
        title="Features",
        caption=f"Every feature by class, each class normalised to 1{weighted}. Grey edge bins hold what "
        "lies outside the range; percentages are the largest missing fraction of a class.",
        formats=formats,
    )


def _count_legend_columns(names: Sequence[str], width_cm: float) -> int:
    """Return how many entries of a legend stand side by side in a figure of so many cm, six at most."""
    entry_cm = 1.1 + 0.13 * max(map(len, names))
    return max(min(len(names), 6, int(width_cm / entry_cm)), 1)


def _looks(n_classes: int) -> tuple[Sequence[str], Sequence[Any]]:
    """Return the colour and the line style of each class, those of `draw_feature_axes`."""
    styles = ["-"] * n_classes if n_classes <= N_FILLED else class_line_styles(n_classes)
    return class_colours(n_classes), styles


def _legend_line(colour: str, style: Any) -> Any:
    from matplotlib.lines import Line2D

    return Line2D([], [], color=colour, linestyle=style, linewidth=1.5)
