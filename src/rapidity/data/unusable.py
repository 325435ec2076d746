"""The error about features that are NaN or infinite where the configuration refuses that."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from rapidity.core.errors import DataError, shorten

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray

    from rapidity.data.fitted_feature import FittedFeature


def check_usable(
    features: Sequence[FittedFeature],
    columns: Mapping[str, NDArray[Any]],
    rows: NDArray[np.int64] | None,
    name_row: Callable[[int], str],
) -> None:
    """Raise one DataError that names every feature with NaN or infinities that do not count as missing."""
    problems = []
    for feature in features:
        picked = {
            name: (columns[name] if rows is None else columns[name][rows]).astype(np.float64)
            for name in feature.columns
        }
        with np.errstate(all="ignore"):
            values, is_missing = feature.screen(picked)
        refused = ~np.isfinite(values)
        if is_missing is not None:
            refused &= ~is_missing
        bad = np.flatnonzero(refused)
        if len(bad):
            first = int(bad[0])
            place = name_row(first if rows is None else int(rows[first]))
            problems.append(
                f"'{feature.name}' is {values[first]} in {len(bad)} of {len(values)} events, first in {place}"
            )
    if problems:
        message = (
            f"features that are not numbers everywhere:\n  {shorten(problems)}.\n"
            "  To fill such values in, set `nan: missing` or `infinite: missing` under preparation.missing "
            "(or for one "
            "feature under preparation.columns); to leave such events out, use data.selection."
        )
        raise DataError(message)
