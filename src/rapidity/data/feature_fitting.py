"""Fitting one feature of a table: what stands in for missing values, and the numbers of its transforms."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from rapidity.core.errors import DataError
from rapidity.data.fitted_feature import FittedFeature
from rapidity.data.fitted_table import FittedTable
from rapidity.data.transforms import ArrayValues, FittedTransform, TransformFitError, fit_transform
from rapidity.data.unusable import check_usable

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from rapidity.config.preparation import Transform
    from rapidity.data.features import Feature
    from rapidity.data.settings import FeatureSettings, SettingsTable
    from rapidity.data.split import TrainRows
    from rapidity.data.transforms import TrainingValues


def fit_feature(table: SettingsTable, input_name: str, feature: Feature, rows: TrainRows) -> FittedFeature:
    """Return a feature of events with its fill and transforms, from valid training values alone."""
    settings = table.of_feature(input_name, feature)
    missing = settings.missing
    rule = make_rule(table, input_name, feature)
    values, is_missing = rule.screen_rows(rows.table.columns, rows.rows)
    valid = values if is_missing is None else values[~is_missing]
    if not np.isfinite(valid).all():
        check_usable([FittedTable((rule,))], rows.table.columns, rows.rows, rows.table.name_row)
    return FittedFeature(
        feature,
        rule.sentinels,
        rule.nan,
        rule.infinite,
        fill=find_fill(missing.fill, valid) if is_missing is not None else 0.0,
        has_indicator=missing.indicator and len(valid) < len(values),
        transforms=_fit_transforms(settings, valid, feature.name),
    )


def make_rule(table: SettingsTable, input_name: str, feature: Feature) -> FittedFeature:
    """Return a feature with what says where it is missing; nothing is fitted yet."""
    missing = table.of_feature(input_name, feature).missing
    sentinels = table.sentinels(input_name, feature)
    return FittedFeature(
        feature,
        {column: _as_read(listed) for column, listed in sentinels.items() if listed},
        nan=missing.nan,
        infinite=missing.infinite,
    )


def find_fill(rule: str | float, valid: NDArray[np.float64]) -> float:
    """Return what stands in for missing values: a number, or what the valid training values say."""
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
        transform = fit_step(config, ArrayValues(values), name)
        values = transform.apply(values, np)
        fitted.append(transform)
    return tuple(fitted)


def fit_step(config: Transform, values: TrainingValues, name: str) -> FittedTransform:
    """Return one transform of a feature; a DataError where the values do not allow it."""
    try:
        return fit_transform(config, values)
    except TransformFitError as error:
        message = f"feature '{name}': {error} Set it under preparation.columns, `{name}`."
        raise DataError(message) from error


def _as_read(sentinels: tuple[float, ...]) -> tuple[float, ...]:
    """Return the sentinels, and what float32 makes of each: columns may be read as float32."""
    return tuple(dict.fromkeys(value for s in sentinels for value in (s, float(np.float32(s)))))
