"""What a prediction leaves behind for the reader: counts, and warnings about the events."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rapidity.core.errors import shorten

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


@dataclass(frozen=True)
class PredictionSummary:
    """What was written.

    Attributes
    ----------
    n_undefined
        Events with a score that is NaN.
    n_outside
        Column -> number of events whose value lies outside the range seen in training; columns
        without any are left out.
    mean_scores
        Class -> mean score over the events with defined scores; NaN where there are none.
    """

    output: Path
    files: tuple[Path, ...]
    n_events: int
    n_undefined: int
    n_outside: Mapping[str, int]
    mean_scores: Mapping[str, float]

    def to_dict(self) -> dict[str, Any]:
        """Return the summary as plain values for JSON."""
        return {
            "output": str(self.output),
            "files": [str(path) for path in self.files],
            "n_events": self.n_events,
            "n_undefined": self.n_undefined,
            "n_outside": dict(self.n_outside),
            "mean_scores": dict(self.mean_scores),
        }

    def __str__(self) -> str:
        """Return the summary for a terminal."""
        n_files = f"{len(self.files)} file{'s' if len(self.files) != 1 else ''}"
        means = ", ".join(f"{name} {mean:.4f}" for name, mean in self.mean_scores.items())
        lines = [f"{self.n_events:,} events of {n_files} scored: {self.output}"]
        if self.n_events:
            lines.append(f"  mean scores: {means}")
        if self.n_undefined:
            lines.append(f"  warning: scores that are NaN: {self.n_undefined:,} events")
        if self.n_outside:
            ordered = sorted(self.n_outside.items(), key=lambda item: -item[1])
            listed = shorten(f"{name} ({count:,})" for name, count in ordered)
            lines.append(f"  warning: values outside the range seen in training: {listed}")
        return "\n".join(lines)
