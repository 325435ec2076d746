"""Tasks on a Dask cluster: of this machine, one that is there, or jobs of a batch system (`dask_jobs`)."""

from __future__ import annotations

import asyncio
import logging
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from importlib.util import find_spec
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from rapidity.config.cluster import LocalCluster, SchedulerCluster
from rapidity.core.errors import ClusterError
from rapidity.core.progress import SilentProgress
from rapidity.workflow.execution.dask_executor import DaskExecutor

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

    from distributed import Client
    from distributed.deploy.cluster import Cluster

    from rapidity.config.cluster import ClusterBlock
    from rapidity.core.progress import Progress

SILENT = logging.CRITICAL + 1
DASK_LOGS = ("distributed", "tornado")
COMPARED = ("python", "dask", "distributed", "rapidity")
"""Packages that must be the same on both sides: with others, what one side pickles the other may not read."""


@contextmanager
def open_dask_executor(block: ClusterBlock, progress: Progress | None = None) -> Iterator[DaskExecutor]:
    """Open a Dask cluster for a ``with`` block; what was started for it ends with the block.

    Raises
    ------
    ClusterError
        If Dask is not installed, a scheduler cannot be reached in time or has other versions, or the
        command of a batch system is missing.
    """
    require_library("distributed")
    with _choose(block)(block, progress or SilentProgress()) as executor:
        yield executor


def _choose(block: ClusterBlock) -> Callable[[Any, Progress], AbstractContextManager[DaskExecutor]]:
    """Return what opens a cluster of this kind."""
    if isinstance(block, LocalCluster):
        from rapidity.workflow.execution.dask_local import open_local

        return open_local
    if isinstance(block, SchedulerCluster):
        return _open_scheduler
    from rapidity.workflow.execution.dask_jobs import open_jobs

    return open_jobs


@contextmanager
def quiet_logs() -> Iterator[None]:
    """Keep what Dask logs in this process off the terminal: what matters is raised, and workers speak there.

    A cluster of Dask does so too, but not until the end: what it says of workers that are gone comes later.
    """
    import distributed  # noqa: F401 - adds its handlers

    loggers = [
        logger for name, logger in logging.root.manager.loggerDict.items() if name.startswith(DASK_LOGS)
    ]
    handlers = [
        handler for logger in loggers if isinstance(logger, logging.Logger) for handler in logger.handlers
    ]
    levels = [handler.level for handler in handlers]
    for handler in handlers:
        handler.setLevel(SILENT)
    try:
        yield
    finally:
        for handler, level in zip(handlers, levels, strict=True):
            handler.setLevel(level)


def require_library(name: str) -> None:
    """Raise a ClusterError that says what to install if a library is missing."""
    if find_spec(name) is None:
        message = (
            f"a cluster needs Dask, which is not installed here ('{name}' is missing). "
            "Run: pip install 'rapidity[cluster]', or leave --cluster out to work on this machine"
        )
        raise ClusterError(message)


@contextmanager
def own_scheduler_settings(retries: int) -> Iterator[None]:
    """Set what a scheduler that is made inside the block does.

    A worker holds one task at a time: when it dies, only the task that ran is suspected.
    """
    # First the library, which adds its own defaults to this configuration when it is imported: at the end of
    # the block they would be taken away again.
    import dask
    import distributed  # noqa: F401

    settings = {
        "distributed.scheduler.worker-saturation": 1.0,
        "distributed.scheduler.allowed-failures": retries,
    }
    with dask.config.set(settings):
        yield


@contextmanager
def connect(cluster: Cluster) -> Iterator[Client]:
    """Open a client of a cluster of our own, and close it quietly."""
    from distributed import Client

    client = Client(cluster, set_as_default=False)
    try:
        yield client
    finally:
        client.close()


@contextmanager
def _open_scheduler(block: SchedulerCluster, progress: Progress) -> Iterator[DaskExecutor]:
    from distributed import Client

    _require_scheduler(block)
    with (
        quiet_logs(),
        Client(block.address, timeout=block.timeout_s, set_as_default=False) as client,
    ):
        require_same_versions(client.get_versions(packages=["rapidity"]), block.address)
        n_workers = sum(client.nthreads().values())
        progress.note(f"cluster: {n_workers} Dask workers at {block.address}")
        hint = f"Start some with: dask worker {block.address}"
        is_local = _listens_here_alone(block.address)
        yield DaskExecutor(client, n_workers, progress, block.timeout_s, hint=hint, is_local=is_local)


def _listens_here_alone(address: str) -> bool:
    """Return whether only this machine reaches a scheduler by its address: then all workers are here."""
    try:
        return ip_address(urlsplit(address).hostname or "").is_loopback
    except ValueError:  # a name
        return False


def _require_scheduler(block: SchedulerCluster) -> None:
    """Ask who listens, as a client would wait for ever for an answer of something else than Dask."""
    start = time.monotonic()
    try:
        # In a thread of its own: a notebook has an event loop that runs in this one.
        with ThreadPoolExecutor(1) as pool:
            kind = pool.submit(asyncio.run, _identify(block.address, block.timeout_s)).result()
    except (OSError, ValueError, TypeError) as error:
        reason = str(error).splitlines()[0] if str(error) else "no answer"
        message = (
            f"no Dask scheduler answers at {block.address} (tried for {time.monotonic() - start:.0f} s): "
            f"{reason}. Check host and port, and that this machine may reach them; a scheduler is started "
            "with: dask scheduler"
        )
        raise ClusterError(message) from error
    if kind != "Scheduler":
        message = (
            f"{block.address} is a Dask {str(kind).lower()}, not a scheduler. Give the scheduler's address"
        )
        raise ClusterError(message)


async def _identify(address: str, timeout_s: float) -> object:
    """Return what kind of Dask program listens at an address."""
    from distributed import Security, rpc

    arguments = Security().get_connection_args("client")
    async with asyncio.timeout(timeout_s), rpc(address, connection_args=arguments) as listener:
        return (await listener.identity())["type"]


def require_same_versions(versions: dict[str, Any], address: str) -> None:
    """Compare what `Client.get_versions` found on the two sides.

    Raises
    ------
    ClusterError
        With every package of `COMPARED` that the scheduler or a worker has in another version.
    """
    here = _packages(versions["client"])
    there = {f"scheduler {address}": _packages(versions["scheduler"])}
    there |= {f"worker {name}": _packages(found) for name, found in versions["workers"].items()}
    lines = []
    for place, packages in there.items():
        for name in COMPARED:
            # A scheduler passes on what it does not read: it may do without this package.
            is_needed = not (name == "rapidity" and place.startswith("scheduler"))
            if is_needed and packages.get(name) != here[name]:
                lines.append(f"  {name}: {here[name]} here, {packages.get(name) or 'none'} at {place}")
    if lines:
        shown = "\n".join(lines[:10])
        message = (
            f"the Dask cluster at {address} has other versions than this machine:\n{shown}\n"
            "  Install the same ones on both sides; rapidity and constraints.txt of one release go together."
        )
        raise ClusterError(message)


def _packages(found: dict[str, Any]) -> dict[str, str | None]:
    """Return the versions of one machine; of Python without the patch, which changes nothing here."""
    packages = dict(found["packages"])
    packages["python"] = ".".join(packages["python"].split(".")[:2])
    return packages
