"""The `cluster:` block: which machines share the work; and what the text after `--cluster` means."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, ValidationError, field_validator

from rapidity.config.document import read_document
from rapidity.config.problems import collect_problems, format_problems
from rapidity.core.block import Block
from rapidity.core.errors import ConfigError, shorten

Count = Annotated[int, Field(gt=0)]
Seconds = Annotated[float, Field(gt=0)]
MEMORY = r"^\d+(\.\d+)? ?[kKMGTP]?i?B$"


class LocalCluster(Block):
    """Dask workers on this machine, each a process with one thread."""

    type: Literal["local"]
    workers: Count
    """Number of worker processes."""
    retries: Annotated[int, Field(ge=0)] = 3
    """How often a task is tried again whose worker died."""
    timeout_s: Seconds = 120.0
    """Longest time without any worker, in seconds."""


class SchedulerCluster(Block):
    """A Dask cluster that is there already."""

    type: Literal["scheduler"]
    address: Annotated[str, Field(pattern=r"^(tcp|tls|ucx|ws|wss)://.+")]
    """Where its scheduler listens, such as `tcp://host:8786`."""
    timeout_s: Seconds = 30.0
    """Longest time to reach the scheduler, and longest time without any worker, in seconds."""


class _BatchCluster(Block):
    """Dask workers in jobs of a batch system."""

    jobs: Count
    """Number of jobs to submit."""
    cores: Count = 1
    """Cores of a job; each runs one worker process with one thread."""
    memory: Annotated[str, Field(pattern=MEMORY)]
    """Memory of a job, such as `4 GB`, shared by its workers."""
    directives: tuple[str, ...] = ()
    """Further lines for the head of the job script, without the marker (`#SBATCH` and so on)."""
    prologue: tuple[str, ...] = ()
    """Shell commands that a job begins with, such as `source .venv/bin/activate`."""
    python: str | None = None
    """Interpreter of the workers. Left out: the one that runs now."""
    log_directory: str | None = None
    """Folder for what jobs print; made if it is not there. Left out: what the batch system does."""
    local_directory: str | None = None
    """Folder on the node for what workers put aside. Left out: that of temporary files."""
    interface: str | None = None
    """Network interface, such as `ib0`, that scheduler and workers talk over."""
    host: str | None = None
    """Name or address of this machine for the workers. Left out: what the network says."""
    retries: Annotated[int, Field(ge=0)] = 3
    """How often a task is tried again whose worker died."""
    timeout_s: Seconds | None = None
    """Longest time without any worker, in seconds. Left out: jobs may wait in the queue for ever."""


class _QueueCluster(_BatchCluster):
    walltime: Annotated[str, Field(pattern=r"^(\d+-)?\d+(:\d\d){1,2}$")] | None = None
    """Longest time of a job, such as `02:00:00` (LSF: `02:00`). Left out: half an hour."""
    queue: str | None = None
    """Queue (partition) to submit to."""
    account: str | None = None
    """Account or project that pays."""


class SlurmCluster(_QueueCluster):
    """Dask workers in jobs of Slurm."""

    type: Literal["slurm"]


class PbsCluster(_QueueCluster):
    """Dask workers in jobs of PBS."""

    type: Literal["pbs"]


class LsfCluster(_QueueCluster):
    """Dask workers in jobs of LSF."""

    type: Literal["lsf"]


class SgeCluster(_QueueCluster):
    """Dask workers in jobs of Grid Engine."""

    type: Literal["sge"]
    parallel_environment: str | None = None
    """Parallel environment for jobs of several cores, such as `smp`."""


class HTCondorCluster(_BatchCluster):
    """Dask workers in jobs of HTCondor."""

    type: Literal["htcondor"]
    disk: Annotated[str, Field(pattern=MEMORY)] = "1 GB"
    """Disk space of a job."""
    max_runtime_s: Count | None = None
    """Longest time of a job, in seconds (the attribute `+MaxRuntime`, which CERN and DESY heed)."""
    accounting_group: str | None = None
    """Group that pays."""

    @field_validator("directives")
    @classmethod
    def _directives_are_assignments(cls, lines: tuple[str, ...]) -> tuple[str, ...]:
        for line in lines:
            if "=" not in line:
                message = f"'{line}' is not of the form NAME = VALUE, as HTCondor has it. Write it so"
                raise ValueError(message)
        return lines


BatchCluster = SlurmCluster | PbsCluster | LsfCluster | SgeCluster | HTCondorCluster
ClusterBlock = Annotated[LocalCluster | SchedulerCluster | BatchCluster, Field(discriminator="type")]
"""What the `cluster:` block of a configuration may hold."""


class _ClusterFile(Block):
    cluster: ClusterBlock


def parse_cluster(text: str) -> LocalCluster | SchedulerCluster | BatchCluster:
    """Return what ``--cluster TEXT`` means: ``local:4``, ``tcp://host:8786``, or a YAML file.

    Of the file, which may be the configuration of a run, the block `cluster:` alone is read.

    Raises
    ------
    ConfigError
        If it is none of these, or the block has mistakes.

    Examples
    --------
    >>> parse_cluster("local:4").workers
    4
    """
    kind, _, rest = text.partition(":")
    if kind == "local" and rest.isdecimal() and int(rest) > 0:
        return LocalCluster(type="local", workers=int(rest))
    if "://" in text:
        try:
            return SchedulerCluster(type="scheduler", address=text)
        except ValidationError as error:
            raise ConfigError(_not_understood(text)) from error
    if text.endswith((".yaml", ".yml")):
        return load_cluster(Path(text))
    raise ConfigError(_not_understood(text))


def load_cluster(path: Path) -> LocalCluster | SchedulerCluster | BatchCluster:
    """Return the `cluster:` block of a YAML file.

    Raises
    ------
    ConfigError
        If the file cannot be read or has no such block, and with every problem in the block.
    """
    document = read_document(path, "a block `cluster:`")
    if document.values.get("cluster") is None:
        found = shorten(document.values)
        message = (
            f"{path} has no block `cluster:` (found: {found}). Write one, such as\n"
            "  cluster: {type: slurm, jobs: 10, cores: 4, memory: 8 GB, walltime: 02:00:00}"
        )
        raise ConfigError(message)
    try:
        return _ClusterFile.model_validate({"cluster": document.values["cluster"]}).cluster
    except ValidationError as error:
        problems = collect_problems(error, _ClusterFile, document)
        raise ConfigError(format_problems(problems, str(path))) from error


def _not_understood(text: str) -> str:
    return (
        f"--cluster '{text}' is not understood. Write local:N for N workers on this machine, "
        "tcp://HOST:PORT for a Dask scheduler that runs, or the path of a .yaml file with a block `cluster:`"
    )
