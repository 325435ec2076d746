"""A real Slurm on this machine for a while: controller, one node, authentication, in a folder of their own.

Nothing of an installed configuration is read or changed, no service manager is needed, and all sockets are on
127.0.0.1. It needs Debian's ``slurm-wlm`` and ``munge``, and root, whom their programs ask for.
As a program it starts Slurm, says which variables a shell needs for `sbatch`, and ends with Enter::

    python tests/cluster/slurm.py
"""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "scancel", "sinfo", "squeue")
LOOPBACK = "127.0.0.1"
LONGEST_WAIT_S = 60.0
CONFIGURATION = """\
ClusterName=rapidity
SlurmctldHost={host}({loopback})
SlurmctldPort={controller_port}
SlurmdPort={node_port}
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket
CredType=cred/munge
CommunicationParameters=NoCtldInAddrAny,NoInAddrAny
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
# Containers give no control groups: processes are found through /proc instead.
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
SchedulerParameters=sched_interval=1,batch_sched_delay=1
MpiDefault=none
ReturnToService=2
KillWait=1
NodeName={host} NodeAddr={loopback} CPUs={n_cpus} RealMemory={memory_mb} State=UNKNOWN
PartitionName=short Nodes={host} Default=YES MaxTime=01:00:00 State=UP
"""


def why_not() -> str | None:
    """Return why Slurm cannot be started here, or None."""
    missing = [program for program in PROGRAMS if _find(program) is None]
    if missing:
        return (
            f"Slurm is not installed ({', '.join(missing)} missing); Debian: apt-get install slurm-wlm munge"
        )
    if os.geteuid() != 0:
        return "only root may start the node of Slurm"
    return None


@contextlib.contextmanager
def run_slurm() -> Iterator[dict[str, str]]:
    """Start Slurm and yield the variables that its commands need; end it and remove its folder."""
    folder = Path(tempfile.mkdtemp(prefix="rapidity-slurm-"))
    programs: list[subprocess.Popen[bytes]] = []
    try:
        _write_configuration(folder)
        environment = {"SLURM_CONF": str(folder / "slurm.conf")}
        for command in _commands(folder):
            with (folder / f"{Path(command[0]).name}.out").open("wb") as output:
                programs.append(
                    subprocess.Popen(command, env=os.environ | environment, stdout=output, stderr=output)
                )
            _wait_for(folder, command[0], programs[-1])
        _wait_until_idle(folder, environment)
        yield environment
        _end_jobs(environment)
    finally:
        for program in reversed(programs):
            program.terminate()
        for program in reversed(programs):
            try:
                program.wait(10)
            except subprocess.TimeoutExpired:
                program.kill()
                program.wait()
        shutil.rmtree(folder, ignore_errors=True)


def _find(program: str) -> str | None:
    """Return the path of a program; those of root are not always on the path."""
    return shutil.which(program, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")


def _write_configuration(folder: Path) -> None:
    folder.chmod(0o755)
    for name in ("state", "spool"):
        (folder / name).mkdir()
    key = folder / "munge.key"
    key.write_bytes(secrets.token_bytes(128))
    key.chmod(0o400)
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    text = CONFIGURATION.format(
        host=socket.gethostname().split(".")[0],
        loopback=LOOPBACK,
        folder=folder,
        controller_port=_free_port(),
        node_port=_free_port(),
        n_cpus=os.cpu_count(),
        memory_mb=int(0.9 * memory / 2**20),
    )
    (folder / "slurm.conf").write_text(text)
    (folder / "cgroup.conf").write_text(f"CgroupPlugin={_cgroup_plugin()}\n")


def _cgroup_plugin() -> str:
    """Return the plugin that touches no control groups: releases before 23.02 cannot go without one."""
    found = subprocess.run([_find("slurmd") or "", "-V"], capture_output=True, text=True, check=True).stdout
    release = tuple(int(part) for part in found.split()[-1].split(".")[:2])
    return "disabled" if release >= (23, 2) else "cgroup/v1"


def _commands(folder: Path) -> list[list[str]]:
    """Return what is started, in this order, all in the foreground."""
    files = [f"--{option}-file={folder}/munge.{option}" for option in ("key", "pid", "seed")]
    return [
        [_find("munged") or "", "--foreground", "--force", f"--socket={folder}/munge.socket", *files],
        [_find("slurmctld") or "", "-D", "-f", f"{folder}/slurm.conf"],
        [_find("slurmd") or "", "-D", "-f", f"{folder}/slurm.conf"],
    ]


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind((LOOPBACK, 0))
        return int(listener.getsockname()[1])


def _wait_for(folder: Path, command: str, program: subprocess.Popen[bytes]) -> None:
    """Wait until a program has started: its socket or its file with the process number is there."""
    name = Path(command).name
    mark = folder / ("munge.socket" if name == "munged" else f"{name}.pid")
    end = time.monotonic() + LONGEST_WAIT_S
    while not mark.exists():
        if program.poll() is not None or time.monotonic() > end:
            raise RuntimeError(_explain(folder, f"{name} did not start"))
        time.sleep(0.05)


def _wait_until_idle(folder: Path, environment: dict[str, str]) -> None:
    end = time.monotonic() + LONGEST_WAIT_S
    while (found := _ask(["sinfo", "--noheader", "--format=%T"], environment)) != "idle":
        if time.monotonic() > end:
            raise RuntimeError(_explain(folder, f"the node does not come up: {found}"))
        time.sleep(0.2)


def _end_jobs(environment: dict[str, str]) -> None:
    """Cancel what still runs, and wait until it is gone: without the node nobody would end it."""
    _ask(["scancel", "--user=root"], environment)
    end = time.monotonic() + LONGEST_WAIT_S
    while _ask(["squeue", "--noheader"], environment) and time.monotonic() < end:
        time.sleep(0.2)


def _ask(command: list[str], environment: dict[str, str]) -> str:
    variables = os.environ | environment
    found = subprocess.run(command, env=variables, capture_output=True, text=True, check=False)
    return f"{found.stdout}{found.stderr}".strip()


def _explain(folder: Path, message: str) -> str:
    files = sorted([*folder.glob("*.log"), *folder.glob("*.out")])
    ends = {path.name: path.read_text(errors="replace").splitlines()[-20:] for path in files}
    return "\n".join([message, *(f"--- {name}\n" + "\n".join(lines) for name, lines in ends.items())])


if __name__ == "__main__":
    with run_slurm() as variables:
        print("\n".join(f"export {name}={value}" for name, value in variables.items()))
        input("Slurm runs; Enter ends it. ")
