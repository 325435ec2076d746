"""The program that holds the Dask workers of this machine: one process each, one thread in each.

A nanny beside each worker starts it again when it dies.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

KEEPING_MEMORY = {"DASK_DISTRIBUTED__NANNY__PRE_SPAWN_ENVIRON": "{'MALLOC_TRIM_THRESHOLD_': None}"}
"""Dask has the C library give memory back at once: every large array is then made of new pages, which took a
third of the time of a conversion. The variable takes that back."""

SETTINGS = KEEPING_MEMORY | {
    "DASK_DISTRIBUTED__WORKER__PROFILE__ENABLED": "False",
    "DASK_DISTRIBUTED__LOGGING__DISTRIBUTED": "warning",
}
"""Environment of the workers that this package starts, by which Dask is configured."""


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
