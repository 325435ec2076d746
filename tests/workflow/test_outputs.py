"""Runs of several outputs: classes, numbers and classes of objects, from the YAML file to the scores."""

from __future__ import annotations

import json

import numpy as np
import onnxruntime
import pyarrow.parquet
import pytest
import yaml

from rapidity.core.errors import ConfigError, DataError, ExportError
from rapidity.workflow import Run, evaluate_run, predict_files, train_run

N_EVENTS = 240
TRAINING = {"engine": "numpy", "epochs": 3, "batch_size": 64}
CLASS = {"task": "classification"}
ENERGY = {"task": "regression", "target": "energy", "loss": {"type": "huber", "delta": 2.0}, "weight": 0.5}
SCALE = {"task": "regression", "target": "2 * energy", "transform": ["log", "standard"], "loss": "log_cosh"}
ORIGIN = {
    "task": "assignment",
    "cloud": "jets",
    "target": "jet_origin",
    "classes": {"other": 0, "hard": [1, 2]},
    "one_each": ["hard"],
}
JETS = {"kind": "cloud", "features": ["log(jet_pt)", "jet_eta"], "n_objects": 3, "order_by": "jet_eta"}
DEEP_SETS = {"type": "deep_sets", "object_hidden": [8], "hidden": [8]}


@pytest.fixture
def numbers(tmp_path, save_csv):
    """Return events with an energy that follows from the features, in events.csv too."""
    rng = np.random.default_rng(5)
    a, b = rng.normal(size=(2, N_EVENTS))
    events = {
        "a": a,
        "b": b,
        "energy": 50 + 10 * a + rng.normal(size=N_EVENTS),
        "kind": np.where(b + 0.3 * a > 0, "signal", "background").astype(object),
        "weight": np.where(rng.random(N_EVENTS) < 0.1, -0.5, 1.0),
        "event": np.arange(N_EVENTS),
    }
    save_csv(tmp_path / "events.csv", events)
    return events


@pytest.fixture
def jets(write_jets):
    return write_jets(N_EVENTS)


@pytest.fixture
def train(tmp_path, without_plots):
    """Return a function that writes a configuration and trains it."""

    def run(outputs, **blocks):
        training = {**TRAINING, **blocks.pop("training", {})}
        config = {"name": "demo", **blocks, "outputs": outputs, "training": training}
        config.setdefault("network", {"type": "mlp", "hidden": [16]})
        config["evaluation"] = {"bootstrap": 20, "interactive": False}
        path = tmp_path / "config.yaml"
        path.write_text(yaml.safe_dump(config, sort_keys=False))
        return train_run(path, output=tmp_path / "run", overwrite=True)

    return run


TABLE = {"sources": [{"path": "events.csv"}], "target": "kind", "event_weight": "weight"}
FEATURES = {"features": ["a", "b"]}
CLOUDS = {"sources": [{"path": "events.parquet"}]}


def read_scores(run: Run):
    return pyarrow.parquet.read_table(run.path.scores).to_pandas()


def test_class_and_numbers_come_out_of_one_model_file(tmp_path, numbers, train):
    run = train(
        {"class": CLASS, "energy": ENERGY, "scale": SCALE},
        data=TABLE,
        **FEATURES,
        training={"epochs": 20, "optimizer": {"type": "adam", "learning_rate": 0.01}},
    )
    session = onnxruntime.InferenceSession(str(run.path.model))
    names = [value.name for value in session.get_outputs()]
    assert names == ["probabilities", "logits", "prediction_energy", "prediction_scale"]
    metrics = run.metrics
    assert metrics["test_auc"]["signal"] > 0.9
    assert metrics["outputs"]["energy"]["r2"] > 0.8
    assert metrics["outputs"]["scale"]["bias"] == pytest.approx(0, abs=10)
    scores = read_scores(run)
    assert scores["truth_scale"].to_numpy() == pytest.approx(2 * numbers["energy"])
    chosen = scores[scores["split"] == "test"]
    residual = chosen["prediction_energy"] - chosen["truth_energy"]
    bias = np.average(residual, weights=chosen["event_weight"])
    assert metrics["outputs"]["energy"]["bias"] == pytest.approx(bias)
    header = run.path.history.read_text().splitlines()[0]
    assert header.endswith("train_loss_class,train_loss_energy,train_loss_scale,validation_loss_class,"
                           "validation_loss_energy,validation_loss_scale")  # fmt: skip
    page = run.path.report.read_text()
    assert "Regression of energy" in page
    assert "energy: bias" in run.summary()

    again = evaluate_run(run.folder, [str(tmp_path / "events.csv")])
    assert again["outputs"]["energy"]["n_events"] == N_EVENTS

    for name in ("friends", "one.csv"):
        predict_files(run.path.model, tmp_path / "events.csv", tmp_path / name)
    summary = predict_files(run.path.model, tmp_path / "events.csv", tmp_path / "friends", verify=True)
    assert summary.n_kept_events == N_EVENTS
    table = np.genfromtxt(tmp_path / "one.csv", delimiter=",", names=True, dtype=None, encoding="utf-8")
    assert table["prediction_energy"] == pytest.approx(scores["prediction_energy"], rel=1e-5)


def test_a_number_alone_needs_no_classes(numbers, train):
    run = train({"energy": ENERGY}, data={"sources": [{"path": "events.csv"}]}, **FEATURES)
    assert run.metrics["classes"] == []
    assert run.metrics["counts"]["test"] == {"event": 24}
    assert [value.name for value in onnxruntime.InferenceSession(str(run.path.model)).get_outputs()] == [
        "prediction"
    ]
    assert "score_event" not in read_scores(run)
    assert run.model.run({"a": np.zeros(2), "b": np.zeros(2)}).others["energy"].shape == (2,)


def test_streamed_training_ends_like_that_in_memory(numbers, train):
    outputs = {
        "class": CLASS,
        "energy": {**ENERGY, "missing": "ignore", "target": "where(a > -1, energy, 0/0)"},
    }
    data = {**TABLE, "memory": "12 KB"}
    streamed = train(outputs, data=data, **FEATURES, training={"batch_size": 16}).metrics
    assert streamed["outputs"]["energy"]["n_unknown"] > 0
    assert streamed["outputs"]["energy"]["r2"] is not None
    resident = train(outputs, data=TABLE, **FEATURES, training={"batch_size": 16}).metrics
    assert resident["outputs"]["energy"]["n_events"] == streamed["outputs"]["energy"]["n_events"]


def test_folds_predict_each_event_by_a_network_that_never_saw_it(numbers, train):
    folds = {"folds": {"count": 3, "workers": 1}, "epochs": 2}
    data = {**TABLE, "event_key": ["event"]}
    run = train({"class": CLASS, "energy": ENERGY}, data=data, **FEATURES, training=folds)
    scores = read_scores(run)
    assert (scores["fold"] == numbers["event"] % 3).all()
    for fold in range(3):
        model = Run.open(run.folder / "folds" / str(fold)).model
        own = model.run({name: numbers[name] for name in ("a", "b")}).others["energy"]
        rows = scores["fold"] == fold
        assert scores["prediction_energy"][rows].to_numpy() == pytest.approx(own[rows], rel=1e-5)
    assert run.metrics["outputs"]["energy"]["n_events"] == N_EVENTS


def test_objects_get_classes_in_the_order_of_the_file(tmp_path, jets, train):
    number = {"task": "regression", "target": "n_hard"}
    run = train(
        {"origin": ORIGIN, "number": number},
        data=CLOUDS,
        inputs={"jets": JETS},
        network=DEEP_SETS,
        training={"epochs": 20, "optimizer": {"type": "adam", "learning_rate": 0.02}},
    )
    origin = run.metrics["outputs"]["origin"]
    assert origin["accuracy"] > 0.9
    assert origin["n_left_out"] > 0
    assert origin["one_each"]["accuracy"] < origin["accuracy"]
    scores = read_scores(run)
    counts = jets["jet_pt"].counts
    assert scores["score_origin_hard"].str.len().tolist() == counts.tolist()
    hard = np.concatenate(scores["score_origin_hard"].to_list())
    # Of each event the three jets of largest eta are seen, wherever they stand in the file.
    for event in range(20):
        own = hard[jets["jet_pt"].offsets[event] : jets["jet_pt"].offsets[event + 1]]
        seen = np.sort(np.argsort(-jets["jet_eta"][event : event + 1].content)[:3])
        assert np.flatnonzero(~np.isnan(own)).tolist() == seen.tolist()
    predict_files(run.path.model, tmp_path / "events.parquet", tmp_path / "one.parquet")
    table = pyarrow.parquet.read_table(tmp_path / "one.parquet").to_pandas()
    first = table["object_origin_0"].to_numpy()
    assert (first[counts == 0] == -1).all()
    rows = np.flatnonzero(counts > 0)
    expected = hard[jets["jet_pt"].offsets[rows] + first[rows]]
    assert table["score_origin_hard_0"].to_numpy()[rows] == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"target": "enery"},
            r"'enery' .outputs.energy.target. is not in .*\n  Closest: 'energy'",
        ),
        ({"target": "where(a > 0, energy, 0/0)"}, r"is nan at entry \d+ of .*missing: ignore"),
        ({"target": "0 * energy"}, r"outputs.energy: the target '0 \* energy' is 0 for all events"),
        ({"target": "energy - 60", "transform": "log"}, r"at entry \d+ of .*, which has no logarithm"),
        ({"target": "energy", "transform": ["standard", "log"]}, r"transform `log` gets .* Put it first"),
        ({"target": "0/0 * energy", "missing": "ignore"}, r"is known for none of the 192 events of the tra"),
    ],
)
def test_targets_that_cannot_be_learnt_are_refused(numbers, train, change, message):
    with pytest.raises(DataError, match=message):
        train({"energy": {"task": "regression", **change}}, data=TABLE, **FEATURES)


@pytest.mark.parametrize(
    ("target", "split"),
    [("where(event % 4 == 1, 0/0, energy)", "validation split"),
     ("where(event % 4 == 2, 0/0, energy)", "split that is evaluated"),
     ("where(event % 4 == 2 and weight > 0, 0/0, energy)", "split that is evaluated")],
)  # fmt: skip
def test_targets_that_cannot_be_measured_are_refused_before_the_training(numbers, train, target, split):
    message = rf"outputs.energy: of the 60 events of the {split} the target is known for \d+, whose .* sum to"
    with pytest.raises(DataError, match=message):
        train(
            {"energy": {"task": "regression", "target": target, "missing": "ignore"}},
            data=TABLE,
            **FEATURES,
            preparation={"split": {"by": "event % 4", "validation": [1], "test": [2]}},
        )


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"classes": {"other": 0, "hard": 2}}, r"hold.* values that mean no class: 1, first in object \d"),
        ({"target": "n_hard"}, r"'n_hard' has one value an event, but an assignment needs one for each"),
        ({"target": "jet_origin[jet_pt > 30]"}, r"selects some of the objects, but each of the cloud 'jets'"),
        ({"classes": {"other": 0, "hard": [0, 1]}}, r"the value 0 means both 'other' and 'hard'"),
    ],
)
def test_classes_of_objects_that_cannot_be_learnt_are_refused(jets, train, change, message):
    with pytest.raises((DataError, ConfigError), match=message):
        train(
            {"origin": {**ORIGIN, **change}},
            data=CLOUDS,
            inputs={"jets": JETS},
            network=DEEP_SETS,
        )


def test_a_list_of_layers_must_name_the_objects(jets, train):
    with pytest.raises(ConfigError, match=r"a list of layers, which does not say .*outputs.origin.from"):
        train(
            {"origin": ORIGIN},
            data=CLOUDS,
            inputs={"jets": JETS},
            network={"layers": [{"type": "dense", "units": 4, "inputs": "jets"}]},
        )


def test_a_feature_that_is_the_truth_is_refused(numbers, train):
    with pytest.raises(ConfigError, match=r"inputs.features: 'energy' is outputs.energy.target, the truth"):
        train({"energy": ENERGY}, data=TABLE, features=["a", "energy"])


def test_a_column_called_like_a_value_of_the_file_is_refused_before_the_training(tmp_path, save_csv, train):
    rng = np.random.default_rng(5)
    save_csv(tmp_path / "events.csv", {name: rng.normal(size=50) for name in ("prediction", "energy")})
    with pytest.raises(ExportError, match=r"^the model file would have two values called 'prediction'"):
        train({"energy": ENERGY}, data={"sources": [{"path": "events.csv"}]}, features=["prediction"])
    assert not list(tmp_path.rglob("history.csv"))


def test_metadata_say_what_the_outputs_are(numbers, train):
    run = train({"energy": ENERGY}, data=TABLE, **FEATURES, training={"epochs": 1})
    (described,) = json.loads(run.model.metadata["rapidity.outputs"])
    assert (described["name"], described["value"], described["task"]) == (
        "energy",
        "prediction",
        "regression",
    )
