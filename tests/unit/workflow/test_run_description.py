"""What lies in the folder of a run."""

from __future__ import annotations

import json

import pytest

from rapidity.core.errors import DataError
from rapidity.workflow import describe_run

METRICS = {
    "split": "test",
    "classes": ["background", "signal"],
    "test_auc": {"background": 0.75, "signal": 0.75},
    "test_auc_interval": {"background": [0.7, 0.8], "signal": [0.7, 0.8]},
    "accuracy": 0.5,
    "log_loss": 0.6,
}


@pytest.fixture
def run_folder(tmp_path):
    """The files of a finished run, as far as they are described."""
    folder = tmp_path / "run"
    (folder / "plots" / "inputs").mkdir(parents=True)
    (folder / "plots" / "inputs" / "pt.png").write_bytes(b"12345")
    record = {
        "name": "tiny",
        "started": "2026-01-01T00:00:00+00:00",
        "finished": "2026-01-01T00:01:00+00:00",
        "n_parameters": 1234,
        "training": {"engine": "numpy", "kept_epoch": 2},
        "warnings": ["one\nmore"],
    }
    (folder / "run.json").write_text(json.dumps(record))
    (folder / "history.csv").write_text("epoch,engine\n1,numpy\n2,numpy\n3,numpy\n")
    (folder / "metrics.json").write_text(json.dumps(METRICS))
    (folder / "model.onnx").write_bytes(b"123")
    return folder


def test_finished_run_is_described(run_folder):
    run = describe_run(run_folder)
    assert (run.name, run.status, run.engine, run.n_epochs, run.kept_epoch) == (
        "tiny",
        "finished",
        "numpy",
        3,
        2,
    )
    assert dict(run.files)["model.onnx"] == 3
    assert dict(run.files)["plots/ (1 file)"] == 5
    text = str(run)
    assert "run tiny, finished" in text
    assert "engine numpy, 3 epochs, kept epoch 2, 1,234 parameters" in text
    assert "test AUC signal   0.7500  [0.7000, 0.8000]" in text
    assert "warning: one\n" in text


def test_unfinished_run_says_how_to_go_on(run_folder):
    record = json.loads((run_folder / "run.json").read_text())
    (run_folder / "run.json").write_text(json.dumps(record | {"finished": None, "training": None}))
    (run_folder / "metrics.json").unlink()
    run = describe_run(run_folder)
    assert (run.status, run.engine, run.n_epochs, run.metrics) == ("not finished", "numpy", 3, {})
    assert "Go on with it: rapidity train ... --resume" in str(run)


def test_epochs_of_an_interrupted_run_are_those_of_its_checkpoint(run_folder):
    """After 37 epochs `inspect` said "engine unknown, 0 epochs": history.csv is written at the end."""
    (run_folder / "history.csv").unlink()
    (run_folder / "run.json").write_text(json.dumps({"name": "tiny", "started": "2026-01-01"}))
    (run_folder / "checkpoints").mkdir()
    rows = [{"epoch": 1, "engine": "torch"}, {"epoch": 2, "engine": "torch"}]
    (run_folder / "checkpoints" / "last.json").write_text(json.dumps({"epoch": 2, "history": rows}))
    assert "engine torch, 2 epochs" in str(describe_run(run_folder))
    (run_folder / "checkpoints" / "last.json").write_text("{")
    with pytest.raises(DataError, match=r"last\.json is not valid JSON .* rapidity train --overwrite"):
        describe_run(run_folder)


def test_epochs_of_folds_are_counted_together(run_folder):
    history = (run_folder / "history.csv").read_text()
    (run_folder / "history.csv").unlink()
    for index in range(2):
        (run_folder / "folds" / str(index)).mkdir(parents=True)
        (run_folder / "folds" / str(index) / "history.csv").write_text(history)
    run = describe_run(run_folder)
    assert (run.n_folds, run.n_epochs) == (2, 6)
    assert "6 epochs in 2 folds" in str(run)


def test_description_is_json(run_folder):
    content = json.loads(json.dumps(describe_run(run_folder).to_dict()))
    assert set(content) == {
        "format_version", "path", "name", "status", "started", "finished", "engine", "n_epochs", "kept_epoch",
        "n_folds", "n_parameters", "metrics", "warnings", "files",
    }  # fmt: skip
    assert content["files"]["model.onnx"] == 3


def test_folder_without_a_run_is_refused(tmp_path):
    with pytest.raises(DataError, match=r"is not the folder of a run: it has no run\.json"):
        describe_run(tmp_path)


def test_damaged_metrics_name_the_file(run_folder):
    (run_folder / "metrics.json").write_text("{")
    with pytest.raises(
        DataError, match=r"metrics\.json is not valid JSON \(.*\)\. Write it again: rapidity evaluate"
    ):
        describe_run(run_folder)
