"""A Dask cluster that was there before."""

from __future__ import annotations

import socket

import pytest
from cluster import tasks as work

from rapidity.config.cluster import SchedulerCluster
from rapidity.core.errors import ClusterError
from rapidity.workflow.execution import open_executor
from rapidity.workflow.execution.dask_cluster import _listens_here_alone, require_same_versions
from rapidity.workflow.execution.serial import SerialExecutor

pytestmark = pytest.mark.cluster


@pytest.fixture
def versions():
    """What Dask finds where all is the same."""
    packages = {"python": "3.11.7.final.0", "dask": "2026.8.0", "distributed": "2026.8.0", "rapidity": "1.2"}
    client, scheduler, worker = ({"host": {}, "packages": dict(packages)} for _ in range(3))
    return {"client": client, "scheduler": scheduler, "workers": {"tcp://10.0.0.1:1": worker}}


def test_results_are_those_of_the_serial_executor(scheduler, capsys):
    scheduler.start_worker()
    with open_executor(scheduler.address) as executor:
        assert sorted(executor.run(work.square, range(20))) == list(
            SerialExecutor().run(work.square, range(20))
        )
    with open_executor(scheduler.address) as executor:
        # It still runs for the next one.
        assert executor.n_workers == 1
        assert list(executor.run(work.square, [7])) == [(0, 49)]


@pytest.mark.parametrize(
    ("address", "is_local"),
    [
        ("tcp://127.0.0.1:8786", True),
        ("tls://[::1]:8786", True),
        ("tcp://10.0.0.1:8786", False),
        ("tcp://head:1", False),
    ],
)
def test_workers_of_a_scheduler_on_the_loopback_network_are_here(address, is_local):
    assert _listens_here_alone(address) == is_local


def test_a_cluster_without_workers_is_an_error_after_a_while(scheduler):
    block = SchedulerCluster(type="scheduler", address=scheduler.address, timeout_s=2.0)
    with (
        pytest.raises(
            ClusterError, match=r"no worker for \d+ s \(limit: timeout_s = 2\)\. Start some with: dask"
        ),
        open_executor(block) as executor,
    ):
        list(executor.run(work.square, [1]))


def test_a_scheduler_that_goes_away_is_an_error(scheduler):
    block = SchedulerCluster(type="scheduler", address=scheduler.address, timeout_s=5.0)
    with open_executor(block) as executor:
        results = executor.run(work.square, [1])
        scheduler.stop()
        with pytest.raises(ClusterError, match="the connection to"):
            next(results)


def test_a_scheduler_that_is_not_there_is_an_error_in_time():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        address = f"tcp://127.0.0.1:{listener.getsockname()[1]}"
    block = SchedulerCluster(type="scheduler", address=address, timeout_s=1.0)
    with (
        pytest.raises(ClusterError, match=rf"no Dask scheduler answers at {address} \(tried for \d+ s\)"),
        open_executor(block),
    ):
        pass


def test_something_else_that_listens_is_an_error_in_time():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        address = f"tcp://127.0.0.1:{listener.getsockname()[1]}"
        block = SchedulerCluster(type="scheduler", address=address, timeout_s=1.0)
        with pytest.raises(ClusterError, match="no Dask scheduler answers at"), open_executor(block):
            pass


def test_the_address_of_a_worker_is_refused(scheduler):
    scheduler.start_worker()
    with open_executor(scheduler.address) as executor:
        list(executor.run(work.square, [1]))
        worker = next(iter(executor._client.nthreads()))
    with pytest.raises(ClusterError, match="is a Dask worker, not a scheduler"), open_executor(worker):
        pass


def test_the_same_versions_are_right(versions):
    versions["scheduler"]["packages"]["rapidity"] = None
    versions["client"]["packages"]["python"] = "3.11.9.final.0"
    require_same_versions(versions, "tcp://a:1")


@pytest.mark.parametrize(
    ("side", "name", "found", "message"),
    [
        (
            "scheduler",
            "distributed",
            "2020.1.0",
            r"distributed: 2026.8.0 here, 2020.1.0 at scheduler tcp://a:1",
        ),
        ("workers", "python", "3.12.1.final.0", r"python: 3.11 here, 3.12 at worker tcp://10.0.0.1:1"),
        ("workers", "rapidity", None, r"rapidity: 1.2 here, none at worker tcp://10.0.0.1:1"),
    ],
)
def test_other_versions_are_named(versions, side, name, found, message):
    there = versions["workers"]["tcp://10.0.0.1:1"] if side == "workers" else versions["scheduler"]
    there["packages"][name] = found
    with pytest.raises(ClusterError, match=message):
        require_same_versions(versions, "tcp://a:1")


def test_a_worker_of_another_release_is_refused(scheduler, monkeypatch):
    """Also one that comes when the work has begun."""
    scheduler.start_worker()
    with open_executor(scheduler.address) as executor:
        monkeypatch.setattr("rapidity.workflow.execution.dask_executor.our_version", lambda: "0.0.1")
        with pytest.raises(
            ClusterError, match=r"a Dask worker on .* has rapidity .*, but the caller has 0\.0\.1"
        ):
            list(executor.run(work.square, [1]))
