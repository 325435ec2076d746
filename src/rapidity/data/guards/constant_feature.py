"""Features that have the same value in every event: the network can learn nothing from them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from rapidity.core.errors import shorten
from rapidity.data.features import Feature, evaluate_feature, evaluate_object_feature
from rapidity.data.guards.finding import GuardedEvents, GuardFinding, Level

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rapidity.data.table import Table


def find_constant_features(events: GuardedEvents, level: Level) -> Iterator[GuardFinding]:
    """Yield a finding if a feature is the same in all events, NaN in all of them included.

    Or a feature of objects in all objects of all events.
    """
    table = events.split_table.table
    constant = [
        f"'{feature.name}' (always {value:g})"
        for feature in events.features.all
        if (value := _constant_value(feature, table)) is not None
    ]
    constant += [
        f"'{feature.name}' (always {value:g}, in every object)"
        for feature in events.features.of_objects
        if (value := _constant_value_of_objects(feature, table)) is not None
    ]
    if constant:
        message = (
            f"{shorten(constant)} never changes over {table.n_events} events. "
            "Remove it from the inputs (`exclude`), or check whether it was filled."
        )
        yield GuardFinding("constant_feature", level, message)


def _constant_value(feature: Feature, table: Table) -> float | None:
    # Most features differ among the first events already.
    for rows in (slice(1000), slice(None)):
        values = evaluate_feature(feature, table.columns, rows)
        is_constant = np.array_equal(values, np.full_like(values, values[0]), equal_nan=True)
        if not is_constant:
            return None
    return float(values[0])


def _constant_value_of_objects(feature: Feature, table: Table) -> float | None:
    for rows in (slice(1000), slice(None)):
        values = evaluate_object_feature(feature, table.columns, rows).content
        if len(values) and not np.array_equal(values, np.full_like(values, values[0]), equal_nan=True):
            return None
    return float(values[0]) if len(values) else None
