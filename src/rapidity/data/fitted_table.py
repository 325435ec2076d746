"""One table input with everything that was fitted for its features."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from rapidity.core.jagged import Jagged
from rapidity.data.cloud_columns import make_momenta
from rapidity.data.features import TableMomentum, unique
from rapidity.data.fitted_cloud import MOMENTA
from rapidity.data.fitted_feature import FittedFeature

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from numpy.typing import NDArray

    from rapidity.core.records import FloatArray


@dataclass(frozen=True)
class FittedTable:
    """From raw columns to one row of numbers per event (a `FittedInput`).

    Attributes
    ----------
    features
        In the order of the columns of the input's array.
    momentum
        px, py, pz and energy of what the table describes, which are not scaled; or None.
    """

    features: tuple[FittedFeature, ...]
    momentum: TableMomentum | None = None
    kind: Literal["table"] = field(default="table", kw_only=True)

    rows_at_once = 8192
    """Few enough that a chunk of 50 features stays in the processor's cache."""

    @property
    def names(self) -> tuple[str, ...]:
        """Name of each number, indicators included."""
        return tuple(name for feature in self.features for name in feature.names)

    @property
    def shape(self) -> tuple[int, ...]:
        """Number of numbers."""
        return (len(self.names),)

    @property
    def number_names(self) -> dict[str, tuple[str, ...]]:
        """What follows the name of the input in that of a network input -> name of each number."""
        given = {MOMENTA: tuple(one.name for one in self.momenta)} if self.momenta else {}
        return {"": self.names, **given}

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """What follows the name of the input in that of a network input -> shape of one event."""
        return {"": self.shape, **({MOMENTA: (len(self.momenta),)} if self.momenta else {})}

    @property
    def momenta(self) -> tuple[FittedFeature, ...]:
        """The numbers of the momentum as they go into the network; NaN in them is always refused."""
        return () if self.momentum is None else tuple(map(FittedFeature, self.momentum.features))

    @property
    def columns(self) -> tuple[str, ...]:
        """Raw columns that features and momentum need, each once."""
        return unique(column for feature in (*self.features, *self.momenta) for column in feature.columns)

    def apply(self, columns: Mapping[str, NDArray[Any]]) -> FloatArray:
        """Return the features side by side, float32 ``(n_events, n_features)``, computed in float64."""
        return _compute(self.features, columns)

    def prepare(self, columns: Mapping[str, NDArray[Any]]) -> dict[str, FloatArray]:
        """Return what `apply` makes, and the momentum ``(n_events, 4)`` if there is one."""
        given = {MOMENTA: _compute(self.momenta, columns)} if self.momenta else {}
        return {"": self.apply(columns), **given}

    def find_unusable(
        self,
        columns: Mapping[str, NDArray[Any]],
        rows: NDArray[np.int64] | None,
        name_row: Callable[[int], str],
    ) -> Iterator[str]:
        """Yield each feature with NaN or infinities that do not count as missing."""
        whose = [(feature, "") for feature in self.features]
        whose += [(feature, " of the momenta, which are never filled in,") for feature in self.momenta]
        for feature, what in whose:
            values, is_missing = feature.screen_rows(columns, rows)
            refused = ~np.isfinite(values)
            if is_missing is not None:
                refused &= ~is_missing
            bad = np.flatnonzero(refused)
            if len(bad):
                first = int(bad[0])
                place = name_row(first if rows is None else int(rows[first]))
                reads_objects = any(isinstance(columns[name], Jagged) for name in feature.columns)
                is_absent = reads_objects and np.isnan(values[first])
                reason = " (as where an event has no such object)" if is_absent else ""
                yield (
                    f"'{feature.name}'{what} is {values[first]} in {len(bad)} of {len(values)} events, "
                    f"first in {place}{reason}"
                )

    def to_dict(self) -> dict[str, Any]:
        """Return the input as plain values for JSON."""
        given = {} if self.momentum is None else {"components": dict(self.momentum.components)}
        return {"kind": self.kind, "features": [feature.to_dict() for feature in self.features], **given}

    @classmethod
    def from_dict(
        cls,
        values: Mapping[str, Any],
        objects: Mapping[str, Mapping[str, str]],
        collections: Mapping[str, str] | None = None,
    ) -> FittedTable:
        """Return the input that `to_dict` wrote, with the objects and collections that it was read with."""
        momentum = None
        if "components" in values:
            components = values["components"]
            momentum = TableMomentum(components, make_momenta(components, objects, collections or {}))
        features = (FittedFeature.from_dict(feature, objects, collections) for feature in values["features"])
        return cls(tuple(features), momentum)


def _compute(features: tuple[FittedFeature, ...], columns: Mapping[str, NDArray[Any]]) -> FloatArray:
    """Return features of events side by side, float32 ``(n_events, n_features)``, computed in float64."""
    needed = unique(column for feature in features for column in feature.columns)
    exact = {name: columns[name].astype(np.float64, copy=False) for name in needed}
    with np.errstate(all="ignore"):
        values = [value for feature in features for value in feature.apply(exact)]
        return np.array(values, dtype=np.float32).T
