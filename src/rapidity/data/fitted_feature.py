"""One feature with everything that was fitted for it, ready to be computed anywhere.

The steps are written over an array namespace: NumPy computes with them, and the exported model replays
them as ONNX nodes.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from rapidity.core.jagged import Jagged, PaddedObjects
from rapidity.core.namespace import NUMPY, ArrayNamespace
from rapidity.data.collections import iterate_chunks
from rapidity.data.features import Feature
from rapidity.data.transforms import FittedTransform, transform_from_dict, transform_to_dict
from rapidity.expressions import parse_expression

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

Policy = Literal["error", "missing"]


@dataclass(frozen=True)
class FittedFeature:
    """From raw columns to the numbers that the network sees of one feature, of events or of objects.

    Attributes
    ----------
    sentinels
        Raw column -> numbers that mean "not measured" there. Where a plain column holds one, the feature is
        missing. In a column of objects it becomes NaN before anything is computed, and the feature is
        missing where that makes it NaN.
    nan, infinite
        Whether NaN and infinities of the feature count as missing (``missing``) or are refused
        (``error``: then nothing is done about them here). NaN is also what an object gives that an event
        does not have (``jet_pt[3]``).
    fill
        Stands in for a missing value, in the units of the feature before the transforms.
    has_indicator
        Whether a second number says if the value is missing (1) or not (0).
    transforms
        Applied in this order after the fill.
    """

    feature: Feature
    sentinels: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    nan: Policy = "error"
    infinite: Policy = "error"
    fill: float = 0.0
    has_indicator: bool = False
    transforms: tuple[FittedTransform, ...] = ()

    @property
    def name(self) -> str:
        """Name of the feature."""
        return self.feature.name

    @property
    def names(self) -> tuple[str, ...]:
        """Name of each number that it gives."""
        return (self.name, f"missing({self.name})") if self.has_indicator else (self.name,)

    @property
    def columns(self) -> tuple[str, ...]:
        """Raw columns that it needs."""
        return self.feature.columns

    def apply(self, columns: Mapping[str, Any], xp: ArrayNamespace = NUMPY) -> list[Any]:
        """Return the value for each event ``(n_events,)``, and the indicator if there is one.

        Parameters
        ----------
        columns
            Raw column -> values ``(n_events,)``, float64; of a collection `Jagged`, or `PaddedObjects` in
            other namespaces than NumPy.
        xp
            NumPy, or a namespace of the same functions over values of its own.
        """
        value, *indicator = self.complete(*self.screen(columns, xp), xp)
        return [self.transform(value, xp), *indicator]

    def apply_to(self, columns: Mapping[str, Any], places: NDArray[np.int64]) -> list[Any]:
        """Return the value of some objects, and the indicator; `places` says where they stand end to end."""
        with np.errstate(all="ignore"):
            value, *indicator = self.complete(*self.screen_at(columns, places))
            return [self.transform(value), *indicator]

    def complete(self, value: Any, is_missing: Any, xp: ArrayNamespace = NUMPY) -> list[Any]:
        """Return what `screen` found with missing values filled in, and the indicator if there is one."""
        if is_missing is not None:
            value = xp.where(is_missing, self.fill, value)
        return [value, xp.where(is_missing, 1.0, 0.0)] if self.has_indicator else [value]

    def transform(self, value: Any, xp: ArrayNamespace = NUMPY) -> Any:
        """Return completed values after the transforms."""
        for transform in self.transforms:
            value = transform.apply(value, xp)
        return value

    def screen(self, columns: Mapping[str, Any], xp: ArrayNamespace = NUMPY) -> tuple[Any, Any]:
        """Return the value for each event in its own units, and where it is missing (None: nowhere).

        Of a feature of objects, for each object: end to end with NumPy, else as in `PaddedObjects`.
        """
        expression = self.feature.expression
        plain = [name for name in self.columns if not isinstance(columns[name], Jagged | PaddedObjects)]
        given = {name: columns[name] for name in plain}
        for name in self.columns:
            if name not in given:
                given[name] = _blank_objects(columns[name], self.sentinels.get(name, ()), xp)
        evaluated = expression.evaluate(given, xp)
        value = _lay_beside(evaluated, evaluated, xp)
        if expression.is_condition:
            value = xp.where(value, 1.0, 0.0)
            # A comparison with NaN is False, which would hide that nothing is known. Of the objects that an
            # event is judged by it is just what is meant: one that is not there, or not measured, does not
            # pass a cut.
            known = plain if expression.collection is None else self.columns
            for column in () if self.feature.asks_for_nan else known:
                beside = _lay_beside(given[column], evaluated, xp)
                value = xp.where(xp.isnan(beside), float("nan"), value)
        laid = {name: _lay_beside(columns[name], evaluated, xp) for name in plain if self.sentinels.get(name)}
        tests = [values == sentinel for name, values in laid.items() for sentinel in self.sentinels[name]]
        has_blanked = any(self.sentinels.get(name) for name in self.columns if name not in plain)
        if self.nan == "missing" or has_blanked:
            tests.append(xp.isnan(value))
        if self.infinite == "missing":
            tests.append(xp.isinf(value))
        is_missing = None
        for test in tests:
            is_missing = test if is_missing is None else xp.logical_or(is_missing, test)
        return value, is_missing

    def screen_at(
        self, columns: Mapping[str, Any], places: NDArray[np.int64]
    ) -> tuple[NDArray[np.float64], NDArray[np.bool_] | None]:
        """Return `screen` of some objects; `places` says where they stand end to end."""
        with np.errstate(all="ignore"):
            value, is_missing = self.screen(columns)
        return value[places], None if is_missing is None else is_missing[places]

    def screen_rows(
        self, columns: Mapping[str, Any], rows: Any = None
    ) -> tuple[NDArray[np.float64], NDArray[np.bool_] | None]:
        """Return `screen` of some rows of raw columns in the types of a table, computed chunk by chunk.

        Parameters
        ----------
        rows
            Row numbers, a mask or a slice; None for all.
        """
        values, missing = [np.empty(0)], []
        for _, chunk in iterate_chunks(columns, self.columns, rows):
            exact = {name: column.astype(np.float64, copy=False) for name, column in chunk.items()}
            with np.errstate(all="ignore"):
                value, is_missing = self.screen(exact)
            values.append(value)
            if is_missing is not None:
                missing.append(is_missing)
        return np.concatenate(values), np.concatenate(missing) if missing else None

    def to_dict(self) -> dict[str, Any]:
        """Return the feature as plain values for JSON."""
        return {
            "name": self.name,
            "expression": self.feature.expression.text,
            "sentinels": {column: list(values) for column, values in self.sentinels.items()},
            "nan": self.nan,
            "infinite": self.infinite,
            "fill": self.fill,
            "indicator": self.has_indicator,
            "transforms": [transform_to_dict(transform) for transform in self.transforms],
        }

    @classmethod
    def from_dict(
        cls,
        values: Mapping[str, Any],
        objects: Mapping[str, Mapping[str, str]],
        collections: Mapping[str, str] | None = None,
    ) -> FittedFeature:
        """Return the feature that `to_dict` wrote, with the objects and collections that it was read with."""
        return cls(
            feature=Feature(values["name"], parse_expression(values["expression"], objects, collections)),
            sentinels={column: tuple(listed) for column, listed in values["sentinels"].items()},
            nan=values["nan"],
            infinite=values["infinite"],
            fill=values["fill"],
            has_indicator=values["indicator"],
            transforms=tuple(transform_from_dict(transform) for transform in values["transforms"]),
        )


def _lay_beside(values: Any, evaluated: Any, xp: ArrayNamespace) -> Any:
    """Return the values of a column beside those of an expression: of an event repeated for its objects."""
    if isinstance(values, Jagged):
        return values.content
    if isinstance(values, PaddedObjects):
        return values.values
    if isinstance(evaluated, Jagged):
        return np.repeat(values, evaluated.counts)
    if isinstance(evaluated, PaddedObjects):
        namespace: Any = xp
        return namespace.expand(values)
    return values


def _blank_objects(
    objects: Jagged | PaddedObjects, sentinels: tuple[float, ...], xp: ArrayNamespace
) -> Jagged | PaddedObjects:
    """Return a column of objects with NaN in place of the sentinels."""
    if isinstance(objects, Jagged):
        is_sentinel = np.isin(objects.content, sentinels) if sentinels else np.zeros(0, np.bool_)
        if not is_sentinel.any():
            return objects
        return Jagged(np.where(is_sentinel, np.nan, objects.content), objects.offsets)
    values = objects.values
    for sentinel in sentinels:
        values = xp.where(objects.values == sentinel, float("nan"), values)
    return PaddedObjects(values, objects.is_object, objects.collection)
