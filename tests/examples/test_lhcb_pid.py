"""The example `lhcb_pid` on a few simulated tracks: every file that the exercise asks for."""

from __future__ import annotations

import json
import runpy
import shutil
import sys
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
from pyarrow import csv

from rapidity.samples import generate
from rapidity.samples.lhcb.columns import CLASSES, COLUMNS, LABEL
from rapidity.workflow import Run, predict_files, train_run

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "lhcb_pid"
QUICK = ["training.epochs=8", "training.batch_size=128", "evaluation.bootstrap=5"]
DELIVERED = ("particles.onnx", "particles.json", "roc.png", "train.png", "confusion.png")


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    target = tmp_path_factory.mktemp("example") / "lhcb_pid"
    shutil.copytree(EXAMPLE, target, ignore=shutil.ignore_patterns("runs", "*.csv*"))
    generate("lhcb_pid", target / "training.csv.gz", n_events=4800, seed=1, workers=1)
    generate("lhcb_pid", target / "test.csv.gz", n_events=600, seed=2, workers=1, labelled=False)
    return target


@pytest.fixture(scope="module")
def train(folder):
    """Return a function that trains the example with an engine."""

    def build(engine: str, *overrides: str) -> Run:
        output = folder / "runs" / engine
        return train_run(folder / "config.yaml", output=output, engine=engine, overrides=[*QUICK, *overrides])

    return build


@pytest.fixture(scope="module")
def run(train) -> Run:
    return train("torch")


@pytest.mark.torch
@pytest.mark.slow
def test_the_files_of_the_exercise_are_there(run):
    assert all((run.folder / name).stat().st_size > 0 for name in DELIVERED)
    metrics = json.loads((run.folder / "particles.json").read_text(encoding="utf-8"))
    assert list(metrics) == ["test_auc"]
    assert tuple(metrics["test_auc"]) == CLASSES
    assert metrics["test_auc"]["Electron"] > 0.95


@pytest.mark.torch
@pytest.mark.slow
def test_the_model_takes_one_matrix_in_the_order_of_the_file(run, folder):
    session = onnxruntime.InferenceSession(run.folder / "particles.onnx")
    (entry,) = session.get_inputs()
    assert entry.type == "tensor(float)"
    assert tuple(run.model.inputs) == tuple(COLUMNS)
    table = csv.read_csv(folder / "training.csv.gz").drop_columns([LABEL])
    matrix = np.column_stack([column.to_numpy() for column in table.columns]).astype(np.float32)
    probabilities = session.run(None, {entry.name: matrix})[0]
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=1e-5)


@pytest.mark.torch
@pytest.mark.slow
def test_a_file_without_labels_is_predicted_the_same_by_script_and_verb(run, folder, monkeypatch, capsys):
    by_script, by_verb = run.folder / "prediction.csv", run.folder / "scores.csv"
    arguments = [str(run.folder / "particles.onnx"), str(folder / "test.csv.gz"), str(by_script)]
    monkeypatch.setattr(sys, "argv", ["predict.py", *arguments])
    runpy.run_path(str(folder / "predict.py"), run_name="__main__")
    assert "600 tracks" in capsys.readouterr().out
    predict_files(run.path.model, [folder / "test.csv.gz"], by_verb, spectators=["ID"])
    script, verb = csv.read_csv(by_script), csv.read_csv(by_verb)
    assert script["ID"].to_pylist() == verb["ID"].to_pylist() == list(range(600))
    for name in CLASSES:
        np.testing.assert_allclose(script[name].to_numpy(), verb[f"score_{name}"].to_numpy(), atol=2e-6)


@pytest.mark.tensorflow
@pytest.mark.slow
def test_another_engine_is_the_only_change(train, monkeypatch):
    # A hundred figures more would say nothing new.
    monkeypatch.setattr("rapidity.workflow.train.draw_figures", lambda *_: {})
    figures = [f"deliver.{name}=null" for name in ("roc", "history", "confusion")]
    run = train("tensorflow", *figures)
    metrics = json.loads((run.folder / "particles.json").read_text(encoding="utf-8"))
    assert metrics["test_auc"]["Electron"] > 0.95
