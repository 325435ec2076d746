"""How many folds to train at the same time: as many as cores and memory allow, where that gains anything."""

from __future__ import annotations

import math
import os
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rapidity.config.training import Training
    from rapidity.workflow.prepare import PreparedRun

PROCESS_BYTES = 700_000_000
"""Of a process before it reads any events, with the largest of the engines."""
USED_SHARE = 0.8
"""Part of the memory that is free to be planned with: estimates are no promises."""
SECONDS_OF_A_START = 8.0
"""Time until a new process trains: imports, reading the events."""
OPERATIONS_PER_SECOND = 5e9
"""Multiplications and additions of one core in small matrix products, about."""
SECONDS_OF_A_STEP = 1e-4
"""Overhead of one step."""
GPU_FILES = (Path("/dev/nvidiactl"), Path("/dev/kfd"))


def choose_workers(prepared: PreparedRun, training: Training) -> int:
    """Return how many folds to train at the same time; 1 stands for this process alone.

    Parameters
    ----------
    prepared
        The events as prepared for one of the folds.
    training
        That of the whole run: `training.folds.workers` decides, if it is given.
    """
    folds = training.folds
    if folds is None:
        return 1
    if folds.workers is not None:
        return min(folds.workers, folds.count)
    if prepared.config.data.memory is not None:
        # The bound is one of the run, and every process would keep to it by itself.
        return 1
    if _may_use_gpu(training) or training_seconds(prepared) * folds.count < 2 * SECONDS_OF_A_START:
        return 1
    fitting = int(free_memory() * USED_SHARE) // worker_bytes(prepared)
    return max(1, min(folds.count, len(os.sched_getaffinity(0)), fitting))


def worker_bytes(prepared: PreparedRun) -> int:
    """Return the memory that a process needs that trains a fold, estimated.

    The table, the prepared numbers of its events once for the training and once in the engine, and the
    process itself.
    """
    columns = sum(int(values.nbytes) for values in prepared.table.columns.values())
    numbers = sum(math.prod(shape) for shape in prepared.preparation.input_shapes().values())
    return PROCESS_BYTES + columns + prepared.table.n_events * (2 * 4 * numbers + 64)


def training_seconds(prepared: PreparedRun) -> float:
    """Return how long one core trains one fold, to an order of magnitude.

    Six operations a parameter and event: two forwards, four backwards.
    """
    config, n_events = prepared.config.training, prepared.train_weights.rows.n_events
    batch = n_events if config.batch_size == "all" else config.batch_size
    an_epoch = 6.0 * prepared.network.n_parameters * n_events / OPERATIONS_PER_SECOND
    return config.epochs * (an_epoch + SECONDS_OF_A_STEP * math.ceil(n_events / batch))


def free_memory() -> float:
    """Return the bytes of memory that programs may still take: of the machine, or of our control group."""
    found = [_memory_of_machine(), _memory_of_group()]
    return min(found)


def _memory_of_machine() -> float:
    try:
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
    except OSError:
        return math.inf
    sizes = [int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable:")]
    return sizes[0] if sizes else math.inf


def _memory_of_group(folder: Path = Path("/sys/fs/cgroup")) -> float:
    """Return what is left of the limit of a container; infinity without a limit."""
    try:
        limit = (folder / "memory.max").read_text(encoding="ascii").strip()
        used = int((folder / "memory.current").read_text(encoding="ascii"))
    except (OSError, ValueError):
        return math.inf
    return math.inf if limit == "max" else max(int(limit) - used, 0)


def _may_use_gpu(training: Training) -> bool:
    """Whether the engine may take a GPU, whose memory nobody here knows: folds then come one by one."""
    if training.engine == "numpy" or training.device == "cpu":
        return False
    return training.device == "gpu" or any(path.exists() for path in GPU_FILES)
