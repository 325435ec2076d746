"""Jobs of a real Slurm, started on this machine for these tests."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
from pathlib import Path

import pytest
from cluster import slurm
from cluster import tasks as work
from cluster.events import content, write_tree

from rapidity.config.cluster import SlurmCluster
from rapidity.core.errors import ClusterError
from rapidity.workflow import convert_files
from rapidity.workflow.execution import open_executor
from rapidity.workflow.execution.serial import SerialExecutor

REASON = slurm.why_not()
pytestmark = [
    pytest.mark.cluster,
    pytest.mark.slow,
    pytest.mark.skipif(REASON is not None, reason=str(REASON)),
]
TESTS = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def running_slurm():
    """Let the commands of Slurm talk to one of this module's own."""
    with slurm.run_slurm() as variables, pytest.MonkeyPatch.context() as patch:
        for name, value in variables.items():
            patch.setenv(name, value)
        yield


@pytest.fixture
def block(running_slurm, tmp_path):
    """Two jobs of one worker each."""
    return SlurmCluster(
        type="slurm",
        jobs=2,
        memory="1 GB",
        walltime="00:10:00",
        queue="short",
        host="127.0.0.1",
        log_directory=str(tmp_path / "logs"),
        # The tests are no package that is installed on the nodes.
        prologue=(f"export PYTHONPATH={TESTS}",),
        timeout_s=120,
    )


def jobs():
    """Return the numbers of the jobs in the queue."""
    listed = subprocess.run(
        ["squeue", "--noheader", "--format=%i"], capture_output=True, text=True, check=True
    )
    return listed.stdout.split()


def test_results_are_those_of_the_serial_executor(block, tmp_path, wait_until):
    numbers = list(range(20))
    with open_executor(block) as executor:
        found = sorted(executor.run(work.square, numbers))
        assert len(jobs()) == 2
        names = dict(
            executor.run(work.environment, ["SLURM_JOB_NAME", "SLURM_JOB_PARTITION", "OMP_NUM_THREADS"])
        )
    assert found == list(SerialExecutor().run(work.square, numbers))
    assert names == {0: "rapidity", 1: "short", 2: "1"}
    wait_until(lambda: jobs() == [])
    assert list((tmp_path / "logs").iterdir())


def test_a_conversion_is_the_same(block, tmp_path):
    files = [tmp_path / f"{seed}.root" for seed in range(3)]
    for seed, path in enumerate(files):
        write_tree(path, seed)
    alone = convert_files(files, tmp_path / "alone.h5", n_workers=1, chunk_size=50)
    shared = convert_files(files, tmp_path / "shared.h5", cluster=block, chunk_size=50)
    assert shared.n_written == alone.n_written
    assert content(tmp_path / "shared.h5") == content(tmp_path / "alone.h5")


def test_results_are_the_same_when_a_worker_is_killed(block, tmp_path, wait_until):
    mark = tmp_path / "mark"
    tasks = [work.Once(mark, 0), work.Once(TESTS, 1), work.Once(TESTS, 2)]

    def kill() -> None:
        wait_until(mark.exists)
        os.kill(int(mark.read_text()), signal.SIGKILL)

    killer = threading.Thread(target=kill)
    killer.start()
    with open_executor(block) as executor:
        found = sorted(executor.run(work.die_when_told, tasks))
    killer.join()
    assert found == [(0, 0), (1, 1), (2, 2)]


def test_a_job_that_is_cancelled_is_submitted_again(block, tmp_path, wait_until, monkeypatch):
    """As one that reaches its time limit."""
    monkeypatch.setenv("DASK_DISTRIBUTED__DEPLOY__LOST_WORKER_TIMEOUT", "1s")
    mark = tmp_path / "mark"
    one_job = block.model_copy(update={"jobs": 1})

    def cancel() -> None:
        wait_until(mark.exists)
        subprocess.run(["scancel", *jobs()], check=True)

    canceller = threading.Thread(target=cancel)
    canceller.start()
    with open_executor(one_job) as executor:
        assert list(executor.run(work.die_when_told, [work.Once(mark, 5)])) == [(0, 5)]
    canceller.join()


def test_jobs_that_end_at_once_are_an_error_with_the_place_of_their_logs(block, tmp_path):
    no_python = block.model_copy(update={"python": "no_such_python", "timeout_s": 8.0})
    with (
        pytest.raises(ClusterError, match=r"no worker for \d+ s .*have ended: look at their logs in .*logs"),
        open_executor(no_python) as executor,
    ):
        list(executor.run(work.square, [1]))
    assert any("no_such_python" in path.read_text() for path in (tmp_path / "logs").iterdir())


def test_a_refused_job_is_an_error_with_what_slurm_says(block):
    elsewhere = block.model_copy(update={"queue": "no_such_partition"})
    with (
        pytest.raises(
            ClusterError, match=r"slurm refused a job: .*(?s:.*)#SBATCH -p no_such_partition"
        ) as caught,
        open_executor(elsewhere) as executor,
    ):
        list(executor.run(work.square, [1]))
    assert "Invalid partition name specified" in str(caught.value)
    assert jobs() == []
