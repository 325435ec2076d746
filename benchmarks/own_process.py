"""Measurements in a process of their own each, so that memory and warm caches are theirs alone."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import psutil

SAMPLING_SECONDS = 0.3
"""Between two looks at the memory: looking holds the processes up, so more often would cost them time."""


def peak_memory_mb() -> float:
    """Return the peak memory of this process until now."""
    status = Path("/proc/self/status")
    if status.exists():
        # Not `getrusage`: on Linux that also remembers the process that started this one.
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) * 1.024e-3
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1e-6  # bytes on macOS


def measure_file(program: str, name: str, path: Path) -> dict[str, float]:
    """Have a program, called with `--measure NAME --file PATH`, print what it measured."""
    command = [sys.executable, program, "--measure", name, "--file", str(path)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    result: dict[str, float] = json.loads(done.stdout)
    return result


def run_task(program: Path, task: str, *, is_watched: bool = False, **arguments: Any) -> dict[str, float]:
    """Return what a program prints for a task, and the peak memory of it and its children in MB.

    The memory is looked at only if asked for: looking takes time that a second one of two cores may need.
    """
    command = [sys.executable, str(program), task, json.dumps(arguments, default=str)]
    with tempfile.TemporaryFile("w+") as stream:
        process = subprocess.Popen(command, stdout=stream, text=True)
        watcher = _MemoryWatcher(process.pid)
        if is_watched:
            watcher.start()
        code = process.wait()
        if is_watched:
            watcher.join()
        stream.seek(0)
        printed = stream.read()
    if code:
        sys.exit(f"{task} ended with exit code {code}")
    return json.loads(printed.strip().splitlines()[-1]) | {"peak_mb": watcher.peak_mb}


class _MemoryWatcher(threading.Thread):
    """Watches the memory of a process and its children until it ends."""

    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self.process = psutil.Process(pid)
        self.peak_mb = 0.0

    def run(self) -> None:
        while True:
            try:
                alive = [self.process, *self.process.children(recursive=True)]
                if self.process.status() == psutil.STATUS_ZOMBIE:
                    return
            except psutil.NoSuchProcess:
                return
            self.peak_mb = max(self.peak_mb, 1e-6 * sum(map(_proportional_memory, alive)))
            time.sleep(SAMPLING_SECONDS)


def _proportional_memory(process: psutil.Process) -> int:
    try:
        return int(process.memory_full_info().pss)
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        return 0
