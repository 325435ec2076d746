"""One feature with everything that was fitted for it, ready to be computed anywhere.

The steps are written over an array namespace: NumPy computes with them, and the exported model replays
them as ONNX nodes.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from rapidity.core.namespace import NUMPY, ArrayNamespace
from rapidity.data.features import Feature
from rapidity.data.transforms import FittedTransform, transform_from_dict, transform_to_dict
from rapidity.expressions import parse_expression

if TYPE_CHECKING:
    from collections.abc import Mapping

Policy = Literal["error", "missing"]


@dataclass(frozen=True)
class FittedFeature:
    """From raw columns to the numbers that the network sees of one feature.

    Attributes
    ----------
    sentinels
        Raw column -> numbers that mean "not measured" there.
    nan, infinite
        Whether NaN and infinities of the feature count as missing (``missing``) or are refused
        (``error``: then nothing is done about them here).
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
            Raw column -> values ``(n_events,)``, float64.
        xp
            NumPy, or a namespace of the same functions over values of its own.
        """
        value, is_missing = self.screen(columns, xp)
        if is_missing is not None:
            value = xp.where(is_missing, self.fill, value)
        for transform in self.transforms:
            value = transform.apply(value, xp)
        return [value, xp.where(is_missing, 1.0, 0.0)] if self.has_indicator else [value]

    def screen(self, columns: Mapping[str, Any], xp: ArrayNamespace = NUMPY) -> tuple[Any, Any]:
        """Return the value for each event in its own units, and where it is missing (None: nowhere)."""
        expression = self.feature.expression
        value = expression.evaluate(columns, xp)
        if expression.is_condition:
            value = xp.where(value, 1.0, 0.0)
            # A comparison with NaN is False, which would hide that nothing is known.
            for column in () if self.feature.asks_for_nan else expression.columns:
                value = xp.where(xp.isnan(columns[column]), float("nan"), value)
        tests = [
            columns[column] == sentinel
            for column in self.columns
            for sentinel in self.sentinels.get(column, ())
        ]
        if self.nan == "missing":
            tests.append(xp.isnan(value))
        if self.infinite == "missing":
            tests.append(xp.isinf(value))
        is_missing = None
        for test in tests:
            is_missing = test if is_missing is None else xp.logical_or(is_missing, test)
        return value, is_missing

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
    def from_dict(cls, values: Mapping[str, Any], objects: Mapping[str, Mapping[str, str]]) -> FittedFeature:
        """Return the feature that `to_dict` wrote."""
        return cls(
            feature=Feature(values["name"], parse_expression(values["expression"], objects)),
            sentinels={column: tuple(listed) for column, listed in values["sentinels"].items()},
            nan=values["nan"],
            infinite=values["infinite"],
            fill=values["fill"],
            has_indicator=values["indicator"],
            transforms=tuple(transform_from_dict(transform) for transform in values["transforms"]),
        )
