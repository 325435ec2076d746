"""A Dask cluster of this machine: the scheduler in this process, each worker a program beside it."""

from __future__ import annotations

import contextlib
import os
import tempfile
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from rapidity.core.errors import ClusterError
from rapidity.workflow.execution.child import ChildProcess

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rapidity.config.cluster import LocalCluster
    from rapidity.core.progress import Progress
    from rapidity.workflow.execution.dask_executor import DaskExecutor

LOOPBACK = "127.0.0.1"
SETTINGS = {
    "DASK_DISTRIBUTED__WORKER__PROFILE__ENABLED": "False",
    "DASK_DISTRIBUTED__LOGGING__DISTRIBUTED": "warning",
}
"""Environment of the workers, by which Dask is configured."""


@contextmanager
def open_local(block: LocalCluster, progress: Progress) -> Iterator[DaskExecutor]:
    """Start a scheduler and workers, all listening on this machine alone; they end with the block.

    Raises
    ------
    ClusterError
        If a worker cannot start.
    """
    with (
        tempfile.TemporaryDirectory(prefix="rapidity-dask-", ignore_cleanup_errors=True) as folder,
        ExitStack() as opened,
    ):
        # First the workers: they import Dask while this process does.
        workers = LocalWorkers(block.workers, Path(folder))
        opened.callback(workers.stop)
        from distributed import LocalCluster as Scheduler

        from rapidity.workflow.execution.dask_cluster import connect, own_scheduler_settings, quiet_logs
        from rapidity.workflow.execution.dask_executor import DaskExecutor

        opened.enter_context(quiet_logs())
        with own_scheduler_settings(block.retries):
            cluster = Scheduler(
                n_workers=0,
                processes=True,
                host=LOOPBACK,
                dashboard_address=f"{LOOPBACK}:0",
                silence_logs=False,
            )
        opened.callback(cluster.close)
        # Before the scheduler closes: it would wait for workers in the middle of something.
        opened.callback(workers.stop)
        workers.tell(cluster.scheduler_address)
        progress.note(f"cluster: {block.workers} Dask workers on this machine")
        with connect(cluster) as client:
            yield DaskExecutor(
                client, block.workers, progress, block.timeout_s, check=workers.check, is_local=True
            )


class LocalWorkers:
    """Programs that are Dask workers, each started again when it dies.

    Parameters
    ----------
    folder
        For their files.
    """

    def __init__(self, count: int, folder: Path) -> None:
        self._folder = folder
        self._address: str | None = None
        self._n_started = 0
        self._workers = [self._start() for _ in range(count)]

    def tell(self, address: str) -> None:
        """Tell all the address of the scheduler, which they wait for."""
        self._address = address
        for worker in self._workers:
            worker.tell(address)

    def check(self, n_present: int) -> None:
        """Start those again that have died.

        Raises
        ------
        ClusterError
            If one ended before it came to the scheduler: the next would, too.
        """
        for index, worker in enumerate(self._workers):
            if worker.is_running:
                continue
            worker.stop()
            if not worker.has_come:
                message = f"the Dask workers of this machine ended with {worker.last_words()}"
                raise ClusterError(message)
            self._workers[index] = self._start()

    def stop(self) -> None:
        """End all, now; again is allowed."""
        for worker in self._workers:
            worker.stop()

    def _start(self) -> _LocalWorker:
        worker = _LocalWorker(f"worker-{self._n_started}", self._folder)
        self._n_started += 1
        if self._address is not None:
            worker.tell(self._address)
        return worker


class _LocalWorker(ChildProcess):
    """One worker; it waits for the address of its scheduler."""

    def __init__(self, name: str, folder: Path) -> None:
        self._mark = folder / name
        theirs, ours = os.pipe()
        self._ours = open(ours, "wb", buffering=0)  # noqa: PTH123, SIM115 - no path; closed when it has told
        try:
            os.set_inheritable(theirs, True)
            super().__init__(
                "rapidity.workflow.execution.dask_worker",
                [str(theirs), name, str(folder)],
                pass_fds=[theirs],
                environment=SETTINGS,
            )
        finally:
            os.close(theirs)

    @property
    def has_come(self) -> bool:
        """Whether it has been at the scheduler."""
        return self._mark.exists()

    def tell(self, address: str) -> None:
        """Tell it the address of the scheduler, once; if it is gone, `has_come` will say so."""
        with contextlib.suppress(BrokenPipeError), self._ours:
            self._ours.write(address.encode())

    def stop(self) -> None:
        super().stop()
        self._ours.close()
