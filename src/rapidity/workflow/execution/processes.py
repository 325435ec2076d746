"""Tasks in processes of this machine, one thread each."""

from __future__ import annotations

import contextlib
import os
from collections import Counter, deque
from multiprocessing import Pipe
from multiprocessing.connection import wait
from typing import TYPE_CHECKING, Any, Self, cast

from rapidity.core.errors import ClusterError
from rapidity.workflow.execution.child import ChildProcess
from rapidity.workflow.execution.executor import require_importable, task_name
from rapidity.workflow.execution.worker import unpack

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from multiprocessing.connection import Connection

    from rapidity.workflow.execution.executor import R, T
    from rapidity.workflow.execution.worker import Failure, Success

MAX_ATTEMPTS = 2
"""A task whose worker dies is tried once more: something else may have killed it, but not twice."""


class WorkerEnded(Exception):  # noqa: N818 - not an error yet: the task is tried again
    """A worker process went away in the middle of a task."""


class Worker:
    """One worker process and the connection to it."""

    def __init__(self) -> None:
        self.connection, theirs = Pipe()
        with theirs:
            number = theirs.fileno()
            os.set_inheritable(number, True)
            self._process = ChildProcess("rapidity.workflow.execution.worker", [str(number)], [number])

    def send(self, function: Callable[[Any], Any], task: Any) -> None:
        """Give the worker a task; if it is gone, `receive` will say so."""
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            self.connection.send((function, task))

    def receive(self) -> Success | Failure:
        """Return the answer to the task.

        Raises
        ------
        WorkerEnded
            If the process is gone, with its exit code and its last lines on standard error.
        """
        try:
            return cast("Success | Failure", self.connection.recv())
        except (EOFError, OSError) as error:
            self.stop()
            raise WorkerEnded(self._process.last_words()) from error

    def stop(self) -> None:
        """End the process and all that it started, now."""
        self._process.stop()
        self.connection.close()


class ProcessExecutor:
    """Runs tasks in up to `n_workers` processes. Leaving the ``with`` block ends them at once.

    A worker is started when there is a task for it. A task whose worker dies (out of memory, a crash in a
    library) is tried once more.
    """

    def __init__(self, n_workers: int) -> None:
        self.n_workers = n_workers
        self._idle: list[Worker] = []
        self._busy: dict[Connection, tuple[Worker, int]] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self._stop_busy()
        while self._idle:
            self._idle.pop().stop()

    def run(self, function: Callable[[T], R], tasks: Sequence[T]) -> Iterator[tuple[int, R]]:
        """Yield the number and the result of each task as they complete; see `Executor`.

        Only one such loop at a time. Leaving it early gives up the tasks that run.
        """
        require_importable(function)
        waiting = deque(range(len(tasks)))
        attempts: Counter[int] = Counter()
        try:
            self._hand_out(function, tasks, waiting)
            while self._busy:
                for connection in wait(list(self._busy)):
                    worker, index = self._busy.pop(cast("Connection", connection))
                    try:
                        answer = worker.receive()
                    except WorkerEnded as ending:
                        attempts[index] += 1
                        _require_another_attempt(attempts[index], task_name(index, tasks), ending)
                        waiting.appendleft(index)
                        self._hand_out(function, tasks, waiting)
                        continue
                    self._idle.append(worker)
                    self._hand_out(function, tasks, waiting)
                    yield index, unpack(answer)
        finally:
            self._stop_busy()

    def _hand_out(self, function: Callable[[T], R], tasks: Sequence[T], waiting: deque[int]) -> None:
        """Give tasks to workers until all are busy."""
        while waiting and len(self._busy) < self.n_workers:
            worker = self._idle.pop() if self._idle else Worker()
            index = waiting.popleft()
            self._busy[worker.connection] = (worker, index)
            worker.send(function, tasks[index])

    def _stop_busy(self) -> None:
        while self._busy:
            _, (worker, _) = self._busy.popitem()
            worker.stop()


def _require_another_attempt(n_attempts: int, name: str, ending: WorkerEnded) -> None:
    if n_attempts >= MAX_ATTEMPTS:
        message = (
            f"{name} could not be done: its worker process ended {n_attempts} times, the last time with "
            f"{ending}\n"
            "  If memory ran out (the system then sends SIGKILL), use fewer workers or smaller parts."
        )
        raise ClusterError(message) from ending
