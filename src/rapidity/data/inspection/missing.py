"""Which columns are missing together: the correlation of their missing values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from rapidity.core.jagged import Jagged
from rapidity.data.inspection.summary import MissingTogether

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from rapidity.data.inspection.summary import ColumnSummary

MIN_CORRELATION = 0.8
"""Columns whose missing values are correlated at least like this are a group."""
_MAX_PATTERNS = 400


def find_missing_together(
    columns: Mapping[str, ColumnSummary], values: Mapping[str, NDArray[Any] | Jagged]
) -> tuple[MissingTogether, ...]:
    """Return groups of columns that are missing (NaN, empty, a sentinel) in about the same entries.

    A column joins the group of the column that it is most correlated with (Pearson's coefficient of
    "is missing", the phi coefficient), from 0.8 on; groups begin with the columns that miss most. Columns
    that miss nothing, or everything, and jagged ones are in none.
    """
    patterns: dict[bytes, tuple[list[str], NDArray[np.bool_]]] = {}
    for name, column in values.items():
        is_missing = _find_missing(columns[name], column)
        if is_missing is not None and is_missing.any() and not is_missing.all():
            patterns.setdefault(np.packbits(is_missing).tobytes(), ([], is_missing))[0].append(name)
    ordered = sorted(patterns.values(), key=lambda pattern: -int(pattern[1].sum()))[:_MAX_PATTERNS]
    if not ordered:
        return ()
    matrix = np.stack([is_missing for _, is_missing in ordered]).astype(np.float32)
    matrix -= matrix.mean(axis=1, keepdims=True)
    matrix /= np.sqrt((matrix**2).sum(axis=1, keepdims=True))
    correlation = matrix @ matrix.T
    groups: list[list[int]] = []
    for index in range(len(ordered)):
        near = max(groups, key=lambda group: correlation[group[0], index], default=None)
        if near is not None and correlation[near[0], index] >= MIN_CORRELATION:
            near.append(index)
        else:
            groups.append([index])
    found = [_describe(group, ordered, correlation[group[0], group]) for group in groups]
    return tuple(group for group in found if len(group.columns) > 1)


def _describe(
    group: list[int], patterns: list[tuple[list[str], NDArray[np.bool_]]], correlation: NDArray[Any]
) -> MissingTogether:
    names = tuple(name for index in group for name in patterns[index][0])
    together = np.logical_and.reduce([patterns[index][1] for index in group])
    return MissingTogether(names, int(together.sum()), round(float(correlation.min()), 4))


def _find_missing(summary: ColumnSummary, values: NDArray[Any] | Jagged) -> NDArray[np.bool_] | None:
    if isinstance(values, Jagged) or not (summary.n_nan or summary.sentinels):
        return None
    if values.dtype == object:
        return np.asarray(values == "", dtype=bool)
    is_missing: NDArray[np.bool_] = np.isnan(values)
    for sentinel in summary.sentinels:
        is_missing = is_missing | (values == np.asarray(sentinel.value).astype(values.dtype))
    return is_missing
