"""Dask workers in jobs of a batch system, by dask-jobqueue: our block of YAML in its words."""

from __future__ import annotations

import shlex
import shutil
import signal
import threading
from contextlib import ExitStack, contextmanager
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rapidity.config.cluster import (
    HTCondorCluster,
    LsfCluster,
    PbsCluster,
    SgeCluster,
    SlurmCluster,
)
from rapidity.core.errors import ClusterError
from rapidity.workflow.execution.child import KEEPING_MEMORY, ONE_THREAD
from rapidity.workflow.execution.dask_cluster import (
    connect,
    own_scheduler_settings,
    quiet_logs,
    require_library,
)
from rapidity.workflow.execution.dask_executor import DaskExecutor

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dask_jobqueue.core import JobQueueCluster

    from rapidity.config.cluster import BatchCluster
    from rapidity.core.progress import Progress

CLUSTERS: dict[type, str] = {
    SlurmCluster: "SLURMCluster",
    PbsCluster: "PBSCluster",
    LsfCluster: "LSFCluster",
    SgeCluster: "SGECluster",
    HTCondorCluster: "HTCondorCluster",
}
"""Our block -> the class of dask-jobqueue."""
NANNY_SETTING = "DASK_DISTRIBUTED__NANNY__PRE_SPAWN_ENVIRON"
"""What a nanny sets for its worker; its own choice is that the C library gives all memory back at once."""


@contextmanager
def open_jobs(block: BatchCluster, progress: Progress) -> Iterator[DaskExecutor]:
    """Submit the jobs of a block; the jobs are cancelled when the ``with`` block is left.

    The scheduler runs in this process, which has to stay until the work is done.

    Raises
    ------
    ClusterError
        If the batch system is not there or refuses the jobs.
    """
    refusals: list[str] = []
    with ExitStack() as opened:
        opened.enter_context(quiet_logs())
        with own_scheduler_settings(block.retries):
            cluster = make_cluster(block, refusals)
        opened.callback(cluster.close)
        watch = _JobWatch(cluster, block, refusals, progress)
        cluster.scale(jobs=block.jobs)
        progress.note(f"cluster: {block.jobs} jobs submitted to {block.type}, {block.cores} workers each")
        yield DaskExecutor(
            opened.enter_context(connect(cluster)),
            block.jobs * block.cores,
            progress,
            block.timeout_s,
            check=watch.check,
            hint=_hint(block),
        )


def make_cluster(block: BatchCluster, refusals: list[str] | None = None) -> JobQueueCluster:
    """Return the cluster of dask-jobqueue, without any jobs yet.

    Parameters
    ----------
    refusals
        Filled with what submitting jobs raises, which dask-jobqueue would only log.
    """
    make = getattr(_import_jobqueue(), CLUSTERS[type(block)])
    job_class = _recording(make.job_cls, [] if refusals is None else refusals)
    _require_command(block, job_class.submit_command)
    if block.log_directory is not None:
        Path(block.log_directory).mkdir(parents=True, exist_ok=True)
    return make(job_cls=job_class, silence_logs=False, **job_settings(block))


def _import_jobqueue() -> Any:
    """Return the library, without the effect of importing it on Ctrl-C.

    Its module `runner` has SIGINT call sys.exit(): an interrupted run would end with the exit code 0.
    """
    require_library("dask_jobqueue")
    if threading.current_thread() is not threading.main_thread():
        message = "a cluster of jobs can be opened in the main thread of a program alone. Open it there"
        raise ClusterError(message)
    handler = signal.getsignal(signal.SIGINT)
    try:
        return import_module("dask_jobqueue")
    finally:
        signal.signal(signal.SIGINT, handler)


def job_settings(block: BatchCluster) -> dict[str, Any]:
    """Return the block as arguments of dask-jobqueue; what is left out there is left to its own settings."""
    variables = ONE_THREAD | {NANNY_SETTING: str(KEEPING_MEMORY)}
    given = {
        "cores": block.cores,
        # One process a core: libraries for files hold locks that threads would wait for.
        "processes": block.cores,
        "memory": block.memory,
        "python": block.python,
        "log_directory": block.log_directory and str(Path(block.log_directory).expanduser().resolve()),
        "local_directory": block.local_directory,
        "interface": block.interface,
        "job_name": "rapidity",
        "job_script_prologue": [f"export {name}={shlex.quote(value)}" for name, value in variables.items()]
        + list(block.prologue),
        "scheduler_options": {"dashboard_address": f"{block.host or ''}:0"}
        | ({"host": block.host} if block.host else {}),
    }
    given |= _own_settings(block)
    return {name: value for name, value in given.items() if value is not None}


def _own_settings(block: BatchCluster) -> dict[str, Any]:
    """Return what differs between batch systems."""
    if isinstance(block, HTCondorCluster):
        directives = dict(line.split("=", 1) for line in block.directives)
        extra = {name.strip(): value.strip() for name, value in directives.items()}
        if block.max_runtime_s is not None:
            extra["+MaxRuntime"] = str(block.max_runtime_s)
        if block.accounting_group is not None:
            extra["accounting_group"] = block.accounting_group
        return {"disk": block.disk, "job_extra_directives": extra}
    lines = list(block.directives)
    if isinstance(block, SgeCluster) and block.parallel_environment is not None:
        lines.insert(0, f"-pe {block.parallel_environment} {block.cores}")
    account = "account" if isinstance(block, (SlurmCluster, PbsCluster)) else "project"
    return {
        "queue": block.queue,
        account: block.account,
        "walltime": block.walltime,
        "job_extra_directives": lines,
    }


def _recording(job_class: Any, refusals: list[str]) -> Any:
    """Return the class of jobs with its failures to submit written down."""
    from distributed.core import Status

    class Job(job_class):  # type: ignore[misc]  # the class is known at run time
        async def start(self) -> None:
            try:
                await super().start()
            except (OSError, RuntimeError, ValueError) as error:
                refusals.append(_last_line(error))
                # Dask asserts that it runs. Whoever watches the refusals ends it all.
                self.status = Status.running

        async def close(self) -> None:
            await super().close()
            # Dask asserts this too, and dask-jobqueue leaves it out.
            self.status = Status.closed

    return Job


def _require_command(block: BatchCluster, command: str) -> None:
    program = shlex.split(command)[0]
    if shutil.which(program) is None:
        message = (
            f"cluster.type is {block.type}, but its command '{program}' is not on this machine. "
            "Start rapidity where jobs are submitted, or take another cluster"
        )
        raise ClusterError(message)


class _JobWatch:
    """Notices jobs that were refused, and submits those again that ended before the work did."""

    def __init__(
        self, cluster: JobQueueCluster, block: BatchCluster, refusals: list[str], progress: Progress
    ) -> None:
        self._cluster = cluster
        self._block = block
        self._refusals = refusals
        self._progress = progress
        self._may_submit = block.retries * block.jobs

    def check(self, n_present: int) -> None:
        """Look at the jobs; ClusterError if none can do the work."""
        if self._refusals:
            message = (
                f"{self._block.type} refused a job: {self._refusals[0]}\n"
                "  The script of a job was:\n" + _indent(self._cluster.job_script())
            )
            raise ClusterError(message)
        n_missing = self._block.jobs - len(self._cluster.workers)
        if n_missing > 0 and self._may_submit >= n_missing:
            self._may_submit -= n_missing
            self._progress.note(f"cluster: {n_missing} jobs ended early and are submitted again")
            self._cluster.scale(jobs=self._block.jobs)


def _hint(block: BatchCluster) -> str:
    logs = f"in {block.log_directory}" if block.log_directory else "(cluster.log_directory says where)"
    return f"The jobs may wait in the queue of {block.type}, or have ended: look at their logs {logs}"


def _last_line(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[-1] if lines else type(error).__name__


def _indent(text: str) -> str:
    return "\n".join(f"    {line}" for line in text.strip().splitlines())
