"""Exactly equal events in different splits: the network is then tested on what it was trained on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from rapidity.data.guards.finding import GuardedEvents, GuardFinding, Level
from rapidity.data.guards.groups import examples, find_shared_groups
from rapidity.data.row_hash import find_empty, hash_rows, mix

if TYPE_CHECKING:
    from collections.abc import Iterator


def find_duplicates(events: GuardedEvents, level: Level) -> Iterator[GuardFinding]:
    """Yield a finding if events of one class and equal features stand in different splits.

    Equal means equal in every raw column that the inputs need, as read: NaN equals NaN, and of an image every
    pixel is compared. Equal events of different classes, or of different targets of other outputs, are no
    leak, since one of them speaks against the other; nor are events without any object, of inputs that know
    nothing but objects.
    """
    table = events.split_table.table
    columns = [table.columns[name] for name in events.features.columns]
    hashes = hash_rows([*columns, *table.targets.values()], start=table.class_index.view(np.uint64))
    is_empty = find_empty(columns, table.n_events)
    # Different numbers have different hashes: each is then an event of its own.
    hashes[is_empty] = mix(np.flatnonzero(is_empty).astype(np.uint64))
    groups = find_shared_groups(hashes, events.split_table.codes)
    if not groups.n_events:
        return
    compared = "the only column" if len(columns) == 1 else f"all {len(columns)} columns"
    truth = "class, in the targets" if table.targets else "class"
    message = (
        f"{groups.n_events} of {table.n_events} events equal, in {truth} and in {compared} "
        f"of the inputs, an event of another split ({examples(events.split_table, groups.pairs)}). "
        "Set data.drop_duplicates: true, or keep such events in one split (data.event_key, "
        "preparation.split.by)."
    )
    yield GuardFinding("duplicates", level, message)
