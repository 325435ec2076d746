"""Configurations on leptons and on digits run as they are, on a few random events in place of the generated.

Those on MNIST run on the small digits that scikit-learn carries. Images and clouds: `test_networks.py`.
"""

from __future__ import annotations

import re
import runpy
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest

from rapidity.data.writers import write_compound_hdf5
from rapidity.samples.dilepton import COLUMNS
from rapidity.samples.public import fetch
from rapidity.workflow import train_run

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
LABS = sorted(EXAMPLES.glob("mnist_*/*.yaml"))
CONFIGS = sorted(
    path
    for folder in ("hww_ttbar", "classifier_exercise")
    for path in EXAMPLES.glob(f"{folder}/*.yaml")
    if path.name != "own_module.yaml"
)
N_EVENTS = 400
FEATURES = tuple(COLUMNS)


def make_process(scale: float, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Return random values for every column of the sample; a third of the events have no second jet."""
    columns = {name: rng.normal(0, scale, N_EVENTS) for name in FEATURES}
    for name in ("lepton0", "lepton1", "jet0", "jet1"):
        momentum = np.sqrt(sum(columns[f"{name}_{axis}"] ** 2 for axis in ("px", "py", "pz")))
        columns[f"{name}_energy"] = np.hypot(momentum, columns[f"{name}_mass"])
    columns["Njets"] = rng.integers(0, 6, N_EVENTS).astype(float)
    missing = rng.random(N_EVENTS) < 1 / 3
    for name in FEATURES:
        if name.startswith("jet1") or name == "angle_between_jets":
            columns[name][missing] = -999.0
    columns["event_number"] = np.arange(N_EVENTS)
    columns["event_weight"] = np.full(N_EVENTS, 0.01 * scale)
    return columns


@pytest.fixture
def folder(tmp_path):
    """Return a function that copies an example and puts events beside it."""

    def copy(example: Path) -> Path:
        target = tmp_path / example.name
        shutil.copytree(example, target)
        rng = np.random.default_rng(1)
        datasets = {"Signal": make_process(40.0, rng), "Background": make_process(60.0, rng)}
        write_compound_hdf5(target / "hww_ttbar.h5", datasets, {})
        return target

    return copy


@pytest.mark.torch
@pytest.mark.parametrize("config", CONFIGS, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_example_runs(config, folder, tmp_path):
    copied = folder(config.parent) / config.name
    run = train_run(copied, output=tmp_path / "run", overrides=["training.epochs=2"])
    assert run.path.model.is_file()
    assert 0 <= run.metrics["test_auc"]["signal"] <= 1


@pytest.mark.slow
@pytest.mark.parametrize("config", LABS, ids=lambda path: path.parent.name)
def test_lab_runs_on_the_small_digits(config, tmp_path):
    copied = tmp_path / config.parent.name
    shutil.copytree(config.parent, copied)
    fetch("digits", copied / "mnist")
    # Few images make few steps: small batches instead.
    overrides = ["training.epochs=4", "training.batch_size=32", "evaluation.bootstrap=10"]
    run = train_run(copied / config.name, output=tmp_path / "run", overrides=overrides)
    assert run.metrics["accuracy"] > 0.85
    assert sum(run.metrics["counts"]["test"].values()) == 360
    assert (run.path.interactive / "confusion.html").is_file()
    probed = re.search(r"--layer (\w+)", (copied / "README.md").read_text(encoding="utf-8"))
    if probed is not None:
        metrics = run.probe(probed.group(1), "label % 2").metrics
        assert metrics["accuracy"] > 0.85 > metrics["probe"]["majority_accuracy"]


@pytest.mark.torch
def test_own_module_runs(folder, tmp_path, monkeypatch, capsys):
    copied = folder(EXAMPLES / "classifier_exercise")
    config = copied / "own_module.yaml"
    config.write_text(config.read_text().replace("epochs: 50", "epochs: 2"))
    monkeypatch.setattr(sys, "argv", ["own_module.py", "--output", str(tmp_path / "run")])
    runpy.run_path(str(copied / "own_module.py"), run_name="__main__")
    assert "ONNX parity" in capsys.readouterr().out


def test_every_example_has_a_readme_that_names_its_files():
    for folder in EXAMPLES.iterdir():
        text = (folder / "README.md").read_text(encoding="utf-8")
        assert all(
            path.name in text for path in folder.iterdir() if path.name != "README.md" and path.is_file()
        )
