"""Tasks in processes of this machine, one thread each.

The workers are programs of their own, not `multiprocessing`: a script or notebook needs no ``if __name__ ==
"__main__"``, Ctrl-C on the terminal reaches only the program in front, and workers whose parent was
killed go by themselves.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
from collections import Counter, deque
from multiprocessing import Pipe
from multiprocessing.connection import wait
from typing import IO, TYPE_CHECKING, Any, Self, cast

from rapidity.core.errors import ClusterError, RapidityError
from rapidity.workflow.execution.executor import require_importable, task_name
from rapidity.workflow.execution.worker import Failure, Success

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from multiprocessing.connection import Connection

    from rapidity.workflow.execution.executor import R, T

MAX_ATTEMPTS = 2
"""A task whose worker dies is tried once more: something else may have killed it, but not twice."""
LAST_LINES = 5
SECONDS_FOR_LAST_WORDS = 1.0

THREAD_VARIABLES = (
    "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS",
    "NUMEXPR_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS",
)  # fmt: skip
"""What numerical libraries are told their number of threads by."""

_PROGRAM = (
    "import sys; number, *sys.path = sys.argv[1:]; "
    "from rapidity.workflow.execution.worker import main; main(int(number))"
)


class WorkerEnded(Exception):  # noqa: N818 - not an error yet: the task is tried again
    """A worker process went away in the middle of a task."""


class Worker:
    """One worker process: the connection to it, and what it prints."""

    def __init__(self) -> None:
        self.connection, theirs = Pipe()
        with theirs:
            os.set_inheritable(theirs.fileno(), True)
            self._process = subprocess.Popen(
                [
                    sys.executable,
                    "-P",
                    *_warning_options(),
                    "-c",
                    _PROGRAM,
                    str(theirs.fileno()),
                    *_import_path(),
                ],
                # Never written to: its end tells the worker that this program is gone.
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                pass_fds=[theirs.fileno()],
                env={**os.environ, **dict.fromkeys(THREAD_VARIABLES, "1")},
                # A process group of its own: Ctrl-C on the terminal must not reach it.
                process_group=0,
            )
        self._last_lines: deque[str] = deque(maxlen=LAST_LINES)
        self._listener = threading.Thread(
            target=self._forward, args=(self._process.stderr,), name="forward-stderr", daemon=True
        )
        self._listener.start()

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
        except (EOFError, ConnectionResetError) as error:
            self.stop()
            raise WorkerEnded(self._last_words()) from error

    def stop(self) -> None:
        """End the process and all that it started, now."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            # Its group lives while the process has not been waited for.
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self.connection.close()
        if self._process.stdin is not None:
            self._process.stdin.close()
        self._listener.join(SECONDS_FOR_LAST_WORDS)

    def _last_words(self) -> str:
        code = self._process.returncode
        how = f"exit code {code}" if code >= 0 else f"signal {signal.Signals(-code).name}"
        said = "".join(f"\n    {line}" for line in self._last_lines)
        return f"{how}; its last lines on standard error:{said}" if said else f"{how}; it said nothing"

    def _forward(self, stream: IO[bytes]) -> None:
        """Pass on, line by line, what the worker prints, above the bars of a progress display."""
        with stream:
            for line in stream:
                text = line.decode(errors="replace").rstrip("\n")
                self._last_lines.append(text)
                print(text, file=sys.stderr, flush=True)


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


def unpack(answer: Success | Failure) -> Any:
    """Return the result in an answer, or raise the error in it."""
    if isinstance(answer, Success):
        return answer.result
    if not isinstance(answer.error, RapidityError):
        answer.error.add_note(f"In the worker process:\n{answer.traceback}")
    raise answer.error


def _require_another_attempt(n_attempts: int, name: str, ending: WorkerEnded) -> None:
    if n_attempts >= MAX_ATTEMPTS:
        message = (
            f"{name} could not be done: its worker process ended {n_attempts} times, the last time with "
            f"{ending}\n"
            "  If memory ran out (the system then sends SIGKILL), use fewer workers or smaller parts."
        )
        raise ClusterError(message) from ending


def _import_path() -> list[str]:
    """Return where this process imports from, for a worker to do the same."""
    return list(dict.fromkeys(entry or str(_working_folder()) for entry in sys.path))


def _working_folder() -> str:
    return os.getcwd()  # noqa: PTH109 - an entry of sys.path, which holds text


def _warning_options() -> list[str]:
    return [f"-W{option}" for option in sys.warnoptions]
