"""Numbers such as -999 among the features that nobody has said to mean "not measured"."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rapidity.core.errors import shorten
from rapidity.core.jagged import Jagged
from rapidity.data.guards.finding import GuardedEvents, GuardFinding, Level
from rapidity.data.inspection.sentinels import find_sentinels, is_conventional
from rapidity.data.settings import SettingsTable

if TYPE_CHECKING:
    from collections.abc import Iterator

# A number that people choose for a missing value shows among fewer events already.
MAX_EVENTS = 200_000


def find_unstated_sentinels(events: GuardedEvents, level: Level) -> Iterator[GuardFinding]:
    """Yield a finding if columns hold numbers that people choose for "no value", and use them as numbers.

    Looks at the first 200,000 training events. Only numbers that nobody measures count (-999, 9999, 3e38);
    `rapidity inspect` also names values such as a spike at 0.
    """
    table = events.split_table.table
    rows = events.split_table.train.rows[:MAX_EVENTS]
    found = []
    for column, stated in _stated_sentinels(events).items():
        values = table.columns[column]
        if values.dtype.kind != "f":
            continue
        picked = values[rows]
        values, counted = (picked.content, "objects") if isinstance(picked, Jagged) else (picked, "events")
        found += [
            f"'{column}' ({sentinel.value:g} in {sentinel.count} {counted})"
            for sentinel in find_sentinels(values)
            if is_conventional(sentinel.value) and not _is_stated(sentinel.value, stated)
        ]
    if found:
        message = (
            f"{shorten(found)} of {len(rows)} training events: this looks like 'not measured', but is used "
            "as a number. List it in preparation.missing.sentinels, or turn this guard off if it is a value."
        )
        yield GuardFinding("unstated_sentinel", level, message)


def _stated_sentinels(events: GuardedEvents) -> dict[str, set[float]]:
    """Return, for each raw column that is used as a number, the sentinels that some feature knows of."""
    settings = SettingsTable(events.preparation)
    stated: dict[str, set[float]] = {}
    clouds = {name: cloud.features for name, cloud in events.features.clouds.items()}
    for input_name, features in {**events.features.tables, **clouds}.items():
        for feature in features:
            if not feature.expression.is_condition:
                for column, sentinels in settings.sentinels(input_name, feature).items():
                    stated.setdefault(column, set()).update(sentinels)
    return stated


def _is_stated(value: float, stated: set[float]) -> bool:
    # Columns are read as float32, so -999.9 is not quite what the configuration says.
    return any(abs(value - known) <= 1e-6 * abs(known) for known in stated)
