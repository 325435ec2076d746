"""Probing the layers of a finished run."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest
import yaml

import rapidity.workflow.probe
import rapidity.workflow.train
from rapidity import Run, probe
from rapidity.cli import main
from rapidity.core.errors import DataError, EngineError, ExpressionError, GraphError, MissingNameError
from rapidity.core.files import hash_file
from rapidity.data.writers import open_writer
from rapidity.workflow import train_run
from rapidity.workflow.probe import folder_name

pytest.importorskip("torch")
pytestmark = pytest.mark.torch

CONFIG = {
    "name": "probed",
    "data": {"sources": [{"path": "events.parquet"}], "target": "kind"},
    "features": ["pt", "eta", "n_jets"],
    "preparation": {"split": {"train": 0.6, "validation": 0.2, "test": 0.2, "seed": 1}},
    "network": {"type": "mlp", "hidden": [8]},
    "training": {"epochs": 2, "batch_size": 128, "device": "cpu"},
    "evaluation": {"bootstrap": 20},
}


@pytest.fixture(scope="module")
def original(tmp_path_factory):
    """Return a run on events with columns that it does not train on; tests work on copies of it."""
    folder = tmp_path_factory.mktemp("probed")
    rng = np.random.default_rng(1)
    code = np.arange(900) % 2
    events = {
        "pt": rng.normal(30.0 + 10.0 * code, 8.0),
        "eta": rng.normal(0.0, 1.0 + 0.5 * code),
        "n_jets": rng.integers(0, 5, 900).astype(np.float32),
        "weight": rng.uniform(0.5, 2.0, 900),
        "event": 100_000_000 + np.arange(900),
        "kind": np.array(["background", "signal"], dtype=object)[code],
    }
    events["parity"] = np.where(events["pt"] + events["eta"] > 35, 3, 8)
    with open_writer(folder / "events.parquet", columns={k: v.dtype for k, v in events.items()}) as writer:
        writer.write(events)
    config = folder / "config.yaml"
    config.write_text(yaml.safe_dump(CONFIG))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(rapidity.workflow.train, "draw_figures", lambda *_: {})
        return train_run(config, output=folder / "run")


@pytest.fixture
def run(original, tmp_path, monkeypatch, without_plots):
    """Return a copy of the run; pictures of probes are left out, which have tests of their own."""
    monkeypatch.setattr(rapidity.workflow.probe, "draw_probe", lambda *_: [])
    shutil.copytree(original.folder, tmp_path / "run")
    return Run.open(tmp_path / "run")


@pytest.fixture
def train_again(original, run, tmp_path):
    """Return a function that trains on the same events with other settings."""

    def train(*overrides: str) -> Run:
        config = original.folder.parent / "config.yaml"
        return train_run(config, output=tmp_path / "again", overrides=overrides)

    return train


def test_probe_reads_off_what_follows_from_the_features(run):
    summary = run.probe("relu_1", "parity % 2")
    metrics = json.loads((run.folder / "probes/relu_1_parity_mod_2/metrics.json").read_text())
    assert metrics == summary.metrics
    assert summary.accuracy.low < summary.accuracy.value == metrics["accuracy"]
    assert metrics["classes"] == ["0", "1"]
    assert metrics["split"] == "test"
    assert metrics["accuracy"] > metrics["probe"]["majority_accuracy"] + 0.2
    assert metrics["test_auc"]["1"] > 0.9
    assert metrics["probe"]["n_events"] == {"train": 540, "validation": 180, "test": 180}
    assert metrics["probe"]["n_values"] == 8
    assert metrics["probe"]["model_sha256"] == hash_file(run.path.model)
    assert metrics["accuracy_interval"][0] < metrics["accuracy"] < metrics["accuracy_interval"][1]
    assert np.sum(metrics["confusion_matrix"]) == 180


def test_probe_of_the_numbers_behind_the_scores_agrees_with_the_run(run):
    found = run.probe("class_logits", "kind").metrics
    assert found["test_auc"]["signal"] == pytest.approx(run.metrics["test_auc"]["signal"], abs=1e-4)


def test_inputs_can_be_probed(run):
    metrics = probe(run.folder, "features", "n_jets >= 2").metrics
    assert metrics["classes"] == ["false", "true"]
    assert metrics["test_auc"]["true"] > 0.99


def test_pictures_are_drawn(original):
    folder = original.probe("relu_1", "kind").folder
    assert {path.name for path in folder.iterdir()} == {
        "metrics.json", "roc.png", "confusion.png", "confusion_counts.png", "embeddings_pca.png",
        "embeddings_probe.png",
    }  # fmt: skip
    shutil.rmtree(original.path.probes)


def test_all_columns_stay_features_when_one_is_the_target(train_again):
    run = train_again("features=all", "data.spectators=[parity, event, weight]")
    assert run.probe("features", "pt > 35").metrics["probe"]["n_values"] == 3
    assert run.probe("features", "event % 2").metrics["probe"]["n_values"] == 3


def test_column_that_all_would_take_is_added_for_the_target(train_again):
    run = train_again("features=all")
    assert run.probe("features", "weight > 1").metrics["probe"]["n_values"] == 6


def test_rerun_gives_the_same_and_another_target_its_own_folder(run):
    first = run.probe("relu_1", "kind")
    assert run.probe("relu_1", "kind") == first
    assert run.probe("relu_1", "n_jets > 1").folder != first.folder


def test_weights_of_the_events_play_no_part(run, train_again):
    weighted = train_again("data.event_weight=weight").probe("features", "n_jets > 1")
    plain = run.probe("features", "n_jets > 1")
    for name in ("accuracy", "confusion_matrix", "test_auc"):
        assert weighted.metrics[name] == plain.metrics[name]


def test_wide_layer_takes_part_of_the_events(run, monkeypatch):
    monkeypatch.setattr(rapidity.workflow.probe, "MAX_VALUES", 8 * 300)
    metrics = run.probe("relu_1", "kind").metrics
    assert metrics["probe"]["n_events"] == {"train": 180, "validation": 60, "test": 60}
    assert "a random 300 of 900 events" in metrics["notes"][-1]


def test_run_without_test_split_says_so(train_again):
    split = "preparation.split={train: 0.7, validation: 0.3, test: 0.0, seed: 1}"
    metrics = train_again(split).probe("relu_1", "kind").metrics
    assert metrics["split"] == "validation"
    assert "no test split" in metrics["notes"][-1]


@pytest.mark.parametrize(
    ("layer", "target", "error", "message"),
    [
        ("relu", "kind", MissingNameError, r"no layer 'relu'\. Did you mean 'relu_1'\? .*features, dense_1"),
        ("relu_1", "parrity % 2", MissingNameError, r"'parrity' \(the target .* of the probe\).*'parity'"),
        ("relu_1", "parity %", ExpressionError, "parity %"),
        ("relu_1", "event", DataError, "has 900 different values"),
        ("relu_1", "event == 100000000", DataError, r"is true for none of the \d+ events of the \w+ split"),
        ("relu_1", "kind + 1", DataError, "which holds text"),
    ],
)
def test_what_cannot_be_probed(run, layer, target, error, message):
    with pytest.raises(error, match=f"(?s){message}"):
        run.probe(layer, target)
    assert not (run.folder / "probes").exists()


def test_unknown_engine(run):
    with pytest.raises(EngineError, match="unknown engine 'troch'"):
        run.probe("relu_1", "kind", engine="troch")


def test_changed_data_are_refused(run):
    record = run.record
    record["data_sha256"] = dict.fromkeys(record["data_sha256"], "0" * 64)
    run.path.write_record(record)
    with pytest.raises(DataError, match=r"events\.parquet has changed since .* was trained on it"):
        run.probe("relu_1", "kind")


def test_lost_data_are_named(run, tmp_path):
    record = run.record
    record["data_sha256"] = {str(tmp_path / "lost.parquet"): "0" * 64}
    run.path.write_record(record)
    with pytest.raises(DataError, match=r"lost\.parquet, on which .* was trained, is gone"):
        run.probe("relu_1", "kind")


def test_model_file_of_another_training_is_refused(run, train_again):
    shutil.copy(train_again("training.seed=2").path.model, run.path.model)
    with pytest.raises(DataError, match=r"does not give the scores of .*model\.onnx"):
        run.probe("relu_1", "kind")


def test_lost_checkpoint_is_named(run):
    shutil.rmtree(run.path.checkpoints)
    with pytest.raises(DataError, match="cannot use the checkpoint"):
        run.probe("relu_1", "kind")


def test_own_module_cannot_be_rebuilt(original, tmp_path, without_plots):
    from torch import nn

    config = tmp_path / "config.yaml"
    settings = {key: value for key, value in CONFIG.items() if key != "network"}
    path = original.folder.parent / "events.parquet"
    config.write_text(
        yaml.safe_dump({**settings, "data": {"sources": [{"path": str(path)}], "target": "kind"}})
    )
    run = train_run(config, output=tmp_path / "own", module=nn.Linear(3, 1))
    with pytest.raises(GraphError, match="a module of your own, not one that a configuration declares"):
        run.probe("relu_1", "kind")


def test_parameters_of_the_best_epoch_are_probed(train_again):
    early = train_again(
        "training.epochs=8",
        "training.batch_size=32",
        "training.optimizer={type: adam, learning_rate: 0.5}",
        "training.early_stopping={monitor: loss, patience: 3}",
    )
    assert early.record["training"]["kept_epoch"] < early.record["training"]["epochs"]
    # Other parameters than those of model.onnx would be refused.
    assert early.probe("relu_1", "kind").metrics["split"] == "test"


def test_training_anew_removes_probes(train_again, original, tmp_path):
    run = train_again()
    run.probe("relu_1", "kind")
    train_run(original.folder.parent / "config.yaml", output=run.folder, overwrite=True)
    assert not run.path.probes.exists()


def test_verb(run, capsys):
    with pytest.raises(SystemExit) as caught:
        main(["probe", str(run.folder), "--layer", "relu_1", "--target", "parity % 2", "--quiet"])
    assert not caught.value.code
    shown = capsys.readouterr().out
    assert "test accuracy" in shown
    assert "always" in shown
    with pytest.raises(SystemExit):
        main(["probe", str(run.folder), "--layer", "relu_1", "--target", "parity % 2", "--json", "-q"])
    assert json.loads(capsys.readouterr().out)["metrics"]["probe"]["target"] == "parity % 2"


@pytest.mark.parametrize(
    ("target", "expected"),
    [("label % 2", "d_label_mod_2"), ("n_jets >= 2", "d_n_jets_ge_2"), ("kind", "d_kind")],
)
def test_folder_name_is_readable(target, expected):
    assert folder_name("d", target) == expected


def test_folder_names_differ():
    targets = ("a % 2", "a // 2", "a * 2", "(a + b) * 2", "a + b * 2", "a + b*2", "a > 2", "a >= 2", "-a > 2")
    assert len({folder_name("d", target) for target in targets}) == len(targets)


def test_unfinished_run(tmp_path):
    with pytest.raises(DataError, match="is not the folder of a run"):
        Run.open(tmp_path).probe("relu_1", "kind")
