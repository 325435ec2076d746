"""The program that holds the Dask workers of this machine: one process each, one thread in each.

A nanny beside each worker starts it again when it dies.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


def main(arguments: Sequence[str]) -> None:
    """Serve a scheduler; the arguments are its address, the number of workers, a folder for their files."""
    from distributed.cli.dask_worker import main as run_workers

    address, n_workers, folder = arguments
    run_workers(
        [
            address, "--nworkers", n_workers, "--nthreads", "1", "--host", "127.0.0.1", "--no-dashboard",
            # Memory is the user's affair, as with processes without Dask.
            "--dashboard-address", "127.0.0.1:0", "--memory-limit", "0", "--local-directory", folder,
        ],
        standalone_mode=False,
    )  # fmt: skip
