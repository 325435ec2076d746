"""Clusters that tests share: of this machine, and a scheduler that was there before."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from rapidity.workflow.execution import open_executor

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rapidity.workflow.execution import Executor

TESTS = Path(__file__).resolve().parents[1]
LONGEST_WAIT_S = 60.0


@pytest.fixture(scope="session")
def wait_until() -> Callable[[Callable[[], object]], None]:
    """Return a function that waits for a condition, and fails when it does not come true."""

    def wait(condition: Callable[[], object]) -> None:
        end = time.monotonic() + LONGEST_WAIT_S
        while not condition():
            assert time.monotonic() < end
            time.sleep(0.02)

    return wait


@pytest.fixture(scope="module")
def local() -> Iterator[Executor]:
    """Two Dask workers on this machine."""
    with open_executor("local:2") as executor:
        yield executor


class Scheduler:
    """A Dask scheduler that runs for itself, and its workers."""

    def __init__(self) -> None:
        self._programs: list[subprocess.Popen[str]] = []
        scheduler = self._start("dask_scheduler", "--host", "127.0.0.1", "--port", "0")
        assert scheduler.stderr is not None
        line = next(line for line in scheduler.stderr if "Scheduler at:" in line)
        self.address = line.split()[-1]

    def start_worker(self) -> None:
        self._start("dask_worker", self.address, "--nthreads", "1", "--no-nanny", "--host", "127.0.0.1")

    def stop(self) -> None:
        """End all; again is allowed."""
        while self._programs:
            program = self._programs.pop()
            program.kill()
            program.communicate()

    def _start(self, module: str, *arguments: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", f"distributed.cli.{module}", "--dashboard-address", "127.0.0.1:0"]
        program = subprocess.Popen(
            [*command, *arguments],
            stderr=subprocess.PIPE,
            text=True,
            cwd=TESTS,
        )
        self._programs.append(program)
        return program


@pytest.fixture
def scheduler() -> Iterator[Scheduler]:
    """Return a scheduler without workers."""
    started = Scheduler()
    yield started
    started.stop()
