from __future__ import annotations

import io
import sys

import pytest

from rapidity.core.progress import (
    PlainProgress,
    SilentProgress,
    TerminalProgress,
    make_progress,
)


class Clock:
    """A clock that stands still until it is told otherwise."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def stream():
    return io.StringIO()


def test_plain_lines_come_first_last_and_every_few_seconds(stream, clock):
    progress = PlainProgress(stream, seconds_between_lines=5.0, clock=clock)
    with progress.task("Training", total=12, unit="epoch") as task:
        for _ in range(12):
            clock.now += 1.0
            task.advance(loss=0.25)
    assert stream.getvalue().splitlines() == [
        "Training (12 epochs) ...",
        "Training: 5/12 epochs, loss 0.25, 5.0 s",
        "Training: 10/12 epochs, loss 0.25, 10.0 s",
        "Training: done, 12/12 epochs, loss 0.25, 12.0 s",
    ]


def test_plain_task_without_total_or_unit(stream, clock):
    with PlainProgress(stream, clock=clock).task("Reading") as task:
        task.advance(1000)
    assert stream.getvalue().splitlines() == ["Reading ...", "Reading: done, 1,000, 0.0 s"]


@pytest.mark.parametrize("interruption", [KeyboardInterrupt, ValueError])
def test_plain_task_that_is_left_early_says_so_and_lets_the_reason_pass(stream, clock, interruption):
    def work():
        with PlainProgress(stream, clock=clock).task("Training", 5, "epoch") as task:
            task.advance()
            raise interruption

    with pytest.raises(interruption):
        work()
    assert stream.getvalue().splitlines()[-1] == "Training: stopped, 1/5 epochs, 0.0 s"


def test_plain_lines_go_to_stderr(capsys):
    PlainProgress().note("hello")
    assert capsys.readouterr() == ("", "hello\n")


def test_silent_progress_says_nothing(capsys):
    progress = SilentProgress()
    with progress.task("Training", 5, "epoch") as task:
        task.advance(loss=1.0)
        progress.note("hello")
    assert capsys.readouterr() == ("", "")


def test_quiet_is_silent():
    assert isinstance(make_progress(quiet=True), SilentProgress)


def test_bars_only_on_a_terminal(monkeypatch):
    monkeypatch.setenv("TERM", "xterm")
    assert isinstance(make_progress(), PlainProgress)
    monkeypatch.setattr(sys, "stderr", Terminal())
    assert isinstance(make_progress(), TerminalProgress)
    monkeypatch.setenv("TERM", "dumb")
    assert isinstance(make_progress(), PlainProgress)


@pytest.fixture
def terminal(monkeypatch):
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "120")
    return Terminal()


def test_bar_shows_count_and_fields(terminal):
    with TerminalProgress(terminal).task("Training", total=4, unit="epoch") as task:
        for _ in range(4):
            task.advance(loss=0.5)
    last = terminal.getvalue().splitlines()[-1]
    assert "Training" in terminal.getvalue()
    assert "4/4 epochs" in terminal.getvalue()
    assert "loss 0.5" in terminal.getvalue()
    assert last.endswith("\x1b[?25h")  # the cursor is back


def test_cursor_comes_back_after_an_interruption(terminal):
    progress = TerminalProgress(terminal)
    with pytest.raises(KeyboardInterrupt), progress.task("Outer"), progress.task("Inner"):
        raise KeyboardInterrupt
    assert terminal.getvalue().count("\x1b[?25l") == terminal.getvalue().count("\x1b[?25h") == 1


def test_notes_are_printed_as_they_are(terminal):
    progress = TerminalProgress(terminal)
    progress.note("before [red]")
    with progress.task("Training"):
        progress.note("within [red]")
    assert "before [red]" in terminal.getvalue()
    assert "within [red]" in terminal.getvalue()
