"""What a guard found."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Literal


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
    level: Literal["error", "warn"]
    message: str

    def to_dict(self) -> dict[str, str]:
        """Return the finding as plain values for JSON."""
        return asdict(self)
