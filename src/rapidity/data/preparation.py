"""From raw columns to the numbers that the network sees: fitted to the training split, then fixed.

The event weight does not enter the fit. Scaling only brings the features to a size that suits the
optimiser, for which the plain training events count; signed weights could give negative variances; and
a scaler that ignores them stays the same when a weight is corrected.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from rapidity.core.errors import DataError
from rapidity.core.jagged import Jagged
from rapidity.data.cloud_fitting import fit_cloud
from rapidity.data.clouds import CloudColumns
from rapidity.data.collections import events_at_once, iterate_chunks, pick_rows
from rapidity.data.feature_fitting import fit_feature
from rapidity.data.fitted_cloud import FittedCloud
from rapidity.data.fitted_image import FittedImage
from rapidity.data.fitted_table import FittedTable
from rapidity.data.image_fitting import fit_image
from rapidity.data.images import VALUES_AT_ONCE, ImageColumns
from rapidity.data.settings import SettingsTable, check_names
from rapidity.data.unusable import check_usable

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray

    from rapidity.config.preparation import Preparation
    from rapidity.core.records import FloatArray
    from rapidity.data.features import Feature, FeatureSet, TableMomentum
    from rapidity.data.fitted_feature import FittedFeature
    from rapidity.data.split import TrainRows

FORMAT_VERSION = 3
READABLE_VERSIONS = (2, 3)
"""Version 2 knows no collections."""
Fitted = FittedTable | FittedImage | FittedCloud


@dataclass(frozen=True)
class FittedPreparation:
    """What every event goes through before the network.

    Attributes
    ----------
    inputs
        Input name -> its features, its image or its cloud, in the order of the configuration.
    column_dtypes
        Raw column -> dtype that the preparation was fitted with: float32, float64 or int64; for a column
        of images that of the file.
    ranges
        Raw column -> smallest and largest value in training, missing ones left out.
    objects
        Names for expressions, as in ``data.objects``.
    units
        Raw column -> unit, where the data file states one.
    column_shapes
        Raw column of images -> shape of one event, as stored.
    collections
        Raw column of objects -> the collection that it belongs to.
    """

    inputs: Mapping[str, Fitted]
    column_dtypes: Mapping[str, str]
    ranges: Mapping[str, tuple[float, float]]
    objects: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    units: Mapping[str, str] = field(default_factory=dict)
    column_shapes: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    collections: Mapping[str, str] = field(default_factory=dict)

    @property
    def columns(self) -> tuple[str, ...]:
        """Raw columns that are needed."""
        return tuple(self.column_dtypes)

    @property
    def features(self) -> tuple[FittedFeature, ...]:
        """The features of all table inputs."""
        tables = (fitted for fitted in self.inputs.values() if isinstance(fitted, FittedTable))
        return tuple(feature for table in tables for feature in table.features)

    @property
    def images(self) -> dict[str, FittedImage]:
        """The image inputs."""
        return {name: fitted for name, fitted in self.inputs.items() if isinstance(fitted, FittedImage)}

    @property
    def clouds(self) -> dict[str, FittedCloud]:
        """The cloud inputs."""
        return {name: fitted for name, fitted in self.inputs.items() if isinstance(fitted, FittedCloud)}

    def number_names(self) -> dict[str, Sequence[str]]:
        """Return network input -> name of each number of an event: features, indicators, pixels."""
        return {
            name + suffix: names
            for name, fitted in self.inputs.items()
            for suffix, names in fitted.number_names.items()
        }

    def feature_names(self, input_name: str) -> Sequence[str]:
        """Return the name of each number of an event in a network input."""
        return self.number_names()[input_name]

    def input_shapes(self) -> dict[str, tuple[int, ...]]:
        """Return network input -> shape of one event.

        Of a table ``(n_features,)``, of an image ``(height, width, channels)``. A table ``met`` with a
        momentum makes ``met.momenta (4,)`` as well. A cloud ``jets`` makes several:
        ``jets (n_objects, n_features)``, ``jets.mask (n_objects,)``, and
        ``jets.momenta (n_objects, 4)`` and ``jets.coordinates`` if it has these.
        """
        return {
            name + suffix: shape
            for name, fitted in self.inputs.items()
            for suffix, shape in fitted.shapes.items()
        }

    def apply(
        self,
        columns: Mapping[str, NDArray[Any]],
        rows: NDArray[np.int64] | None = None,
        *,
        name_row: Callable[[int], str] = "row {}".format,
        chunk_size: int | None = None,
    ) -> dict[str, FloatArray]:
        """Return network input (see `input_shapes`) -> float32 array ``(n_events, ...)``.

        Features are computed in float64, chunk by chunk, and rounded at the end; images as in `fitted_image`.

        Parameters
        ----------
        rows
            Row numbers of `columns` to prepare; None for all.
        name_row
            How messages call a row.
        chunk_size
            Events prepared at a time, of events with many objects fewer; None: what fits into the
            processor's cache.

        Raises
        ------
        DataError
            If a feature or a pixel is NaN or infinite and the configuration refuses that.
        """
        n_events = len(next(iter(columns.values()))) if rows is None else len(rows)
        prepared: dict[str, FloatArray] = {}
        for name, fitted in self.inputs.items():
            for suffix, shape in fitted.shapes.items():
                prepared[name + suffix] = np.empty((n_events, *shape), dtype=np.float32)
            size = events_at_once(columns, fitted.columns, chunk_size or fitted.rows_at_once)
            for start in range(0, n_events, size):
                part: Any = slice(start, min(start + size, n_events))
                picked = part if rows is None else rows[part]
                made = fitted.prepare(pick_rows(columns, fitted.columns, picked))
                for suffix, values in made.items():
                    prepared[name + suffix][part] = values
                if not all(np.isfinite(values).all() for values in made.values()):
                    check_usable([fitted], columns, rows, name_row)
        return prepared

    def to_dict(self) -> dict[str, Any]:
        """Return the preparation as plain values; through JSON and `from_dict` it comes back exactly."""
        return {
            "format_version": FORMAT_VERSION,
            "objects": {name: dict(components) for name, components in self.objects.items()},
            "inputs": {name: fitted.to_dict() for name, fitted in self.inputs.items()},
            "column_dtypes": dict(self.column_dtypes),
            "column_shapes": {name: list(shape) for name, shape in self.column_shapes.items()},
            "ranges": {name: list(ends) for name, ends in self.ranges.items()},
            "units": dict(self.units),
            "collections": dict(self.collections),
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> FittedPreparation:
        """Return the preparation that `to_dict` wrote; one of a newer format is a DataError."""
        if values.get("format_version") not in READABLE_VERSIONS:
            message = (
                f"the stored preparation has format version {values.get('format_version')}, but this "
                f"version of Rapidity reads {' and '.join(map(str, READABLE_VERSIONS))}. Use the version "
                "that wrote it, or train again."
            )
            raise DataError(message)
        objects = values["objects"]
        collections = values.get("collections", {})
        return cls(
            inputs={
                name: _input_from_dict(fitted, objects, collections)
                for name, fitted in values["inputs"].items()
            },
            column_dtypes=values["column_dtypes"],
            ranges={name: (low, high) for name, (low, high) in values["ranges"].items()},
            objects=objects,
            units=values["units"],
            column_shapes={name: tuple(shape) for name, shape in values["column_shapes"].items()},
            collections=collections,
        )


def _input_from_dict(
    values: Mapping[str, Any], objects: Mapping[str, Mapping[str, str]], collections: Mapping[str, str]
) -> Fitted:
    if values["kind"] == "image":
        return FittedImage.from_dict(values)
    if values["kind"] == "cloud":
        return FittedCloud.from_dict(values, objects, collections)
    return FittedTable.from_dict(values, objects, collections)


def fit_preparation(config: Preparation, features: FeatureSet, rows: TrainRows) -> FittedPreparation:
    """Fit fills and transforms to the training split; statistics come from valid values only.

    Raises
    ------
    DataError
        If a feature is NaN or infinite and that is refused, or a transform does not fit its values.
    ConfigError
        If `preparation.columns` names something that is no feature.
    """
    check_names(config, features)
    table = SettingsTable(config)
    inputs = {
        name: _fit_input(table, name, made, features.momenta.get(name), rows)
        for name, made in features.inputs.items()
    }
    columns = {name: rows.table.columns[name] for name in features.columns}
    return FittedPreparation(
        inputs=inputs,
        column_dtypes={name: values.dtype.name for name, values in columns.items()},
        ranges=_find_ranges(inputs, features.columns, rows),
        objects=features.objects,
        units={name: unit for name, unit in rows.table.units.items() if name in features.columns},
        column_shapes={
            name: values.shape[1:]
            for name, values in columns.items()
            if not isinstance(values, Jagged) and values.ndim > 1
        },
        collections={name: features.collections[name] for name in columns if name in features.collections},
    )


def _fit_input(
    table: SettingsTable,
    name: str,
    made: tuple[Feature, ...] | ImageColumns | CloudColumns,
    momentum: TableMomentum | None,
    rows: TrainRows,
) -> Fitted:
    if isinstance(made, ImageColumns):
        return fit_image(table, name, made, rows)
    if isinstance(made, CloudColumns):
        return fit_cloud(table, name, made, rows)
    if momentum is not None:
        check_usable([FittedTable((), momentum)], rows.table.columns, rows.rows, rows.table.name_row)
    return FittedTable(tuple(fit_feature(table, name, feature, rows) for feature in made), momentum)


def _find_ranges(
    inputs: Mapping[str, Fitted], columns: Sequence[str], rows: TrainRows
) -> dict[str, tuple[float, float]]:
    sentinels: dict[str, set[float]] = {}
    for fitted in inputs.values():
        for feature in () if isinstance(fitted, FittedImage) else fitted.features:
            for column, listed in feature.sentinels.items():
                sentinels.setdefault(column, set()).update(listed)
    ranges = {}
    for column in columns:
        stored = rows.table.columns[column]
        if not isinstance(stored, Jagged) and stored.ndim > 1:
            ranges[column] = _find_pixel_range(stored, rows.rows)
            continue
        valid_range = _find_range(rows, column, list(sentinels.get(column, ())))
        if valid_range is not None:
            ranges[column] = valid_range
    return ranges


def _find_range(rows: TrainRows, column: str, sentinels: list[float]) -> tuple[float, float] | None:
    """Return smallest and largest valid value of a column, of objects over all of them; None without any."""
    low, high = math.inf, -math.inf
    for _, chunk in iterate_chunks(rows.table.columns, [column], rows.rows):
        picked = chunk[column]
        values = picked.content if isinstance(picked, Jagged) else picked
        valid = values[np.isfinite(values) & ~np.isin(values, sentinels)]
        if len(valid):
            low, high = min(low, float(valid.min())), max(high, float(valid.max()))
    return (low, high) if low <= high else None


def _find_pixel_range(values: NDArray[Any], rows: NDArray[np.int64]) -> tuple[float, float]:
    size = max(VALUES_AT_ONCE // math.prod(values.shape[1:]), 1)
    low, high = math.inf, -math.inf
    for start in range(0, len(rows), size):
        chunk = values[rows[start : start + size]]
        low, high = min(low, float(chunk.min())), max(high, float(chunk.max()))
    return low, high
