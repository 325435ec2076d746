"""Runs with folds: every event is scored by a network that never saw it, and one file holds them all."""

from __future__ import annotations

import csv
import functools
import json

import numpy as np
import pytest

from rapidity.config import load_config
from rapidity.core.errors import ConfigError, DataError
from rapidity.workflow import evaluate_run, probe_run, train_run, write_run_report

from .conftest import (
    COUNT,
    DATA,
    N_EVENTS,
    TOLERANCE,
    features_of,
    fold_model,
    read_scores,
)

pytestmark = pytest.mark.numpy


@pytest.mark.slow
def test_a_whole_run_draws_and_reports_all_folds(config, tmp_path):
    run = train_run(
        config(blocks={"deliver": {"model": "one.onnx", "history": "loss.png"}}), output=tmp_path / "run"
    )
    drawn = {path.relative_to(run.path.plots).as_posix() for path in run.path.plots.rglob("*.png")}
    assert {"evaluation/roc.png", "validation/loss.png", "validation/auc.png", "network.png"} <= drawn
    page = run.path.report.read_text(encoding="utf-8")
    for text in (
        "mean ± spread",
        "one for each fold",
        "Band: mean and standard deviation",
        "event' modulo 3",
    ):
        assert text.replace("'", "&#x27;") in page or text in page
    assert (run.folder / "one.onnx").read_bytes() == run.path.model.read_bytes()
    again = write_run_report(run.folder)
    assert again.read_text(encoding="utf-8") == page


def test_every_event_is_scored_by_the_network_of_its_fold(folded, events):
    run = folded()
    scores = read_scores(run.path.scores)
    assert len(scores["fold"]) == N_EVENTS
    event = events["event"][scores["source_entry"]]
    np.testing.assert_array_equal(scores["fold"], np.mod(event, COUNT))
    for index in range(COUNT):
        rows = np.flatnonzero(scores["fold"] == index)
        entries = scores["source_entry"][rows]
        model = fold_model(run, index)
        alone = model.run(features_of(events, model, entries)).probabilities
        np.testing.assert_allclose(scores["score_signal"][rows], alone[:, 1], atol=TOLERANCE)
    everyone = run.model.run(features_of(events, run.model, scores["source_entry"]))
    np.testing.assert_allclose(scores["score_signal"], everyone.probabilities[:, 1], atol=TOLERANCE)


def test_metrics_hold_all_events_and_the_spread_over_the_folds(folded):
    run = folded()
    metrics = run.metrics
    assert metrics["split"] == "test"
    assert sum(metrics["counts"]["test"].values()) == N_EVENTS
    folds = metrics["folds"]
    assert (folds["count"], folds["event_number"], sum(folds["events"])) == (COUNT, "event", N_EVENTS)
    own = [json.loads(run.path.fold(index).metrics.read_text()) for index in range(COUNT)]
    for key in ("log_loss", "accuracy", "macro_auc"):
        expected = [metrics[key] for metrics in own]
        assert folds[key]["values"] == pytest.approx(expected)
        assert folds[key]["mean"] == pytest.approx(np.mean(expected))
        assert folds[key]["spread"] == pytest.approx(np.std(expected, ddof=1))
    assert folds["test_auc"]["signal"]["values"] == pytest.approx([m["test_auc"]["signal"] for m in own])
    points = metrics["working_points"]["signal"]
    assert {point["threshold_fitted_on"] for point in points} == {"validation"}
    assert any("which never saw it" in note for note in metrics["notes"])
    assert f"{COUNT} folds: AUC" in run.summary()


def test_what_lies_in_the_folders(folded, tmp_path):
    run = folded()
    with run.path.history.open() as stream:
        rows = list(csv.DictReader(stream))
    assert [(row["fold"], row["epoch"]) for row in rows] == [
        (str(fold), str(epoch)) for fold in range(COUNT) for epoch in (1, 2)
    ]
    record = run.record
    assert [fold["kept_epoch"] for fold in record["training"]["folds"]] == [2] * COUNT
    assert record["parity"]["max_deviation"] <= record["parity"]["tolerance"]
    assert set(record["parity"]["by_batch_size"]) >= {"1", "2"}
    assert load_config(run.path.config).config.training.folds.count == COUNT
    for index in range(COUNT):
        folder = run.path.fold(index)
        split = load_config(folder.config).config.preparation.split
        assert (split.by, split.test, split.validation) == ("event % 3", (index,), ((index + 1) % COUNT,))
        assert folder.read_record()["finished"]
        assert (folder.checkpoints / "last.json").is_file()
    again = train_run(run.path.fold(1).config, output=tmp_path / "again", resume=False)
    assert again.path.model.read_bytes() == run.path.fold(1).model.read_bytes()


def test_other_events_go_to_the_network_of_their_number(folded, events, tmp_path, tiny_events, save_csv):
    run = folded()
    other = tiny_events(100, seed=9)
    save_csv(tmp_path / "other.csv", other)
    metrics = evaluate_run(run.folder, [str(tmp_path / "other.csv")])
    assert metrics["split"] == "all"
    fold = np.mod(other["event"], COUNT)
    assert metrics["folds"]["events"] == np.bincount(fold, minlength=COUNT).tolist()
    assert run.evaluate() == run.metrics


def test_other_events_with_all_columns_as_features(folded, tmp_path):
    blocks = {"features": "all", "inputs": {"features": {"columns": "all", "exclude": ["code", "weight"]}}}
    run = folded(blocks=blocks)
    assert "event" not in fold_model(run, 0).inputs
    metrics = evaluate_run(run.folder, [str(tmp_path / "events.csv")])
    assert metrics["accuracy"] == pytest.approx(run.metrics["accuracy"])


def test_other_events_need_the_number(folded, events, tmp_path, save_csv):
    run = folded()
    save_csv(tmp_path / "other.csv", {name: values for name, values in events.items() if name != "event"})
    with pytest.raises(DataError, match="'event'"):
        evaluate_run(run.folder, [str(tmp_path / "other.csv")])


def test_the_network_of_one_fold_is_probed(folded):
    run = folded()
    with pytest.raises(DataError, match=r"holds a network for each of 3 folds.*folds/0 to .*folds/2"):
        probe_run(run.folder, "relu_1", "n_jets >= 2")


@pytest.mark.slow
def test_a_fold_is_probed_like_any_run(folded):
    run = folded()
    assert 0 <= probe_run(run.path.fold(1).path, "relu_1", "n_jets >= 2").metrics["accuracy"] <= 1


def test_a_column_with_an_unusual_name_tells_the_fold(folded, events, tmp_path, save_csv):
    save_csv(tmp_path / "events.csv", {**events, "event-number": events["event"]})
    run = folded(data={**DATA, "event_key": ["event", "event-number"]})
    assert run.model.folds.event_number == "event-number"
    assert load_config(run.path.fold(0).config).config.preparation.split.by == "`event-number` % 3"


def test_the_matrix_takes_the_number_beside_it(folded, events):
    run = folded(blocks={"deliver": {"signature": "matrix"}})
    assert [value.name for value in run.model.session.get_inputs()] == ["columns", "event"]
    found = run.model.run(features_of(events, run.model))
    np.testing.assert_array_equal(found.fold, np.mod(events["event"], COUNT))


def test_a_module_is_made_for_each_fold(folded, events):
    torch = pytest.importorskip("torch")

    def make(shapes):
        (width,) = shapes["features"]
        return torch.nn.Sequential(torch.nn.Linear(width, 4), torch.nn.ReLU(), torch.nn.Linear(4, 1))

    changes = {"engine": "torch", "device": "cpu", "without": [["network"]]}
    with pytest.raises(ConfigError, match=r"but the module given is one \(Linear\)"):
        folded("one", options={"module": torch.nn.Linear(4, 1)}, **changes)
    run = folded("made", options={"module": functools.partial(make)}, **changes)
    np.testing.assert_array_equal(
        run.model.run(features_of(events, run.model)).fold, np.mod(events["event"], COUNT)
    )
