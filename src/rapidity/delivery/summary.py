"""What a prediction leaves behind for the reader: counts, warnings about the events, what to do next."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from rapidity.core.counting import counted
from rapidity.core.errors import shorten

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from rapidity.delivery.tally import Counts


@dataclass(frozen=True)
class PredictionSummary:
    """What was written.

    Attributes
    ----------
    output
        The table, or the folder or file that was asked for.
    files
        What was scored.
    outputs
        What was written or found: one table, or one file for each of `files`.
    n_undefined
        Events with a score that is NaN.
    n_outside
        Column -> number of events, of those that pass where that was evaluated, whose value lies outside the
        range seen in training; columns without any are left out.
    mean_scores
        Class -> mean score over the events with defined scores, NaN where there are none; likewise the
        mean of each prediction.
    n_passing
        Events that fulfil the selection of the model; None where it was not evaluated.
    n_kept_files, n_kept_events
        Files, and events in them, whose scores were there already and fit; the other counts are without them.
    usage
        How the scores are used in ROOT, for a terminal; empty where they are in no ROOT file.
    is_verification
        Whether nothing was to be written.
    notes
        What else should be known of these scores.
    n_jumps
        Events among those scored again whose scores came out otherwise, as a few may of a network that is not
        continuous.
    """

    output: Path
    files: tuple[Path, ...]
    n_events: int
    n_undefined: int
    n_outside: Mapping[str, int]
    mean_scores: Mapping[str, float]
    outputs: tuple[Path, ...] = ()
    n_passing: int | None = None
    n_kept_files: int = 0
    n_kept_events: int = 0
    usage: str = field(default="", repr=False)
    is_verification: bool = False
    notes: tuple[str, ...] = ()
    n_jumps: int = 0

    @classmethod
    def of_table(
        cls, output: Path, files: tuple[Path, ...], classes: tuple[str, ...], counts: Counts
    ) -> PredictionSummary:
        """Return the summary of one table of all files."""
        return cls(
            output,
            files,
            counts.n_events,
            counts.n_undefined,
            counts.n_outside,
            mean_scores(classes, counts),
            (output,),
            counts.n_passing,
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the summary as plain values for JSON."""
        return {
            "output": str(self.output),
            "outputs": [str(path) for path in self.outputs],
            "files": [str(path) for path in self.files],
            "n_events": self.n_events,
            "n_passing": self.n_passing,
            "n_undefined": self.n_undefined,
            "n_outside": dict(self.n_outside),
            "mean_scores": dict(self.mean_scores),
            "n_kept_files": self.n_kept_files,
            "n_kept_events": self.n_kept_events,
            "n_jumps": self.n_jumps,
            "notes": list(self.notes),
        }

    def __str__(self) -> str:
        """Return the summary for a terminal."""
        kept = f"{counted(self.n_kept_events, 'event')} of {counted(self.n_kept_files, 'file')}"
        if self.is_verification:
            text = f"{kept} verified: their scores belong to them and to the model: {self.output}"
            return "\n".join([text, *self._jumps()])
        n_scored = len(self.files) - self.n_kept_files
        lines = [f"{counted(self.n_events, 'event')} of {counted(n_scored, 'file')} scored: {self.output}"]
        if self.n_kept_files:
            lines += [f"  scored before, verified and kept: {kept}", *self._jumps()]
        if self.n_events and self.mean_scores:
            means = ", ".join(f"{name} {mean:.4f}" for name, mean in self.mean_scores.items())
            lines.append(f"  mean scores: {means}")
        if self.n_passing is not None:
            lines.append(f"  passing the selection of the model: {self.n_passing:,}")
        lines += self._warnings()
        return "\n".join([*lines, *([self.usage] if self.usage else [])])

    def _jumps(self) -> list[str]:
        if not self.n_jumps:
            return []
        found = counted(self.n_jumps, "event")
        return [f"  other scores where neighbours in the network change by rounding: {found}"]

    def _warnings(self) -> list[str]:
        lines = [f"  warning: {note}." for note in self.notes]
        if self.n_undefined:
            lines.append(f"  warning: scores that are NaN: {counted(self.n_undefined, 'event')}")
        if self.n_outside:
            ordered = sorted(self.n_outside.items(), key=lambda item: -item[1])
            listed = shorten(f"{name} ({count:,})" for name, count in ordered)
            lines.append(f"  warning: values outside the range seen in training: {listed}")
        return lines


def mean_scores(classes: tuple[str, ...], counts: Counts) -> dict[str, float]:
    """Return class -> mean score over the events whose scores are defined; NaN where there are none."""
    n_defined = counts.n_events - counts.n_undefined
    if not n_defined or not counts.score_sums:
        return dict.fromkeys(classes, float("nan"))
    return {name: total / n_defined for name, total in zip(classes, counts.score_sums, strict=True)}
