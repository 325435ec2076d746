"""Whole runs with each engine: alone, without the others' libraries, and going on where another stopped."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from contextlib import contextmanager

import pytest

from rapidity.core.errors import InterruptedRunError
from rapidity.core.progress import SilentProgress
from rapidity.workflow import Run, train_run

AGREEMENT = 1e-3
"""Relative, on losses after four epochs of which the last two are another engine's."""
FOUR_EPOCHS = {"epochs": 4, "batch_size": 128, "device": "cpu", "optimizer": {"type": "adam"}}

WITHOUT_LIBRARIES = """
import sys
for name in ("torch", "tensorflow", "keras"):
    sys.modules[name] = None
from rapidity.cli import main
sys.argv = ["rapidity", "train", *sys.argv[1:]]
main()
"""


class StopAfter(SilentProgress):
    """Is interrupted in the training after some epochs; keeps the notes."""

    def __init__(self, n_epochs=None):
        self.n_epochs = n_epochs
        self.notes = []

    def note(self, message):
        self.notes.append(message)

    @contextmanager
    def task(self, description, total=None, unit=""):
        self.is_training = description == "Training"
        yield self

    def advance(self, amount=1, **fields):
        if self.is_training and fields and self.n_epochs is not None:
            self.n_epochs -= 1
            if self.n_epochs == 0:
                raise KeyboardInterrupt


@pytest.fixture
def prepare(tmp_path, tiny_events, save_csv, write_config, without_plots):
    """Return a function that writes the events and a configuration, and returns its path."""

    def write(**blocks):
        save_csv(tmp_path / "events.csv", tiny_events(600))
        return write_config(tmp_path / "config.yaml", **blocks)

    return write


def read_history(run: Run) -> list[dict[str, str]]:
    with run.path.history.open(newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.numpy
def test_a_whole_run_needs_no_other_library(prepare, tmp_path):
    """In a program of its own in which PyTorch, TensorFlow and Keras cannot be imported."""
    config, folder = prepare(training=FOUR_EPOCHS, evaluation={"bootstrap": 3}), tmp_path / "run"
    arguments = [str(config), "--engine", "numpy", "--output", str(folder), "--quiet"]
    found = subprocess.run(
        [sys.executable, "-c", WITHOUT_LIBRARIES, *arguments], capture_output=True, text=True, check=False
    )
    assert found.returncode == 0, found.stderr
    record = json.loads((folder / "run.json").read_text())
    assert record["training"]["engine"] == "numpy"
    assert record["parity"]["max_deviation"] <= record["parity"]["tolerance"]
    assert (folder / "model.onnx").stat().st_size > 0


@pytest.mark.numpy
def test_a_missing_engine_names_those_that_are_there(prepare):
    config = prepare()
    found = subprocess.run(
        [sys.executable, "-c", WITHOUT_LIBRARIES, str(config), "--engine", "torch"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert found.returncode == 2
    assert "needs PyTorch, which is not installed" in found.stderr
    assert "pip install 'rapidity[torch]', or set engine: numpy" in " ".join(found.stderr.split())


@pytest.mark.torch
@pytest.mark.numpy
@pytest.mark.parametrize(("first", "second"), [("torch", "numpy"), ("numpy", "torch")])
def test_another_engine_goes_on_with_a_run(first, second, prepare, tmp_path):
    config = prepare(training=FOUR_EPOCHS)
    straight = train_run(config, output=tmp_path / "straight", engine=first)
    with pytest.raises(InterruptedRunError, match="epoch 2 of 4 is saved"):
        train_run(config, output=tmp_path / "mixed", engine=first, progress=StopAfter(2))
    progress = StopAfter()
    mixed = train_run(config, output=tmp_path / "mixed", engine=second, resume=True, progress=progress)
    (note,) = [line for line in progress.notes if "goes on with" in line]
    assert f"after epoch 2 the training goes on with engine {second} (so far {first})" in note
    assert mixed.record["training"]["engines"] == [
        {"engine": first, "first_epoch": 1, "last_epoch": 2},
        {"engine": second, "first_epoch": 3, "last_epoch": 4},
    ]
    rows, expected = read_history(mixed), read_history(straight)
    assert [row["engine"] for row in rows] == [first, first, second, second]
    for row, wanted in zip(rows, expected, strict=True):
        for name in ("train_loss", "validation_loss"):
            assert float(row[name]) == pytest.approx(float(wanted[name]), rel=AGREEMENT)
    assert mixed.metrics["log_loss"] == pytest.approx(straight.metrics["log_loss"], rel=AGREEMENT)
