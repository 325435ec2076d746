"""The summary of each column: counts, range, sentinels, histogram."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from rapidity.core.jagged import Jagged
from rapidity.data.inspection.histogram import make_histogram
from rapidity.data.inspection.sentinels import find_among
from rapidity.data.inspection.summary import ColumnSummary, ObjectCounts

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from rapidity.data.inspection.arrays import ArraySummary
    from rapidity.data.readers import ColumnInfo

_MAX_VALUES_SHOWN = 10
_FEW_VALUES = 5


def summarise_column(info: ColumnInfo, values: NDArray[Any] | Jagged | ArraySummary | None) -> ColumnSummary:
    """Return the summary of a column; of one that was not read only what the file says."""
    described: dict[str, Any] = {
        "name": info.name, "kind": info.kind, "type_name": info.type_name, "unit": info.unit,
        "shape": info.shape, "collection": info.collection,
    }  # fmt: skip
    if values is None:
        return ColumnSummary(**described)
    if isinstance(values, Jagged):
        objects = count_objects(values.counts)
        return ColumnSummary(**described, **_summarise_numbers(values.content), objects=objects)
    if not isinstance(values, np.ndarray):
        return ColumnSummary(**described, **values.to_fields())
    summarise = _summarise_text if values.dtype == object else _summarise_numbers
    return ColumnSummary(**described, **summarise(values))


def count_objects(counts: NDArray[np.int64]) -> ObjectCounts:
    """Return the range of a number of objects per event ``(n_events,)``; of no events all is 0."""
    if not len(counts):
        return ObjectCounts(0, 0.0, 0, 0)
    return ObjectCounts(int(counts.min()), float(counts.mean()), int(counts.max()), int((counts == 0).sum()))


def _summarise_text(values: NDArray[Any]) -> dict[str, Any]:
    present = values[values != ""].astype(str)
    distinct, counts = np.unique(present, return_counts=True)
    return {
        "n_values": len(present),
        "n_nan": len(values) - len(present),
        "n_unique": len(distinct),
        "most_frequent": _most_frequent(distinct, counts),
    }


def _summarise_numbers(values: NDArray[Any]) -> dict[str, Any]:
    is_nan = np.isnan(values)
    is_finite = np.isfinite(values)
    finite = values if is_finite.all() else values[is_finite]
    distinct, counts = np.unique(finite, return_counts=True)
    is_category = len(distinct) <= _FEW_VALUES and len(finite) >= 4 * len(distinct)
    sentinels = find_among(distinct, counts)
    is_ordinary = ~np.isin(distinct, [sentinel.value for sentinel in sentinels])
    return {
        "n_values": int((~is_nan).sum()),
        "n_nan": int(is_nan.sum()),
        "n_inf": int((~is_finite & ~is_nan).sum()),
        "minimum": distinct[0].item() if len(distinct) else None,
        "maximum": distinct[-1].item() if len(distinct) else None,
        "mean": float(finite.mean(dtype=np.float64)) if len(finite) else None,
        "n_unique": len(distinct),
        "sentinels": sentinels,
        "most_frequent": _most_frequent(distinct, counts) if is_category else (),
        "histogram": make_histogram(distinct[is_ordinary], counts[is_ordinary]),
    }


def _most_frequent(distinct: NDArray[Any], counts: NDArray[np.int64]) -> tuple[tuple[str, int], ...]:
    order = np.argsort(-counts, kind="stable")[:_MAX_VALUES_SHOWN]
    return tuple((name_value(distinct[index].item()), int(counts[index])) for index in order)


def name_value(value: object) -> str:
    """Return a value as text: numbers without trailing zeros."""
    return f"{value:g}" if isinstance(value, float) else str(value)
