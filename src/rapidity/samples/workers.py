"""Worker processes that generate blocks, and go when the program that started them goes.

They are programs of their own with pipes to them, not `multiprocessing`: a script or notebook that
generates needs no ``if __name__ == "__main__"``, nothing is pickled, Ctrl-C reaches only the program
in front, and a worker whose parent was killed sees the end of its input and stops.
"""

from __future__ import annotations

import contextlib
import json
import os
import queue
import subprocess
import sys
import tempfile
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Self

from rapidity.core.errors import RapidityError
from rapidity.samples.worker import LENGTH, unpack

if TYPE_CHECKING:
    from collections.abc import Callable

    from rapidity.samples.blocks import Block, BlockTask

SOURCE_FOLDER = Path(__file__).resolve().parents[2]
SECONDS_TO_END = 5.0
"""For a worker that has closed its pipes."""


class Worker:
    """One worker process and the pipes to it.

    Parameters
    ----------
    module
        Its program, which takes a line of JSON for each task.
    unpack
        Gives the block that an answer holds.
    """

    def __init__(
        self, module: str = "rapidity.samples.worker", unpack: Callable[[bytes], Any] = unpack
    ) -> None:
        self._unpack = unpack
        path = os.pathsep.join(part for part in (str(SOURCE_FOLDER), os.environ.get("PYTHONPATH")) if part)
        # The arrays are small: threads of numerical libraries would only get in each other's way.
        environment = {**os.environ, "PYTHONPATH": path, "OMP_NUM_THREADS": "1"}
        self._messages: BinaryIO = tempfile.TemporaryFile()  # noqa: SIM115 - closed in stop()
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", module],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._messages,
            env=environment,
            # A process group of its own: Ctrl-C on the terminal must not reach it.
            process_group=0,
        )

    def generate(self, task: Any) -> Any:
        """Send the task, a record of plain values, and wait for the block."""
        if self._process.stdin is None or self._process.stdout is None:
            raise self._explain()
        try:
            self._process.stdin.write(json.dumps(asdict(task)).encode() + b"\n")
            self._process.stdin.flush()
        except OSError as error:
            raise self._explain() from error
        header = self._process.stdout.read(LENGTH.size)
        if len(header) < LENGTH.size:
            raise self._explain()
        (length,) = LENGTH.unpack(header)
        content = self._process.stdout.read(length)
        if len(content) < length:
            raise self._explain()
        return self._unpack(content)

    def stop(self) -> None:
        """End the process now; nothing of it stays behind."""
        self._process.kill()
        for stream in (self._process.stdin, self._process.stdout):
            # Closing flushes; what a worker that is gone has not read is of no use to anyone.
            with contextlib.suppress(BrokenPipeError):
                if stream is not None:
                    stream.close()
        self._process.wait()
        self._messages.close()

    def _explain(self) -> RapidityError:
        with contextlib.suppress(subprocess.TimeoutExpired):
            # The pipes of a process that ends are closed before its exit code is there.
            self._process.wait(SECONDS_TO_END)
        code = self._process.returncode
        self._messages.seek(0)
        last = self._messages.read().decode(errors="replace").strip().splitlines()[-1:]
        message = (
            f"a worker process that generates events ended early (exit code {code}): "
            f"{last[0] if last else 'it said nothing'}. "
            "If memory ran out, use fewer workers; with 1 the work is done in this process"
        )
        return RapidityError(message)


class WorkerPool:
    """Workers that take tasks as they become free. Leaving the ``with`` block ends them at once."""

    def __init__(self, n_workers: int, make_worker: Callable[[], Worker] = Worker) -> None:
        self._make_worker = make_worker
        self._threads = ThreadPoolExecutor(n_workers, thread_name_prefix="generate")
        self._workers: list[Worker] = []
        self._idle: queue.SimpleQueue[Worker] = queue.SimpleQueue()
        self._n_workers = n_workers

    def __enter__(self) -> Self:
        for _ in range(self._n_workers):
            worker = self._make_worker()
            self._workers.append(worker)
            self._idle.put(worker)
        return self

    def __exit__(self, *exception: object) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)
        for worker in self._workers:
            worker.stop()

    def submit(self, task: Any) -> Future[Any]:
        """Return the block to come."""
        return self._threads.submit(self._run, task)

    def _run(self, task: Any) -> Any:
        worker = self._idle.get()
        try:
            return worker.generate(task)
        finally:
            self._idle.put(worker)


class InlinePool:
    """The same, in this process and at once."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        """Nothing to end."""

    def submit(self, task: BlockTask) -> Future[Block]:
        """Return the block, made now."""
        from rapidity.samples.blocks import generate_block
        from rapidity.samples.catalogue import SAMPLES

        sample = SAMPLES[task.sample]
        process = next(process for process in sample.processes if process.name == task.process)
        future: Future[Block] = Future()
        future.set_result(generate_block(sample, process, task))
        return future
