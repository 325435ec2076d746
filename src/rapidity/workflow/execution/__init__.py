"""Where tasks run: in this process, in processes of this machine, or on a Dask cluster.

Entry: `open_executor`. What a task does is told by a function of the floor that it belongs to.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from rapidity.core.errors import ConfigError
from rapidity.core.processors import default_workers
from rapidity.workflow.execution.executor import Executor
from rapidity.workflow.execution.processes import ProcessExecutor
from rapidity.workflow.execution.serial import SerialExecutor

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rapidity.config.cluster import ClusterBlock
    from rapidity.core.progress import Progress


@contextmanager
def open_executor(
    cluster: str | ClusterBlock | None = None,
    n_workers: int | None = None,
    progress: Progress | None = None,
    *,
    works_too: bool = False,
) -> Iterator[Executor]:
    """Open what runs tasks, for a ``with`` block; leaving the block ends all that was started for it.

    Parameters
    ----------
    cluster
        The text of ``--cluster`` (``local:4``, ``tcp://host:8786``, a YAML file), a `cluster:` block, or
        None for this machine without Dask.
    n_workers
        Number of processes if there is no cluster: 1 works in this process alone, None takes as many as
        there are processors for this process.
    progress
        Told where a cluster is, and when no worker of it has come yet.
    works_too
        Whether this process is one of the `n_workers`: see `ProcessExecutor`.

    Raises
    ------
    ConfigError
        If the text of `cluster` is not understood, or there are fewer workers than one.
    ClusterError
        If Dask is not installed, or the cluster cannot be had.
    """
    if cluster is not None:
        from rapidity.config.cluster import parse_cluster
        from rapidity.workflow.execution.dask_cluster import open_dask_executor

        block = parse_cluster(cluster) if isinstance(cluster, str) else cluster
        with open_dask_executor(block, progress) as executor:
            yield executor
        return
    count = default_workers() if n_workers is None else n_workers
    if count < 1:
        message = f"the number of workers is {count}. Give 1 or more"
        raise ConfigError(message)
    if count == 1:
        yield SerialExecutor()
        return
    with ProcessExecutor(count, works_too=works_too) as pool:
        yield pool


__all__ = ["Executor", "open_executor"]
