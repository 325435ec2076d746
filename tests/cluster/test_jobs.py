"""The job scripts that batch systems get, which need no batch system to be looked at."""

from __future__ import annotations

import signal
import threading

import pytest

from rapidity.config.cluster import HTCondorCluster, LsfCluster, PbsCluster, SgeCluster, SlurmCluster
from rapidity.core.errors import ClusterError
from rapidity.workflow.execution import open_executor
from rapidity.workflow.execution.dask_jobs import make_cluster

pytestmark = pytest.mark.cluster

WORDS = {
    "jobs": 3,
    "cores": 4,
    "memory": "8 GB",
    "prologue": ("source /opt/env/bin/activate",),
    "python": "/opt/env/bin/python",
    "local_directory": "/scratch",
    "host": "127.0.0.1",
}
QUEUE = WORDS | {"queue": "long", "account": "higgs", "walltime": "02:00:00"}


@pytest.fixture
def script(monkeypatch, tmp_path):
    """Return what becomes of a block; all commands of batch systems are on this machine."""
    monkeypatch.setattr("rapidity.workflow.execution.dask_jobs.shutil.which", lambda program: program)

    def make(block):
        with_logs = block.model_copy(update={"log_directory": str(tmp_path / "logs")})
        with make_cluster(with_logs) as cluster:
            return cluster.job_script().replace(str(tmp_path), "TMP")

    return make


def require_worker(text):
    """Four workers of one thread, each with a quarter of the memory, after the user's own commands."""
    assert "/opt/env/bin/python -m distributed.cli.dask_worker tcp://127.0.0.1:" in text
    assert "--nthreads 1 --memory-limit 1.86GiB --nworkers 4 --nanny" in text
    assert "--local-directory /scratch" in text
    assert text.index("export OMP_NUM_THREADS=1") < text.index("source /opt/env") < text.index("dask_worker")
    assert "export DASK_DISTRIBUTED__NANNY__PRE_SPAWN_ENVIRON=" in text
    assert "MALLOC_TRIM_THRESHOLD_" in text


def test_slurm(script):
    text = script(SlurmCluster(type="slurm", directives=("--constraint=avx2",), **QUEUE))
    require_worker(text)
    for line in (
        "-J rapidity", "-p long", "-A higgs", "-n 1", "--cpus-per-task=4", "--mem=8G", "-t 02:00:00",
        "--constraint=avx2", "-e TMP/logs/rapidity-%J.err",
    ):  # fmt: skip
        assert f"#SBATCH {line}\n" in text


def test_pbs(script):
    text = script(PbsCluster(type="pbs", directives=("-m n",), **QUEUE))
    require_worker(text)
    for line in (
        "-N rapidity", "-q long", "-A higgs", "-l select=1:ncpus=4:mem=7630MB", "-m n",
        "-l walltime=02:00:00", "-e TMP/logs/",
    ):  # fmt: skip
        assert f"#PBS {line}\n" in text


def test_lsf(script):
    text = script(
        LsfCluster(type="lsf", directives=("-R 'select[avx2]'",), **(QUEUE | {"walltime": "02:00"}))
    )
    require_worker(text)
    for line in (
        "-J rapidity", "-q long", '-P "higgs"', "-n 4", '-R "span[hosts=1]"', "-W 02:00", "-R 'select[avx2]'",
    ):  # fmt: skip
        assert f"#BSUB {line}\n" in text


def test_sge(script):
    text = script(SgeCluster(type="sge", parallel_environment="smp", directives=("-j y",), **QUEUE))
    require_worker(text)
    for line in (
        "-N rapidity",
        "-q long",
        "-P higgs",
        "-l h_rt=02:00:00",
        "-pe smp 4",
        "-j y",
        "-e TMP/logs/",
    ):
        assert f"#$ {line}\n" in text


def test_htcondor(script):
    text = script(
        HTCondorCluster(
            type="htcondor", disk="2 GB", max_runtime_s=7200, accounting_group="group_higgs",
            directives=('+JobFlavour = "workday"', "Requirements = (OpSysAndVer == \"AlmaLinux9\")"), **WORDS
        )
    )  # fmt: skip
    require_worker(text)
    for line in (
        "MY.DaskWorkerCores = 4", "MY.DaskWorkerMemory = 8000000000", "MY.DaskWorkerDisk = 2000000000",
        "+MaxRuntime = 7200", "accounting_group = group_higgs", '+JobFlavour = "workday"',
        'Requirements = (OpSysAndVer == "AlmaLinux9")', "LogDirectory = TMP/logs",
    ):  # fmt: skip
        assert f"{line}\n" in text


def test_a_missing_command_is_told(monkeypatch):
    monkeypatch.setattr("rapidity.workflow.execution.dask_jobs.shutil.which", lambda _: None)
    block = PbsCluster(type="pbs", jobs=1, memory="1 GB")
    with pytest.raises(ClusterError, match="its command 'qsub' is not on this machine"), open_executor(block):
        pass


def test_ctrl_c_still_interrupts(script):
    """Importing dask-jobqueue has it end the program with the exit code 0."""
    script(SlurmCluster(type="slurm", **QUEUE))
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_other_threads_are_refused():
    caught = []

    def work():
        try:
            make_cluster(SlurmCluster(type="slurm", jobs=1, memory="1 GB"))
        except ClusterError as error:
            caught.append(str(error))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert caught == ["a cluster of jobs can be opened in the main thread of a program alone. Open it there"]
