"""Fitting a cloud: the numbers of its features follow from the objects of training events that are kept."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np

from rapidity.core.errors import DataError
from rapidity.data.collections import events_at_once, pick_rows
from rapidity.data.feature_fitting import find_fill, fit_step, make_rule
from rapidity.data.fitted_cloud import FittedCloud, exact_columns, fit_momenta
from rapidity.data.kept_objects import keep_objects
from rapidity.data.transforms import ChunkedValues, FittedTransform
from rapidity.data.unusable import check_usable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from numpy.typing import NDArray

    from rapidity.data.clouds import CloudColumns
    from rapidity.data.features import Feature
    from rapidity.data.fitted_feature import FittedFeature
    from rapidity.data.settings import SettingsTable
    from rapidity.data.split import TrainRows

    Values = NDArray[np.float64]
    Chunks = Callable[[], Iterable[Values]]


def fit_cloud(table: SettingsTable, name: str, cloud: CloudColumns, rows: TrainRows) -> FittedCloud:
    """Return a cloud with the fills and transforms of its features.

    Raises
    ------
    DataError
        If no training event has an object, a feature, a momentum or a coordinate is NaN or infinite where
        that is refused, or a transform does not fit the values.
    """
    objects = _TrainingObjects(cloud, rows)
    if not objects.has_any:
        _refuse_empty(name, cloud)
    coordinates = (_fit(table, name, feature, objects, is_scaled=False) for feature in cloud.coordinates)
    fitted = FittedCloud(
        cloud,
        features=tuple(_fit(table, name, feature, objects) for feature in cloud.features),
        momenta=fit_momenta(cloud),
        coordinates=tuple(coordinates),
    )
    if fitted.momenta:
        check_usable(
            [replace(fitted, features=(), coordinates=())], rows.table.columns, rows.rows, rows.table.name_row
        )
    return fitted


def _refuse_empty(name: str, cloud: CloudColumns) -> NoReturn:
    which, cure = "", "Name other columns"
    if cloud.selection is not None:
        which = f" that fulfils its selection '{cloud.selection.text}'"
        cure = "Correct the selection (are its units those of the file?)"
    message = (
        f"inputs.{name}: no event of the training split has an object{which}, so there is nothing to learn "
        f"from this cloud. {cure}, or leave the input out."
    )
    raise DataError(message)


def _fit(
    table: SettingsTable, name: str, feature: Feature, objects: _TrainingObjects, *, is_scaled: bool = True
) -> FittedFeature:
    settings = table.of_feature(name, feature)
    rule = make_rule(table, name, feature)
    chunks, n_missing = objects.read(rule)
    # The median needs all values at once.
    fill = 0.0 if n_missing is None else find_fill(settings.missing.fill, np.concatenate(list(chunks())))
    transforms: tuple[FittedTransform, ...] = ()
    for config in settings.steps if is_scaled else ():
        values = ChunkedValues(partial(_transform, chunks, transforms))
        transforms = (*transforms, fit_step(config, values, feature.name))
    has_indicator = is_scaled and settings.missing.indicator and bool(n_missing)
    return replace(rule, fill=fill, has_indicator=has_indicator, transforms=transforms)


def _transform(chunks: Chunks, transforms: tuple[FittedTransform, ...]) -> Iterator[Values]:
    for values in chunks():
        for transform in transforms:
            values = transform.apply(values, np)  # noqa: PLW2901 - the values on their way
        yield values


class _TrainingObjects:
    """The objects of the training split that a cloud keeps, feature by feature.

    Where the columns lie on disk the values of a feature are computed anew for each look at them; else they
    are together in memory once.
    """

    def __init__(self, cloud: CloudColumns, rows: TrainRows) -> None:
        self.cloud, self.rows = cloud, rows
        spool = rows.table.spool
        self._is_on_disk = spool is not None and spool.is_on_disk
        size = events_at_once(rows.table.columns, cloud.columns)
        self._parts = [rows.rows[start : start + size] for start in range(0, rows.n_events, size)]
        self._places = None if self._is_on_disk else [self._keep(part) for part in self._parts]

    @property
    def has_any(self) -> bool:
        """Whether any event has an object that is kept."""
        places = map(self._keep, self._parts) if self._places is None else self._places
        return any(len(one) for one in places)

    def read(self, rule: FittedFeature) -> tuple[Chunks, int | None]:
        """Return the valid values of a feature in chunks, and how many are missing; None: none can be.

        Values that are refused are a DataError.
        """
        found: list[Values] = []
        n_missing: int | None = None
        for number in range(len(self._parts)):
            values, n = self._read_part(rule, number)
            n_missing = n if n is None else n + (n_missing or 0)
            if not np.isfinite(values).all():
                self._refuse(rule)
            if not self._is_on_disk:
                found.append(values)
        if not self._is_on_disk:
            return lambda: found, n_missing
        return lambda: (self._read_part(rule, number)[0] for number in range(len(self._parts))), n_missing

    def _read_part(self, rule: FittedFeature, number: int) -> tuple[Values, int | None]:
        part = self._parts[number]
        places = self._keep(part) if self._places is None else self._places[number]
        values, is_missing = rule.screen_at(self._exact(rule.columns, part), places)
        if is_missing is None:
            return values, None
        return values[~is_missing], int(np.count_nonzero(is_missing))

    def _keep(self, part: NDArray[np.int64]) -> NDArray[np.int64]:
        return keep_objects(self.cloud, self._exact(self.cloud.columns, part)).places

    def _exact(self, names: tuple[str, ...], part: NDArray[np.int64]) -> dict[str, Any]:
        return exact_columns(pick_rows(self.rows.table.columns, names, part), names)

    def _refuse(self, rule: FittedFeature) -> None:
        table = self.rows.table
        check_usable([FittedCloud(self.cloud, (rule,))], table.columns, self.rows.rows, table.name_row)
