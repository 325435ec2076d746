"""Exactly equal events in different splits: the network is then tested on what it was trained on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np

from rapidity.data.guards.finding import GuardFinding
from rapidity.data.guards.groups import examples, find_shared_groups
from rapidity.data.row_hash import hash_rows

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rapidity.data.features import FeatureSet
    from rapidity.data.split import SplitTable


def find_duplicates(
    split_table: SplitTable, features: FeatureSet, level: Literal["error", "warn"]
) -> Iterator[GuardFinding]:
    """Yield a finding if events of one class and equal features stand in different splits.

    Equal means equal in every raw column that the features need, as read: NaN equals NaN. Equal events of
    different classes are no leak, since one of them speaks against the other.
    """
    table = split_table.table
    columns = [table.columns[name] for name in features.columns]
    hashes = hash_rows(columns, start=table.class_index.view(np.uint64))
    groups = find_shared_groups(hashes, split_table.codes)
    if not groups.n_events:
        return
    message = (
        f"{groups.n_events} of {table.n_events} events equal, in class and in all {len(columns)} columns of "
        "the "
        f"features, an event of another split ({examples(split_table, groups.pairs)}). "
        "Set data.drop_duplicates: true, or keep such events in one split (data.event_key, "
        "preparation.split.by)."
    )
    yield GuardFinding("duplicates", level, message)
