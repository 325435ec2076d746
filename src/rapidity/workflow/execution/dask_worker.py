"""The program of a Dask worker of this machine: one process, one thread. `dask_local` starts it.

It has no nanny, which would import everything a second time: who started it starts it again when it dies.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

from distributed import Worker

# What the first task needs, before there is one.
import rapidity.workflow.execution.worker  # noqa: F401

if TYPE_CHECKING:
    from collections.abc import Sequence


def main(arguments: Sequence[str]) -> None:
    """Serve a scheduler.

    The arguments are the number of an open file from which its address is read, as this program starts
    before the scheduler does; the name of the worker; the folder for its files, in which an empty file of
    that name says that the worker has come.
    """
    number, name, folder = arguments
    with open(int(number)) as stream:  # noqa: PTH123 - no path
        address = stream.read()
    asyncio.run(_serve(address, name, Path(folder)))


async def _serve(address: str, name: str, folder: Path) -> None:
    worker = Worker(
        address, nthreads=1, name=name, host="127.0.0.1", dashboard=False,
        # Memory is the user's affair, as with processes without Dask.
        memory_limit=0, local_directory=str(folder),
    )  # fmt: skip
    async with worker:
        (folder / name).touch()
        await worker.finished()
