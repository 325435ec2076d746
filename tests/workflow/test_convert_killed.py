"""A conversion whose process is killed goes on where it was, and ends like one that never was."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import numpy as np
import pytest

if TYPE_CHECKING:
    from pathlib import Path

N_FILES = 10
N_EVENTS = 30_000
LONGEST_S = 120.0


@pytest.fixture
def files(tmp_path):
    rng = np.random.default_rng(1)
    for number in range(N_FILES):
        columns = {f"x{index}": rng.normal(size=N_EVENTS) for index in range(5)}
        np.savez_compressed(tmp_path / f"in_{number:02}.npz", **columns)
    return tmp_path


def start(folder: Path, output: str, workers: int) -> subprocess.Popen[str]:
    command = [
        sys.executable,
        "-m",
        "rapidity",
        "convert",
        "in_*.npz",
        "-o",
        output,
        "--workers",
        str(workers),
    ]
    command += ["--select", "x0 > -1"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(
        command, cwd=folder, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )


def wait_for_parts(folder: Path, process: subprocess.Popen[str], n_parts: int) -> None:
    """Wait until the journal tells of so many parts."""
    journal = folder / "out.h5.parts" / "journal.jsonl"
    end = time.monotonic() + LONGEST_S
    while time.monotonic() < end:
        if journal.is_file() and journal.read_text().count("\n") >= n_parts:
            return
        assert process.poll() is None, "the conversion ended before it could be killed"
        time.sleep(0.002)
    pytest.fail("the conversion does not get on")


@pytest.mark.slow
@pytest.mark.parametrize("workers", [1, 2])
def test_killed_twice_and_continued_equals_uninterrupted(files, workers):
    for n_parts in (2, 5):
        process = start(files, "out.h5", workers)
        wait_for_parts(files, process, n_parts)
        process.kill()
        process.communicate()
        assert process.returncode == -9
        assert not (files / "out.h5").exists()
    process = start(files, "out.h5", workers)
    _, said = process.communicate(timeout=LONGEST_S)
    assert process.returncode == 0
    assert "Going on: " in said
    assert not (files / "out.h5.parts").exists()
    process = start(files, "whole.h5", 1)
    process.communicate(timeout=LONGEST_S)
    assert (files / "out.h5").read_bytes() == (files / "whole.h5").read_bytes()
    assert sorted(path.name for path in files.iterdir() if not path.name.startswith("in_")) == [
        "out.h5",
        "whole.h5",
    ]


def test_an_interrupt_says_what_stays(files):
    process = start(files, "out.h5", 1)
    wait_for_parts(files, process, 2)
    process.send_signal(2)
    _, said = process.communicate(timeout=LONGEST_S)
    assert process.returncode == 130
    assert "parts are done and stay in" in said
    assert "The same command goes on from there." in said
