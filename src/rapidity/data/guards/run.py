"""Running the guards that the configuration wants."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rapidity.config.preparation import Preparation
from rapidity.core.errors import DataError
from rapidity.core.registry import Registry
from rapidity.data.guards.constant_feature import find_constant_features
from rapidity.data.guards.duplicates import find_duplicates
from rapidity.data.guards.finding import GuardedEvents
from rapidity.data.guards.repeated_event import find_repeated_events
from rapidity.data.guards.separating_feature import find_separating_features
from rapidity.data.guards.truth_like_name import find_truth_like_names
from rapidity.data.guards.unstated_sentinel import find_unstated_sentinels

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from rapidity.config.data import Guards
    from rapidity.data.features import FeatureSet
    from rapidity.data.guards.finding import GuardFinding, Level
    from rapidity.data.split import SplitTable

    Guard = Callable[[GuardedEvents, Level], Iterable[GuardFinding]]

GUARDS: Registry[Guard] = Registry(
    "guard",
    {
        "truth_like_name": find_truth_like_names,
        "constant_feature": find_constant_features,
        "unstated_sentinel": find_unstated_sentinels,
        "separating_feature": find_separating_features,
        "duplicates": find_duplicates,
        "repeated_event": find_repeated_events,
    },
)


def run_guards(
    split_table: SplitTable, features: FeatureSet, guards: Guards, preparation: Preparation | None = None
) -> list[GuardFinding]:
    """Return the warnings; whatever is an error is raised, all of it in one DataError.

    Raises
    ------
    DataError
        If a guard whose level is ``error`` finds something.
    """
    events = GuardedEvents(split_table, features, preparation or Preparation())
    findings: list[GuardFinding] = []
    for name, find in GUARDS.items():
        level = getattr(guards, name)
        if level != "off":
            findings += find(events, level)
    errors = [finding for finding in findings if finding.level == "error"]
    if errors:
        lines = "\n".join(f"  {finding.guard}: {finding.message}" for finding in errors)
        names = ", ".join(dict.fromkeys(finding.guard for finding in errors))
        count = "1 problem" if len(errors) == 1 else f"{len(errors)} problems"
        message = (
            f"{count} found in the events before training:\n{lines}\n"
            f"  If this is as it should be, set data.guards ({names}) to warn or off."
        )
        raise DataError(message)
    return findings
