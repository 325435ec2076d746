"""The same event, by its key, in different splits of one sample."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from rapidity.core.errors import shorten
from rapidity.data.guards.finding import GuardedEvents, GuardFinding, Level
from rapidity.data.guards.groups import examples, find_shared_groups
from rapidity.data.row_hash import hash_rows

if TYPE_CHECKING:
    from collections.abc import Iterator


def find_repeated_events(events: GuardedEvents, level: Level) -> Iterator[GuardFinding]:
    """Yield a finding if a key stands in several splits of a sample, a warning if it only repeats."""
    table = events.split_table.table
    if not table.event_key:
        return
    hashes = hash_rows(
        [table.columns[name] for name in table.event_key], start=table.sample.astype(np.int64).view(np.uint64)
    )
    groups = find_shared_groups(hashes, events.split_table.codes)
    key = shorten(table.event_key)
    if groups.n_events:
        message = (
            f"{groups.n_events} of {table.n_events} events have the same key ({key}) as an event of their "
            "sample in "
            f"another split ({examples(events.split_table, groups.pairs)}). Split by the key "
            "(preparation.split.by, or by "
            "fractions, which keep events of one key together), or name the columns that make it unique."
        )
        yield GuardFinding("repeated_event", level, message)
    elif groups.n_repeated:
        message = (
            f"the key ({key}) is not unique: {groups.n_repeated} of {table.n_events} events share it with "
            "another of "
            f"their sample ({examples(events.split_table, groups.repeated)}). They are all in one split, so "
            "nothing leaks; "
            "if they are different events, add a column to data.event_key."
        )
        yield GuardFinding("repeated_event", "warn", message)
