"""Progress of long work: bars on a terminal, plain lines elsewhere, nothing when asked to be quiet.

Everything is written to stderr; stdout belongs to results.
"""

from __future__ import annotations

import os
import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Protocol, TextIO

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

SECONDS_BETWEEN_LINES = 5.0


class Task(Protocol):
    """One piece of work under way."""

    def advance(self, amount: int = 1, **fields: float | str) -> None:
        """Count `amount` more units as done; `fields` are shown beside (loss, rate)."""
        ...


class Progress(Protocol):
    """Where long work reports to."""

    def task(
        self, description: str, total: int | None = None, unit: str = ""
    ) -> AbstractContextManager[Task]:
        """Open a piece of work of `total` units (None: not known) for a ``with`` block.

        `unit` is a noun in the singular, say ``epoch``.

        The last state stays visible at its end.
        """
        ...

    def note(self, message: str) -> None:
        """Say one line that stays."""
        ...


def make_progress(*, quiet: bool = False) -> Progress:
    """Return what suits stderr: bars where it is a terminal, else plain lines; nothing if `quiet`."""
    if quiet:
        return SilentProgress()
    is_terminal = sys.stderr.isatty() and os.environ.get("TERM") != "dumb"
    return TerminalProgress() if is_terminal else PlainProgress()


class _SilentTask:
    def advance(self, amount: int = 1, **fields: float | str) -> None:
        """Ignore."""


class SilentProgress:
    """Says nothing."""

    @contextmanager
    def task(self, description: str, total: int | None = None, unit: str = "") -> Iterator[Task]:
        """Open a piece of work that is not shown."""
        yield _SilentTask()

    def note(self, message: str) -> None:
        """Ignore the line."""


class PlainProgress:
    """Plain lines, for log files: one when work begins, one every few seconds, one at its end.

    Parameters
    ----------
    stream
        Where to write; left out, stderr as it is at that moment.
    seconds_between_lines
        Smallest time between two lines of the same work.
    clock
        Gives the time in seconds.
    """

    def __init__(
        self,
        stream: TextIO | None = None,
        seconds_between_lines: float = SECONDS_BETWEEN_LINES,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._stream = stream
        self._seconds_between_lines = seconds_between_lines
        self._clock = clock

    @contextmanager
    def task(self, description: str, total: int | None = None, unit: str = "") -> Iterator[Task]:
        """Open a piece of work; an exception in it, Ctrl-C included, is noted as `stopped` and goes on."""
        task = _PlainTask(description, total, unit, self._seconds_between_lines, self._clock, self.note)
        task.say("begins")
        ending = "stopped"
        try:
            yield task
            ending = "done"
        finally:
            task.say(ending)

    def note(self, message: str) -> None:
        """Write the line."""
        print(message, file=self._stream or sys.stderr, flush=True)


class _PlainTask:
    def __init__(
        self,
        description: str,
        total: int | None,
        unit: str,
        seconds_between_lines: float,
        clock: Callable[[], float],
        write: Callable[[str], None],
    ) -> None:
        self._description = description
        self._total = total
        self._unit = unit
        self._done = 0
        self._fields: dict[str, float | str] = {}
        self._seconds_between_lines = seconds_between_lines
        self._clock = clock
        self._write = write
        self._start = self._last_line = clock()

    def advance(self, amount: int = 1, **fields: float | str) -> None:
        """Count, and write a line if the last one is some seconds old."""
        self._done += amount
        self._fields = fields or self._fields
        if self._clock() - self._last_line >= self._seconds_between_lines:
            self.say()

    def say(self, state: str = "") -> None:
        """Write one line: what, how far, the fields, the time."""
        self._last_line = self._clock()
        if state == "begins":
            total = "" if self._total is None else f" ({self._total:,} {self._unit}s)"
            self._write(f"{self._description}{total if self._unit else ''} ...")
            return
        parts = [state, show_count(self._done, self._total, self._unit), show_fields(self._fields)]
        parts.append(f"{self._last_line - self._start:.1f} s")
        self._write(f"{self._description}: {', '.join(part for part in parts if part)}")


class TerminalProgress:
    """Bars with counts, fields and times, drawn by rich, which is imported when the first one opens.

    Parameters
    ----------
    stream
        The terminal; left out, stderr as it is at that moment.
    """

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream
        self._display: Any = None
        self._n_open = 0

    @contextmanager
    def task(self, description: str, total: int | None = None, unit: str = "") -> Iterator[Task]:
        """Open a bar; tasks may be nested. The cursor comes back whatever happens in the block."""
        if self._display is None:
            self._display = _make_display(self._stream)
            self._display.start()
        self._n_open += 1
        try:
            yield _TerminalTask(self._display, description, total, unit)
        finally:
            self._n_open -= 1
            if self._n_open == 0:
                self._display.stop()
                self._display = None

    def note(self, message: str) -> None:
        """Write the line above the bars."""
        if self._display is None:
            print(message, file=self._stream or sys.stderr, flush=True)
        else:
            self._display.console.print(message, markup=False, highlight=False)


class _TerminalTask:
    def __init__(self, display: Any, description: str, total: int | None, unit: str) -> None:
        self._display = display
        self._unit = unit
        self._total = total
        self._done = 0
        self._bar = display.add_task(description, total=total, count=show_count(0, total, unit), shown="")

    def advance(self, amount: int = 1, **fields: float | str) -> None:
        """Move the bar."""
        self._done += amount
        changes = {"shown": show_fields(fields)} if fields else {}
        count = show_count(self._done, self._total, self._unit)
        self._display.update(self._bar, advance=amount, count=count, **changes)


def _make_display(stream: TextIO | None) -> Any:
    from rich.console import Console
    from rich.progress import BarColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn
    from rich.progress import Progress as RichProgress

    return RichProgress(
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=24),
        TextColumn("{task.fields[count]}", markup=False),
        TimeElapsedColumn(),
        TextColumn("<"),
        TimeRemainingColumn(),
        TextColumn("{task.fields[shown]}", markup=False),
        console=Console(file=stream, stderr=True),
    )


def show_count(done: int, total: int | None, unit: str) -> str:
    """Return how far the work is.

    Examples
    --------
    >>> show_count(1200, 40_000, "event")
    '1,200/40,000 events'
    >>> show_count(0, 1, "epoch")
    '0/1 epoch'
    """
    count = f"{done:,}" if total is None else f"{done:,}/{total:,}"
    if not unit:
        return count
    return f"{count} {unit if (done if total is None else total) == 1 else f'{unit}s'}"


def show_fields(fields: dict[str, float | str]) -> str:
    """Return values beside their names, numbers with four digits.

    Examples
    --------
    >>> show_fields({"loss": 0.123456, "best": "epoch 3"})
    'loss 0.1235, best epoch 3'
    """
    shown = {
        name: f"{value:.4g}" if isinstance(value, (int, float)) else value for name, value in fields.items()
    }
    return ", ".join(f"{name} {value}" for name, value in shown.items())
