"""A training that is killed and resumed ends like one that never was."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import time
from pathlib import Path

import pytest

SCRIPT = Path(__file__).with_name("resumable_training.py")
N_KILLS = 3
MOST_EPOCHS = 3
LONGEST_WAIT_S = 0.2


def start(folder: Path, engine: str) -> subprocess.Popen[str]:
    folder.mkdir(exist_ok=True)
    command = [sys.executable, str(SCRIPT), str(folder), engine]
    # One thread: the training is too small for more, and on a busy machine they wait for each other.
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)


def kill_after(process: subprocess.Popen[str], n_epochs: int, wait_s: float) -> None:
    assert process.stdout is not None
    for _ in range(1 + n_epochs):  # the first line comes before the first epoch
        assert process.stdout.readline() == "epoch\n"
    time.sleep(wait_s)
    process.kill()
    process.communicate()


def finish(process: subprocess.Popen[str], folder: Path) -> dict[str, object]:
    process.communicate(timeout=120)
    assert process.returncode == 0
    return dict(json.loads((folder / "result.json").read_text()))


@pytest.mark.slow
@pytest.mark.parametrize(
    "engine", [pytest.param("torch", marks=pytest.mark.torch), pytest.param("numpy", marks=pytest.mark.numpy)]
)
def test_killed_at_random_moments_and_resumed_equals_uninterrupted(tmp_path, engine):
    seed = time.time_ns() % 1_000_000
    rng = random.Random(seed)
    straight, killed = tmp_path / "straight", tmp_path / "killed"
    uninterrupted = start(straight, engine)
    kills = []
    for _ in range(N_KILLS):
        moment = rng.randint(0, MOST_EPOCHS), rng.uniform(0, LONGEST_WAIT_S)
        kill_after(start(killed, engine), *moment)
        epoch = json.loads((killed / "checkpoints" / "last.json").read_text())["epoch"]
        kills.append((*moment, epoch))
    assert not (killed / "result.json").exists()
    expected = finish(uninterrupted, straight)
    found = finish(start(killed, engine), killed)
    assert found == expected, f"seed {seed}: (epochs, seconds, checkpoint) of the kills: {kills}"
