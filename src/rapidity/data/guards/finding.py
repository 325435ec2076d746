"""What a guard looks at, and what it found."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from rapidity.config.preparation import Preparation
    from rapidity.data.features import FeatureSet
    from rapidity.data.split import SplitTable

Level = Literal["error", "warn"]


@dataclass(frozen=True)
class GuardedEvents:
    """The events of a run before training: their splits, their features, what is to be done with them."""

    split_table: SplitTable
    features: FeatureSet
    preparation: Preparation


@dataclass(frozen=True)
class GuardFinding:
    """One thing that is suspicious about the events.

    Attributes
    ----------
    guard
        Name of the guard, as under ``data.guards``.
    message
        What was found, where, and what to do.
    """

    guard: str
    level: Level
    message: str

    def to_dict(self) -> dict[str, str]:
        """Return the finding as plain values for JSON."""
        return asdict(self)
