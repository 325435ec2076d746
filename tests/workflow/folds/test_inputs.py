"""Folds with every engine and every kind of input: images, collections, real data."""

from __future__ import annotations

import numpy as np
import pytest

from rapidity.artefact import OnnxModel
from rapidity.core.jagged import Jagged
from rapidity.core.progress import SilentProgress
from rapidity.workflow import train_run

from .conftest import COUNT, TOLERANCE

FOLDS = {"count": COUNT, "workers": 1}


@pytest.fixture
def train_folds(without_plots, tmp_path, write_config):
    """Return a function that trains a run with folds, without figures."""

    def train(training=None, options=None, **blocks):
        keys = {"engine": "numpy", "epochs": 2, "batch_size": 64, "folds": FOLDS}
        blocks = {"preparation": {}, **blocks}
        path = write_config(tmp_path / "config.yaml", training=keys | (training or {}), **blocks)
        return train_run(path, output=tmp_path / "run", **(options or {}))

    return train


def check_scores(run, columns, event):
    """Compare the file of all folds with the networks one by one, in batches that mix and miss folds."""
    single = [OnnxModel.load(run.path.fold(index).model) for index in range(COUNT)]
    expected = np.stack([model.run(columns).probabilities for model in single])
    expected = expected[np.mod(event, COUNT), np.arange(len(event))]
    for batch_size in (1, 2, 50, len(event)):
        scores = run.model.run({**columns, "event": event}, batch_size)
        np.testing.assert_array_equal(scores.fold, np.mod(event, COUNT))
        np.testing.assert_allclose(scores.probabilities, expected, atol=TOLERANCE)


@pytest.mark.slow
@pytest.mark.parametrize(
    "engine",
    [
        pytest.param("torch", marks=pytest.mark.torch),
        pytest.param("tensorflow", marks=pytest.mark.tensorflow),
    ],
)
def test_every_engine_trains_folds(train_folds, tmp_path, tiny_events, save_csv, engine):
    pytest.importorskip(engine)
    events = tiny_events(300)
    save_csv(tmp_path / "events.csv", events)
    data = {"sources": [{"path": "events.csv"}], "target": "kind", "event_key": ["event"]}
    preparation = {"missing": {"sentinels": [-999.0]}}
    run = train_folds({"engine": engine, "device": "cpu"}, data=data, preparation=preparation)
    columns = {name: events[name] for name in run.model.inputs if name != "event"}
    check_scores(run, columns, events["event"])
    assert run.record["training"]["engine"] == engine


@pytest.mark.numpy
def test_images_beside_features(train_folds, tmp_path):
    rng = np.random.default_rng(1)
    code = np.arange(240) % 2
    images = (rng.integers(0, 100, (240, 6, 6)) + 100 * code[:, None, None] * np.eye(6)).astype(np.uint8)
    event = rng.permutation(240) - 120
    arrays = {"image": images, "pt": rng.normal(code, 1.0), "code": code, "event": event}
    np.savez(tmp_path / "events.npz", **arrays)
    data = {
        "sources": [{"path": "events.npz"}], "target": "code", "classes": {"background": 0, "signal": 1},
        "event_key": ["event"],
    }  # fmt: skip
    inputs = {"image": {"kind": "image", "column": "image"}, "track": {"kind": "table", "columns": ["pt"]}}
    layers = [
        {"type": "conv2d", "name": "stamp", "inputs": "image", "filters": 3, "kernel_size": 3},
        {"type": "flatten", "name": "flat", "inputs": "stamp"},
        {"type": "concatenate", "name": "all", "inputs": ["flat", "track"]},
    ]
    run = train_folds(data=data, inputs=inputs, network={"layers": layers})
    check_scores(run, {"image": images, "pt": arrays["pt"]}, event)


@pytest.mark.numpy
def test_collections(train_folds, tmp_path):
    """The padding of a batch is that of its fullest event, whichever fold it falls into."""
    import awkward as ak
    import uproot

    rng = np.random.default_rng(2)
    code = np.arange(240) % 2
    counts = rng.integers(0, 5, 240)
    values = rng.exponential(20.0 + 20.0 * np.repeat(code, counts)).astype(np.float32)
    met, event = rng.normal(code, 1.0), rng.permutation(240) - 120
    with uproot.recreate(tmp_path / "events.root") as file:
        scalars = {"met": met, "event": event, "code": code}
        types = {name: column.dtype for name, column in scalars.items()}
        tree = file.mktree("nominal", {"jet_pt": "var * float32", **types})
        tree.extend({"jet_pt": ak.unflatten(values, counts), **scalars})
    data = {
        "sources": [{"path": "events.root"}], "target": "code", "classes": {"background": 0, "signal": 1},
        "event_key": ["event"],
    }  # fmt: skip
    preparation = {"missing": {"nan": "missing", "indicator": True}}
    features = ["met", "sum(jet_pt)", "count(jet_pt > 30)", "jet_pt[0]"]
    run = train_folds(data=data, features=features, preparation=preparation)
    jagged = Jagged.from_counts(values, counts)
    check_scores(run, {"jet_pt": jagged, "met": met}, event)


@pytest.mark.numpy
def test_events_beyond_the_memory(train_folds, tmp_path, tiny_events, save_csv):
    """Columns on disk and prepared events in windows give what memory gives, fold by fold."""
    events = tiny_events(8000)
    events["event"] -= 100_004_000
    save_csv(tmp_path / "events.csv", events)
    data = {"sources": [{"path": "events.csv"}], "target": "kind", "event_key": ["event"]}
    preparation = {"missing": {"sentinels": [-999.0]}}
    notes = Notes()
    options = {"progress": notes}
    run = train_folds(options=options, data={**data, "memory": "80 kB"}, preparation=preparation)
    assert any("raw ones lie on the disk" in note for note in notes.said)
    assert sum("are streamed from" in note for note in notes.said) == COUNT
    columns = {name: events[name] for name in run.model.inputs if name != "event"}
    check_scores(run, columns, events["event"])
    assert sum(run.metrics["folds"]["events"]) == 8000
    assert run.record["parity"]["max_deviation"] <= run.record["parity"]["tolerance"]


class Notes(SilentProgress):
    """Keeps what is said."""

    def __init__(self):
        self.said = []

    def note(self, message):
        self.said.append(message)


@pytest.mark.data
@pytest.mark.numpy
def test_higgs_events_by_their_number(shared_data, train_folds):
    """The open data of the Higgs challenge: weights, sentinels, an event number without gaps."""
    path = shared_data / "higgsml" / "atlas-higgs-challenge-2014-v2.22880.csv.gz"
    source = {"path": str(path), "limit": 20_000}
    data = {
        "sources": [source], "target": "Label", "classes": {"background": "b", "signal": "s"},
        "event_key": ["EventId"], "event_weight": "Weight",
    }  # fmt: skip
    inputs = {"event": {"columns": "all", "exclude": ["KaggleSet", "KaggleWeight"]}}
    run = train_folds(
        {"folds": {"count": 5, "workers": 1}, "epochs": 3, "weight": {"balance_classes": True}},
        data=data,
        inputs=inputs,
        preparation={"missing": {"sentinels": [-999.0], "indicator": True}},
        network={"type": "mlp", "hidden": [32, 32]},
    )
    folds = run.metrics["folds"]
    assert sum(folds["events"]) == 20_000
    assert folds["test_auc"]["signal"]["mean"] > 0.87
    assert 0 < folds["test_auc"]["signal"]["spread"] < 0.05
    assert run.record["parity"]["max_deviation"] <= 1e-5
    assert "EventId" not in OnnxModel.load(run.path.fold(0).model).inputs
