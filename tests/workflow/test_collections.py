"""Whole runs on jagged columns: from ROOT trees to the scores of every event."""

from __future__ import annotations

import json

import awkward as ak
import numpy as np
import pyarrow.parquet
import pytest
import uproot

from rapidity.artefact import OnnxModel
from rapidity.core.errors import DataError, ExportError
from rapidity.core.jagged import Jagged
from rapidity.core.progress import SilentProgress
from rapidity.delivery import predict_table
from rapidity.workflow import check_config, evaluate_run, probe_run

JETS = {"pt": "jet_pt", "eta": "jet_eta", "phi": "jet_phi", "mass": "jet_m"}
FEATURES = [
    "met",
    "jet_pt[0]",
    "jet_pt[-1]",
    "n_hard = count(jet_pt > 30)",
    "ht = sum(jet_pt)",
    "m_jj = mass(jets[0], jets[1])",
    "min_delta_r(jets)",
    "min_delta_r(jets, muons)",
    "max(mu_pt[mu_q > 0])",
]
OBJECTS = {"jets": JETS, "muons": {"pt": "mu_pt", "eta": "mu_eta", "phi": "mu_phi", "mass": "0.106"}}
# The last digit of a float32 score may depend on the other rows of a batch.
SAME_SCORE = 2e-7


class Notes(SilentProgress):
    """Progress that remembers what it was told."""

    def __init__(self):
        self.notes = []

    def note(self, message):
        self.notes.append(message)


def draw_events(n_events, signal, seed, *, empty=slice(0, 0)):
    """Return events of one class with 0 to 5 jets and up to 2 muons; those of `empty` have no objects."""
    rng = np.random.default_rng(seed)
    columns = {"met": rng.exponential(30.0 + 30.0 * signal, n_events).astype(np.float32)}
    for name, most, scale in (("jet", 6, 40.0 + 50.0 * signal), ("mu", 3, 20.0)):
        counts = rng.integers(0, most, n_events)
        counts[empty] = 0
        total = int(counts.sum())
        values = {
            "pt": rng.exponential(scale, total),
            "eta": rng.normal(0.0, 1.5 - 0.5 * signal, total),
            "phi": rng.uniform(-np.pi, np.pi, total),
            "m": rng.exponential(8.0, total),
        }
        for key, content in values.items():
            columns[f"{name}_{key}"] = ak.unflatten(content.astype(np.float32), counts)
        columns[f"{name}_q"] = ak.unflatten(rng.choice([-1, 1], total).astype(np.int32), counts)
    return {**columns, "number": np.arange(n_events) + 10_000 * seed}


def write_tree(path, events):
    """Write a tree whose jagged branches have one branch of counts each, as trees of vectors have."""
    types = {
        name: f"var * {values.type.content.content}" if isinstance(values, ak.Array) else values.dtype
        for name, values in events.items()
    }
    with uproot.recreate(path) as file:
        file.mktree("events", types).extend(events)


@pytest.fixture
def sources(tmp_path):
    """Return two sources of two files each; one file has a stretch without any object."""
    listed = []
    for code, name in enumerate(("background", "signal")):
        for part in range(2):
            seed = 10 * code + part
            empty = slice(40, 90) if part else slice(0, 0)
            write_tree(tmp_path / f"{name}_{part}.root", draw_events(200, code, seed, empty=empty))
        listed.append({"path": f"{name}_*.root", "tree": "events", "class": name})
    return listed


@pytest.fixture
def blocks(sources):
    """Return the blocks of a run on them."""
    return {
        "data": {"sources": sources, "objects": OBJECTS, "event_key": ["number"]},
        "features": FEATURES,
        "preparation": {
            "split": {"train": 0.6, "validation": 0.2, "test": 0.2},
            "missing": {"nan": "missing", "indicator": True},
        },
        "network": {"type": "mlp", "hidden": [16]},
        "training": {
            "engine": "numpy",
            "epochs": 8,
            "batch_size": 64,
            "optimizer": {"type": "adam", "learning_rate": 0.01},
        },
    }


def read_scores(path, *keys):
    """Return (file name, entry) -> score."""
    table = pyarrow.parquet.read_table(path).to_pydict()
    names = [name.rsplit("/", 1)[-1] for name in table["source_file"]]
    return dict(zip(zip(names, table["source_entry"], strict=True), table["score_signal"], strict=True))


def test_from_jagged_trees_to_the_scores_of_every_event(train, blocks, tmp_path, monkeypatch):
    # Small chunks and batches, so that some of them are without any object.
    monkeypatch.setattr("rapidity.data.column_types.MAX_ROWS", 37)
    monkeypatch.setattr("rapidity.artefact.model.DEFAULT_BATCH_SIZE", 32)
    run = train(**blocks)
    assert run.record["parity"]["max_deviation"] < 1e-6
    assert run.metrics["test_auc"]["signal"] > 0.75
    trained = read_scores(run.path.scores)
    assert len(trained) == 800
    files = [tmp_path / name for name in ("signal_1.root", "background_0.root", "signal_0.root")]
    predict_table(run.path.model, files, tmp_path / "scores.parquet", tree="events")
    predicted = read_scores(tmp_path / "scores.parquet")
    assert len(predicted) == 600
    for event, score in predicted.items():
        assert abs(score - trained[event]) <= SAME_SCORE


def test_the_order_of_the_files_changes_no_split_and_no_training(train, blocks):
    first = train("first", **blocks)
    data = blocks["data"]
    reversed_files = [
        {**source, "path": [source["path"].replace("*", part) for part in "10"]} for source in data["sources"]
    ]
    second = train("second", **{**blocks, "data": {**data, "sources": reversed_files}})
    splits = [
        {
            (row["source_file"].rsplit("/", 1)[-1], row["source_entry"]): row["split"]
            for row in pyarrow.parquet.read_table(run.path.scores).to_pylist()
        }
        for run in (first, second)
    ]
    assert splits[0] == splits[1]


def test_the_model_takes_jagged_and_padded_columns(train, blocks):
    run = train(**blocks)
    model = OnnxModel.load(run.path.model)
    assert model.collections == {"jets": "n_jets", "muons": "n_muons"}
    assert model.inputs["jet_pt"].collection == "jets"
    assert model.inputs["mu_q"].collection == "muons"
    assert model.metadata["rapidity.format_version"] == "2"
    assert json.loads(model.metadata["rapidity.collections"]) == model.collections
    events = draw_events(50, 1, 77, empty=slice(20, 25))
    jagged = {
        name: Jagged.from_counts(ak.flatten(values).to_numpy(), ak.num(values).to_numpy())
        if isinstance(values, ak.Array)
        else values
        for name, values in events.items()
    }
    padded = {
        name: values.padded(9, fill=-99) if isinstance(values, Jagged) else values
        for name, values in jagged.items()
    }
    padded |= {"n_jets": jagged["jet_pt"].counts, "n_muons": jagged["mu_pt"].counts}
    expected = model.run(jagged).probabilities
    assert np.isfinite(expected).all()
    np.testing.assert_allclose(model.run(padded).probabilities, expected, atol=SAME_SCORE)
    fed = {entry.name: padded[entry.name] for entry in model.session.get_inputs()}
    fed["mu_q"] = fed["mu_q"].astype(np.float64)
    (probabilities,) = model.session.run(["probabilities"], fed)
    np.testing.assert_allclose(probabilities, expected, atol=SAME_SCORE)
    without = {name: values[20:25] for name, values in jagged.items()}
    np.testing.assert_allclose(model.run(without).probabilities, expected[20:25], atol=SAME_SCORE)
    with pytest.raises(DataError, match=r"collection 'jets' of the columns for .*, entry 3"):
        model.run({**jagged, "jet_eta": jagged["jet_eta"][np.array([0, 1, 2, 4, *range(4, 50)])]})


def test_folds_and_streamed_training_take_collections(train, blocks, tmp_path):
    blocks = {**blocks, "features": FEATURES[:5]}
    preparation = {"missing": blocks["preparation"]["missing"]}
    training = {**blocks["training"], "epochs": 2}
    folded = {**blocks, "preparation": preparation, "training": {**training, "folds": {"count": 3}}}
    run = train("folds", **folded)
    assert run.model.folds.count == 3
    predict_table(run.path.model, [tmp_path / "signal_1.root"], tmp_path / "scores.parquet", tree="events")
    trained = read_scores(run.path.scores)
    for event, score in read_scores(tmp_path / "scores.parquet").items():
        assert abs(score - trained[event]) <= SAME_SCORE
    data = {**blocks["data"], "memory": "20 kB"}
    progress = Notes()
    streamed = train(
        "streamed", options={"progress": progress}, **{**blocks, "data": data, "training": training}
    )
    assert any("are streamed from" in note for note in progress.notes)
    held = train("held", **{**blocks, "training": training})
    assert streamed.metrics["counts"] == held.metrics["counts"]
    assert streamed.record["parity"]["max_deviation"] < 1e-6


def test_fixed_arrays_go_all_the_way(train, blocks, tmp_path):
    for code, name in enumerate(("background", "signal")):
        rng = np.random.default_rng(code)
        pt = rng.exponential(30.0 + 40.0 * code, (200, 2)).astype(np.float32)
        with uproot.recreate(tmp_path / f"{name}.root") as file:
            file.mktree("events", {"lep_pt": "2 * float32"}).extend({"lep_pt": pt})
    sources = [{"path": f"{name}.root", "class": name} for name in ("background", "signal")]
    run = train(**{**blocks, "data": {"sources": sources}, "features": ["lep_pt[1]", "max(lep_pt)"]})
    assert run.model.collections == {"lep": "n_lep"}
    predict_table(run.path.model, [tmp_path / "signal.root"], tmp_path / "scores.parquet")
    trained = read_scores(run.path.scores)
    predicted = read_scores(tmp_path / "scores.parquet")
    assert len(predicted) == 200
    for event, score in predicted.items():
        assert abs(score - trained[event]) <= SAME_SCORE


def test_other_events_are_evaluated(train, blocks, tmp_path):
    run = train(**blocks)
    write_tree(tmp_path / "new_signal.root", draw_events(100, 1, 5))
    write_tree(tmp_path / "new_background.root", draw_events(100, 0, 6))
    data = [f"{name}={tmp_path}/new_{name}.root:events" for name in ("signal", "background")]
    metrics = evaluate_run(run.folder, data)
    assert metrics["all_auc"]["signal"] > 0.7


def test_a_probe_may_ask_for_objects(train, blocks):
    run = train(**blocks)
    summary = probe_run(run.folder, "features", "count(jet_pt > 50) >= 2")
    assert summary.accuracy.value > 0.8


def test_a_matrix_is_refused_before_the_training(train, blocks):
    message = r"signature matrix has one number a column, but jet_pt, .* a value for each object"
    with pytest.raises(ExportError, match=message):
        train(**blocks, deliver={"signature": "matrix"})


def test_a_configuration_with_collections_is_checked(write_config, blocks, tmp_path):
    result = check_config(write_config(tmp_path / "config.yaml", **blocks))
    assert result.features["features"][:3] == ("met", "jet_pt[0]", "missing(jet_pt[0])")
