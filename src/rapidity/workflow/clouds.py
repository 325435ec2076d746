"""How many objects the clouds of a run keep and leave out: for messages, run.json and the page."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from rapidity.core.counting import counted

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rapidity.workflow.prepare import PreparedRun


def count_objects(prepared: PreparedRun) -> dict[str, dict[str, int]]:
    """Return cloud -> its counts over all events as plain values, see `CloudCounts`."""
    columns = prepared.table.columns
    clouds = prepared.preparation.clouds
    return {name: asdict(cloud.count_lost(columns)) for name, cloud in clouds.items()}


def describe_objects(counts: Mapping[str, Any]) -> str:
    """Return the counts of one cloud in words.

    Examples
    --------
    >>> describe_objects(
    ...     {"n_kept": 20, "n_events": 50, "n_objects": 900, "n_truncated": 8, "n_lost": 30, "most": 26}
    ... )
    '900 objects in 50 events, 26 at most; 8 events have more than 20: 30 objects (3.3 %) are left out'
    """
    found = (
        f"{counted(counts['n_objects'], 'object')} in {counted(counts['n_events'], 'event')}, "
        f"{counts['most']:,} at most"
    )
    if not counts["n_lost"]:
        return f"{found}; none is left out"
    share = 100 * counts["n_lost"] / counts["n_objects"]
    have = "has" if counts["n_truncated"] == 1 else "have"
    are = "is" if counts["n_lost"] == 1 else "are"
    return (
        f"{found}; {counted(counts['n_truncated'], 'event')} {have} more than {counts['n_kept']:,}: "
        f"{counted(counts['n_lost'], 'object')} ({share:.2g} %) {are} left out"
    )


def describe_clouds(counts: Mapping[str, Mapping[str, int]]) -> list[str]:
    """Return a sentence for each cloud."""
    return [f"cloud '{name}': {describe_objects(of_cloud)}" for name, of_cloud in counts.items()]
