"""The executor of a Dask cluster: submits in windows, waits, and says what became of each task."""

from __future__ import annotations

import contextlib
import socket
import sys
import time
import uuid
from collections import deque
from functools import cache
from importlib.metadata import version
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any, cast

from rapidity.core.errors import ClusterError
from rapidity.workflow.execution.executor import require_importable, task_name
from rapidity.workflow.execution.worker import describe_failure, perform, unpack

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from distributed import Client, Future

    from rapidity.core.progress import Progress
    from rapidity.workflow.execution.executor import R, T
    from rapidity.workflow.execution.worker import Failure, Success

TASKS_PER_WORKER = 4
"""Tasks that wait at the scheduler for each worker: enough to keep all busy, however many are to come."""
SMALLEST_WINDOW = 16
SECONDS_BETWEEN_LOOKS = 1.0
SECONDS_BEFORE_NOTE = 10.0
SECONDS_FOR_ANSWER = 30.0


class DaskExecutor:
    """Runs tasks on the workers of a Dask cluster.

    Parameters
    ----------
    client
        Connected to the scheduler.
    n_workers
        Number of workers that are there or expected.
    timeout_s
        Longest time without any worker, or None.
    check
        Called about once a second with the number of workers that are there; raises ClusterError if
        there will be none.
    hint
        Where to look when no worker comes.
    is_local
        Whether all workers are on this machine.
    """

    def __init__(
        self,
        client: Client,
        n_workers: int,
        progress: Progress,
        timeout_s: float | None,
        check: Callable[[int], None] = lambda _: None,
        hint: str = "Look at the logs of the workers",
        *,
        is_local: bool = False,
    ) -> None:
        self.n_workers = n_workers
        self.is_local = is_local
        self._client = client
        self._presence = _Presence(client, progress, timeout_s, check, hint)

    def prepare(self, function: Callable[[Any], Any], task: Any) -> None:
        """Do nothing: the workers come when they come."""

    def run(self, function: Callable[[T], R], tasks: Sequence[T]) -> Iterator[tuple[int, R]]:
        """Yield the number and the result of each task as they complete; see `Executor`.

        A task whose worker died is tried again by the scheduler, up to its limit.
        """
        require_importable(function)
        submission = _Submission(self._client, function, tasks)
        self._presence.begin()
        try:
            while not submission.is_done:
                window = max(SMALLEST_WINDOW, TASKS_PER_WORKER * self.n_workers)
                submission.fill(window)
                for index, answer in submission.completed(SECONDS_BETWEEN_LOOKS):
                    submission.fill(window)
                    yield index, unpack(answer)
                self.n_workers = max(self.n_workers, self._presence.look())
        finally:
            submission.cancel()


class _Submission:
    """The tasks of one loop: those to come, and those that the scheduler has."""

    def __init__(self, client: Client, function: Callable[[Any], Any], tasks: Sequence[Any]) -> None:
        self._client = client
        self._function = function
        self._tasks = tasks
        self._to_come = deque(range(len(tasks)))
        self._under_way: dict[int, Future] = {}
        self._completed: SimpleQueue[int] = SimpleQueue()
        self._name = f"{function.__name__}-{uuid.uuid4().hex}"
        self._version = our_version()

    @property
    def is_done(self) -> bool:
        return not self._to_come and not self._under_way

    def fill(self, size: int) -> None:
        """Hand tasks to the scheduler until it has `size` of them."""
        while self._to_come and len(self._under_way) < size:
            index = self._to_come.popleft()
            future = self._client.submit(
                perform_remotely, self._version, self._function, self._tasks[index],
                key=f"{self._name}-{index}", pure=False,
            )  # fmt: skip
            self._watch(index, future)

    def completed(self, timeout_s: float) -> Iterator[tuple[int, Success | Failure]]:
        """Yield the answers that are there, waiting for the first up to `timeout_s`."""
        try:
            index = self._completed.get(timeout=timeout_s)
            while True:
                future = self._under_way.pop(index)
                try:
                    answer = self._fetch(index, future)
                except TimeoutError:
                    # Its worker died with the answer; the scheduler has the task done again.
                    self._watch(index, future)
                else:
                    yield index, answer
                index = self._completed.get_nowait()
        except Empty:
            return

    def _watch(self, index: int, future: Future) -> None:
        self._under_way[index] = future
        future.add_done_callback(lambda _: self._completed.put(index))

    def _fetch(self, index: int, future: Future) -> Success | Failure:
        """Return the answer; TimeoutError if it does not come."""
        from distributed.client import FutureCancelledError
        from distributed.scheduler import KilledWorker

        name = task_name(index, self._tasks)
        try:
            return cast("Success | Failure", future.result(timeout=SECONDS_FOR_ANSWER))
        except TimeoutError:
            raise
        except KilledWorker as error:
            message = (
                f"{name} could not be done: its worker died {error.allowed_failures + 1} times, last "
                f"{error.last_worker.address}. If memory ran out, give workers more or make parts smaller; "
                "the logs of the workers may say more"
            )
            raise ClusterError(message) from error
        except FutureCancelledError as error:
            message = f"{name} was cancelled at the Dask scheduler, or the connection to it was lost: {error}"
            raise ClusterError(message) from error
        except Exception as error:
            # Tasks return their errors: what is raised here is the cluster's, say a package it has not.
            message = f"{name} could not be done on the Dask cluster: {type(error).__name__}: {error}"
            raise ClusterError(message) from error

    def cancel(self) -> None:
        """Take back what is not complete; a task that runs in a thread goes on until it ends."""
        futures = list(self._under_way.values())
        self._under_way.clear()
        if futures and self._client.status == "running":
            self._client.cancel(futures)


class _Presence:
    """Watches whether there are workers."""

    def __init__(
        self,
        client: Client,
        progress: Progress,
        timeout_s: float | None,
        check: Callable[[int], None],
        hint: str,
    ) -> None:
        self._client = client
        self._progress = progress
        self._timeout_s = timeout_s
        self._check = check
        self._hint = hint
        self.begin()

    def begin(self) -> None:
        self._last_look = self._last_seen = time.monotonic()
        self._has_noted = False

    def look(self) -> int:
        """Return the number of workers, or 0 if the last look was a moment ago."""
        now = time.monotonic()
        if now - self._last_look < SECONDS_BETWEEN_LOOKS:
            return 0
        self._last_look = now
        if self._client.status != "running":
            message = "the connection to the Dask scheduler is lost. Start again when it runs"
            raise ClusterError(message)
        n_present: int = sum(self._client.nthreads().values())
        self._check(n_present)
        if n_present:
            self._last_seen, self._has_noted = now, False
        else:
            self._complain(now - self._last_seen)
        return n_present

    def _complain(self, waited_s: float) -> None:
        if self._timeout_s is not None and waited_s > self._timeout_s:
            message = (
                f"the Dask cluster has had no worker for {waited_s:.0f} s (limit: timeout_s = "
                f"{self._timeout_s:g}). {self._hint}"
            )
            raise ClusterError(message)
        if waited_s > SECONDS_BEFORE_NOTE and not self._has_noted:
            self._has_noted = True
            self._progress.note(f"cluster: no worker is there. {self._hint}")


@cache
def our_version() -> str:
    """Return the version of this package, which workers must have too."""
    return version("rapidity")


def perform_remotely(caller_version: str, function: Callable[[Any], Any], task: Any) -> Success | Failure:
    """Run a task on a worker; errors are returned, so that they travel as with other executors."""
    if our_version() != caller_version:
        message = (
            f"a Dask worker on {socket.gethostname()} has rapidity {our_version()}, but the caller has "
            f"{caller_version}. Install the same release on both sides"
        )
        return describe_failure(ClusterError(message))
    # Standard output belongs to the results of the verb.
    with contextlib.redirect_stdout(sys.stderr):
        return perform(function, task)
