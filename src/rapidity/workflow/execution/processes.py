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

MOST_HELD = 2
"""Tasks that a process has when this one works too and answers late: the one that runs, and the next."""
MAX_ATTEMPTS = 2
"""A task whose worker dies is tried once more: something else may have killed it, but not twice."""


class WorkerEnded(Exception):  # noqa: N818 - not an error yet: the task is tried again
    """A worker process went away in the middle of a task."""


class Worker:
    """One worker process and the connection to it.

    Attributes
    ----------
    held
        Numbers of the tasks whose answers are to come, in their order; None for one that nobody waits for.
    """

    def __init__(self) -> None:
        self.held: deque[int | None] = deque()
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

    Parameters
    ----------
    works_too
        Whether this process is one of the workers: it begins at once, while others start, and what it has
        imported is imported. For tasks that are neither longer than it may be deaf nor crash.
    """

    is_local = True

    def __init__(self, n_workers: int, *, works_too: bool = False) -> None:
        self.n_workers = n_workers
        self._works_too = works_too
        self._n_others = n_workers - works_too
        self._idle: list[Worker] = []
        self._busy: dict[Connection, Worker] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        for worker in [*self._idle, *self._busy.values()]:
            worker.stop()
        self._idle.clear()
        self._busy.clear()

    def prepare(self, function: Callable[[Any], Any], task: Any) -> None:
        """Start all processes now, and have each perform a task whose result nobody needs."""
        require_importable(function)
        for _ in range(self._n_others - len(self._idle) - len(self._busy)):
            self._give(Worker(), None, function, task)

    def run(self, function: Callable[[T], R], tasks: Sequence[T]) -> Iterator[tuple[int, R]]:
        """Yield the number and the result of each task as they complete; see `Executor`.

        Only one such loop at a time. Leaving it early gives up the tasks that run.
        """
        require_importable(function)
        waiting = deque(range(len(tasks)))
        attempts: Counter[int] = Counter()
        n_open = len(tasks)
        try:
            while n_open:
                self._hand_out(function, tasks, waiting)
                works_now = self._works_too and bool(waiting)
                for connection in wait(list(self._busy), 0 if works_now else None):
                    worker = self._busy[cast("Connection", connection)]
                    try:
                        answer = worker.receive()
                    except WorkerEnded as ending:
                        self._take_back(worker, waiting, attempts, tasks, ending)
                        continue
                    index = worker.held.popleft()
                    if not worker.held:
                        self._idle.append(self._busy.pop(worker.connection))
                    self._hand_out(function, tasks, waiting)
                    if index is not None:
                        n_open -= 1
                        yield index, unpack(answer)
                if works_now and waiting:
                    index = waiting.popleft()
                    n_open -= 1
                    yield index, function(tasks[index])
        finally:
            self._stop_working()

    def _hand_out(self, function: Callable[[T], R], tasks: Sequence[T], waiting: deque[int]) -> None:
        """Give tasks to workers until all are busy; the last one stays here if this process works too."""
        n_kept = int(self._works_too)
        while len(waiting) > n_kept:
            if self._idle:
                worker = self._idle.pop()
            elif len(self._busy) < self._n_others:
                worker = Worker()
            else:
                break
            self._give(worker, waiting.popleft(), function, tasks)
        if not self._works_too:
            return
        for worker in self._busy.values():
            if len(worker.held) < MOST_HELD and len(waiting) > n_kept:
                self._give(worker, waiting.popleft(), function, tasks)

    def _give(self, worker: Worker, index: int | None, function: Callable[[Any], Any], tasks: Any) -> None:
        worker.held.append(index)
        self._busy[worker.connection] = worker
        worker.send(function, tasks if index is None else tasks[index])

    def _take_back(
        self,
        worker: Worker,
        waiting: deque[int],
        attempts: Counter[int],
        tasks: Sequence[Any],
        ending: WorkerEnded,
    ) -> None:
        """Have the tasks of a worker that ended be done by others; only the one that ran is suspected."""
        del self._busy[worker.connection]
        held = [index for index in worker.held if index is not None]
        if held:
            attempts[held[0]] += 1
            _require_another_attempt(attempts[held[0]], task_name(held[0], tasks), ending)
        waiting.extendleft(reversed(held))

    def _stop_working(self) -> None:
        """End the workers that have tasks of the loop that is left."""
        for worker in list(self._busy.values()):
            if any(index is not None for index in worker.held):
                del self._busy[worker.connection]
                worker.stop()


def _require_another_attempt(n_attempts: int, name: str, ending: WorkerEnded) -> None:
    if n_attempts >= MAX_ATTEMPTS:
        message = (
            f"{name} could not be done: its worker process ended {n_attempts} times, the last time with "
            f"{ending}\n"
            "  If memory ran out (the system then sends SIGKILL), use fewer workers or smaller parts."
        )
        raise ClusterError(message) from ending
