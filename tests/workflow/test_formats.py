"""A whole run on events in every format: what lies in the folder, and that the model file stands alone."""

from __future__ import annotations

import csv

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import numpy_helper

from rapidity.core.files import hash_file
from rapidity.workflow import train_run

pytestmark = pytest.mark.torch
pytest.importorskip("torch")

TOLERANCE = 1e-6  # of probabilities in float32 that the same graph gives for other batches
METRICS_KEYS = {
    "split", "classes", "test_auc", "test_auc_interval", "log_loss", "accuracy", "confusion_matrix",
    "counts", "yields",
}  # fmt: skip


def read_scores(run):
    import pyarrow.parquet

    return {
        name: np.array(values)
        for name, values in pyarrow.parquet.read_table(run.path.scores).to_pydict().items()
    }


def model_constants(run):
    """Return every array inside the model file: parameters, fitted scaling, sentinels."""
    graph = onnx.load(run.path.model).graph
    return {constant.name: numpy_helper.to_array(constant) for constant in graph.initializer}


def test_whole_run_on_every_format(stored, train):
    data = {**stored.data, "event_weight": "weight", "event_key": ["event"], "spectators": ["event"]}
    run = train(data=data)
    check_folder(run)
    check_scores(run, stored)
    check_model_alone(run, stored)
    check_runs_again(run, stored)


def check_folder(run):
    names = {path.name for path in run.folder.iterdir()}
    expected = {
        "config.yaml", "run.json", "model.onnx", "metrics.json", "history.csv", "scores.parquet",
        "report.html", "checkpoints",
    }  # fmt: skip
    assert names == expected  # and nothing half-written
    assert set(run.metrics) >= METRICS_KEYS
    assert set(run.metrics["test_auc"]) == {"background", "signal"}
    assert sum(run.metrics["counts"]["test"].values()) == 120
    assert run.record["parity"]["max_deviation"] <= run.record["parity"]["tolerance"]
    with run.path.history.open() as stream:
        assert [row["epoch"] for row in csv.DictReader(stream)] == ["1", "2"]
    page = run.path.report.read_text(encoding="utf-8")
    assert "ONNX parity" in page
    assert all(hash_file(path) == digest for path, digest in run.record["data_sha256"].items())


def check_scores(run, stored):
    scores = read_scores(run)
    rows = [
        stored.row(name, entry)
        for name, entry in zip(scores["class"], scores["source_entry"].tolist(), strict=True)
    ]
    assert sorted(rows) == list(range(len(stored.events["event"])))
    assert (stored.events["event"][rows] == scores["event"]).all()
    assert (stored.events["kind"][rows] == scores["class"]).all()
    np.testing.assert_allclose(scores["event_weight"], stored.events["weight"][rows])
    assert set(scores["split"]) == {"train", "validation", "test"}
    assert {str(stored.folder) in file for file in scores["source_file"]} == {True}
    identity = zip(scores["source_file"], scores["source_table"], scores["source_entry"], strict=True)
    assert len(set(identity)) == len(rows)
    np.testing.assert_allclose(scores["score_signal"] + scores["score_background"], 1, atol=TOLERANCE)


def check_model_alone(run, stored):
    """Feed plain ONNX Runtime with the raw columns."""
    session = onnxruntime.InferenceSession(run.path.model)
    kinds = {"tensor(float)": np.float32, "tensor(double)": np.float64, "tensor(int64)": np.int64}
    fed = {entry.name: stored.events[entry.name].astype(kinds[entry.type]) for entry in session.get_inputs()}
    assert set(fed) == {"pt", "eta", "met", "n_jets"}
    (probabilities,) = session.run(["probabilities"], fed)
    scores = read_scores(run)
    rows = scores["event"] - stored.events["event"][0]
    np.testing.assert_allclose(probabilities[rows, 1], scores["score_signal"], atol=TOLERANCE)


def check_runs_again(run, stored):
    """The configuration in the folder of the run gives the same parameters and the same scores."""
    again = train_run(run.path.config, output=stored.folder / "again")
    first, second = model_constants(run), model_constants(again)
    assert first.keys() == second.keys()
    assert all(np.array_equal(first[name], second[name]) for name in first)
    assert run.path.scores.read_bytes() == again.path.scores.read_bytes()
