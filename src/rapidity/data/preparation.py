"""From raw columns to the numbers that the network sees: fitted to the training split, then fixed.

The event weight does not enter the fit. Scaling only brings the features to a size that suits the
optimiser, for which the plain training events count; signed weights could give negative variances; and
a scaler that ignores them stays the same when a weight is corrected.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from rapidity.core.errors import DataError
from rapidity.data.fitted_feature import FittedFeature
from rapidity.data.settings import FeatureSettings, SettingsTable, check_names
from rapidity.data.transforms import FittedTransform, TransformFitError, fit_transform
from rapidity.data.unusable import check_usable

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray

    from rapidity.config.preparation import Preparation
    from rapidity.core.records import FloatArray
    from rapidity.data.features import Feature, FeatureSet
    from rapidity.data.split import TrainRows

FORMAT_VERSION = 1

# Rows prepared at a time: few enough that a chunk of 50 features stays in the processor's cache.
CHUNK_SIZE = 8192


@dataclass(frozen=True)
class FittedPreparation:
    """What every event goes through before the network.

    Attributes
    ----------
    inputs
        Input name -> its features, in the order of the columns of the input's array.
    column_dtypes
        Raw column -> dtype that the preparation was fitted with: float32, float64 or int64.
    ranges
        Raw column -> smallest and largest value in training, missing ones left out.
    objects
        Names for expressions, as in ``data.objects``.
    units
        Raw column -> unit, where the data file states one.
    """

    inputs: Mapping[str, tuple[FittedFeature, ...]]
    column_dtypes: Mapping[str, str]
    ranges: Mapping[str, tuple[float, float]]
    objects: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    units: Mapping[str, str] = field(default_factory=dict)

    @property
    def columns(self) -> tuple[str, ...]:
        """Raw columns that are needed."""
        return tuple(self.column_dtypes)

    def feature_names(self, input_name: str) -> tuple[str, ...]:
        """Return the name of each column of an input's array, indicators included."""
        return tuple(name for feature in self.inputs[input_name] for name in feature.names)

    def input_shapes(self) -> dict[str, tuple[int, ...]]:
        """Return input name -> shape of one event."""
        return {name: (len(self.feature_names(name)),) for name in self.inputs}

    def apply(
        self,
        columns: Mapping[str, NDArray[Any]],
        rows: NDArray[np.int64] | None = None,
        *,
        name_row: Callable[[int], str] = "row {}".format,
        chunk_size: int = CHUNK_SIZE,
    ) -> dict[str, FloatArray]:
        """Return input name -> float32 array ``(n_events, n_features)``.

        Computed in float64, chunk by chunk, and rounded at the end.

        Parameters
        ----------
        rows
            Row numbers of `columns` to prepare; None for all.
        name_row
            How messages call a row.

        Raises
        ------
        DataError
            If a feature is NaN or infinite and the configuration refuses that.
        """
        n_events = len(next(iter(columns.values()))) if rows is None else len(rows)
        prepared = {
            name: np.empty((n_events, *shape), dtype=np.float32)
            for name, shape in self.input_shapes().items()
        }
        for start in range(0, n_events, chunk_size):
            part: Any = slice(start, min(start + chunk_size, n_events))
            chunk = {
                name: _exact(columns[name], part if rows is None else rows[part]) for name in self.columns
            }
            for name, features in self.inputs.items():
                values = _stack(features, chunk)
                prepared[name][part] = values
                if not np.isfinite(values).all():
                    check_usable(features, columns, rows, name_row)
        return prepared

    def to_dict(self) -> dict[str, Any]:
        """Return the preparation as plain values; through JSON and `from_dict` it comes back exactly."""
        return {
            "format_version": FORMAT_VERSION,
            "objects": {name: dict(components) for name, components in self.objects.items()},
            "inputs": {
                name: [feature.to_dict() for feature in features] for name, features in self.inputs.items()
            },
            "column_dtypes": dict(self.column_dtypes),
            "ranges": {name: list(ends) for name, ends in self.ranges.items()},
            "units": dict(self.units),
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> FittedPreparation:
        """Return the preparation that `to_dict` wrote; one of a newer format is a DataError."""
        if values.get("format_version") != FORMAT_VERSION:
            message = (
                f"the stored preparation has format version {values.get('format_version')}, but this "
                "version of "
                f"Rapidity reads {FORMAT_VERSION}. Use the version that wrote it, or train again."
            )
            raise DataError(message)
        objects = values["objects"]
        return cls(
            inputs={
                name: tuple(FittedFeature.from_dict(feature, objects) for feature in features)
                for name, features in values["inputs"].items()
            },
            column_dtypes=values["column_dtypes"],
            ranges={name: (low, high) for name, (low, high) in values["ranges"].items()},
            objects=objects,
            units=values["units"],
        )


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
        name: tuple(_fit_feature(table, name, feature, rows) for feature in listed)
        for name, listed in features.inputs.items()
    }
    return FittedPreparation(
        inputs=inputs,
        column_dtypes={name: rows.table.columns[name].dtype.name for name in features.columns},
        ranges=_find_ranges(inputs, features.columns, rows),
        objects=features.objects,
        units={name: unit for name, unit in rows.table.units.items() if name in features.columns},
    )


def _fit_feature(table: SettingsTable, input_name: str, feature: Feature, rows: TrainRows) -> FittedFeature:
    settings = table.of_feature(input_name, feature)
    missing = settings.missing
    sentinels = table.sentinels(input_name, feature)
    rule = FittedFeature(
        feature,
        {column: _as_read(listed) for column, listed in sentinels.items() if listed},
        nan=missing.nan,
        infinite=missing.infinite,
    )
    columns = {name: _exact(rows.table.columns[name], rows.rows) for name in feature.columns}
    with np.errstate(all="ignore"):
        values, is_missing = rule.screen(columns)
    valid = values if is_missing is None else values[~is_missing]
    if not np.isfinite(valid).all():
        check_usable([rule], rows.table.columns, rows.rows, rows.table.name_row)
    return FittedFeature(
        feature,
        rule.sentinels,
        rule.nan,
        rule.infinite,
        fill=_find_fill(missing.fill, valid) if is_missing is not None else 0.0,
        has_indicator=missing.indicator and len(valid) < len(values),
        transforms=_fit_transforms(settings, valid, feature.name),
    )


def _find_fill(rule: str | float, valid: NDArray[np.float64]) -> float:
    if isinstance(rule, float | int):
        return float(rule)
    if rule == "zero" or not len(valid):
        return 0.0
    return float(valid.mean() if rule == "mean" else np.median(valid))


def _fit_transforms(
    settings: FeatureSettings, values: NDArray[np.float64], name: str
) -> tuple[FittedTransform, ...]:
    fitted = []
    for config in settings.steps:
        try:
            transform = fit_transform(config, values)
        except TransformFitError as error:
            message = f"feature '{name}': {error} Set it under preparation.columns, `{name}`."
            raise DataError(message) from error
        values = transform.apply(values, np)
        fitted.append(transform)
    return tuple(fitted)


def _find_ranges(
    inputs: Mapping[str, Sequence[FittedFeature]], columns: Sequence[str], rows: TrainRows
) -> dict[str, tuple[float, float]]:
    sentinels: dict[str, set[float]] = {}
    for features in inputs.values():
        for feature in features:
            for column, listed in feature.sentinels.items():
                sentinels.setdefault(column, set()).update(listed)
    ranges = {}
    for column in columns:
        values = rows.column(column)
        valid = values[np.isfinite(values) & ~np.isin(values, list(sentinels.get(column, ())))]
        if len(valid):
            ranges[column] = (float(valid.min()), float(valid.max()))
    return ranges


def _as_read(sentinels: tuple[float, ...]) -> tuple[float, ...]:
    """Return the sentinels, and what float32 makes of each: columns may be read as float32."""
    return tuple(dict.fromkeys(value for s in sentinels for value in (s, float(np.float32(s)))))


def _exact(values: NDArray[Any], rows: Any) -> NDArray[np.float64]:
    exact: NDArray[np.float64] = values[rows].astype(np.float64, copy=False)
    return exact


def _stack(features: Sequence[FittedFeature], columns: Mapping[str, NDArray[np.float64]]) -> FloatArray:
    """Return the numbers of some features side by side, float32 ``(n_events, n_features)``."""
    with np.errstate(all="ignore"):
        values = [value for feature in features for value in feature.apply(columns)]
        return np.array(values, dtype=np.float32).T
