"""Progress of long work: bars on a terminal, plain lines elsewhere, nothing when asked to be quiet."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator


class Task(Protocol):
    """One piece of work under way."""

    def advance(self, amount: int = 1, **fields: float | str) -> None:
        """Count `amount` more units as done; `fields` are shown beside (loss, rate)."""
        ...


class Progress(Protocol):
    """Where long work reports to."""

    def task(self, description: str, total: int | None = None, unit: str = "") -> TaskContext:
        """Open a piece of work of `total` units (None: not known) for a ``with`` block."""
        ...

    def note(self, message: str) -> None:
        """Say one line that stays."""
        ...


class TaskContext(Protocol):
    """What ``with progress.task(...)`` needs."""

    def __enter__(self) -> Task:
        """Begin."""
        ...

    def __exit__(self, *exception: object) -> bool | None:
        """End; the last state stays visible."""
        ...


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
