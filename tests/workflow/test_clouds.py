"""Whole runs on clouds of objects: from files to the scores of every event."""

from __future__ import annotations

import itertools

import awkward as ak
import numpy as np
import pyarrow.parquet
import pytest
import uproot

from rapidity.core.jagged import Jagged
from rapidity.core.progress import SilentProgress
from rapidity.delivery import predict_table
from rapidity.workflow import check_config, evaluate_run, probe_run

# The last digit of a float32 score may depend on the other rows of a batch.
SAME_SCORE = 1e-6
# Two epochs of training in float32, sums in another order.
SAME_TRAINING = 1e-4
CLASSES = ("gluon", "quark")
OPTIMIZER = {"type": "adam", "learning_rate": 0.01}


class Notes(SilentProgress):
    """Progress that remembers what it was told."""

    def __init__(self):
        self.notes = []

    def note(self, message):
        self.notes.append(message)


def draw_jets(n_events, quark, seed):
    """Return jets of one class: up to 8 candidates, fewer and harder for quarks, and some vertices."""
    rng = np.random.default_rng(seed)
    counts = rng.integers(0, 6 if quark else 9, n_events)
    counts[:3] = 0
    n_objects, n_vertices = int(counts.sum()), rng.integers(0, 3, n_events)
    ids = rng.choice([211, -211, 11, 22], n_objects)
    columns = {
        "cand_pt": Jagged.from_counts(rng.exponential(20.0 if quark else 10.0, n_objects) + 0.1, counts),
        "cand_eta": Jagged.from_counts(rng.normal(0.0, 0.1 if quark else 0.2, n_objects), counts),
        "cand_phi": Jagged.from_counts(rng.uniform(-np.pi, np.pi, n_objects), counts),
        "cand_id": Jagged.from_counts(ids, counts),
        "sv_mass": Jagged.from_counts(rng.exponential(1.0 + quark, n_vertices.sum()), n_vertices),
    }
    columns = {name: Jagged(one.content.astype(np.float32), one.offsets) for name, one in columns.items()}
    angles = {name: rng.uniform(-1, 1, n_events).astype(np.float32) for name in ("jet_eta", "jet_phi")}
    return columns | angles | {"number": np.arange(n_events)}


def write_tree(path, columns):
    listed = {
        name: ak.unflatten(values.content, values.counts) if isinstance(values, Jagged) else values
        for name, values in columns.items()
    }
    types = {
        name: f"var * {values.type.content.content}" if isinstance(values, ak.Array) else values.dtype
        for name, values in listed.items()
    }
    with uproot.recreate(path) as file:
        file.mktree("events", types).extend(listed)


INPUTS = {
    "charged": {
        "kind": "cloud",
        "features": [
            "log(cand_pt)",
            "z = log(cand_pt / sum(cand_pt))",
            "d_eta = cand_eta - jet_eta * 0.1",
            "d_phi = delta_phi(cand_phi, jet_phi)",
            "is_pion = abs(cand_id) == 211",
        ],
        "n_objects": 5,
        "order_by": "cand_pt",
        "selection": "cand_pt > 0.5",
    },
    "vertices": {"kind": "cloud", "features": ["sv_mass"], "n_objects": 3},
    "jet": {"kind": "table", "columns": ["jet_eta", "n = count(cand_pt)"]},
}


@pytest.fixture
def blocks(tmp_path):
    """Return the blocks of a run on jets of two classes."""
    for code, name in enumerate(CLASSES):
        write_tree(tmp_path / f"{name}.root", draw_jets(250, code, code))
    sources = [{"path": f"{name}.root", "tree": "events", "class": name} for name in CLASSES]
    return {
        "data": {"sources": sources, "event_key": ["number"]},
        "inputs": INPUTS,
        "preparation": {"split": {"train": 0.6, "validation": 0.2, "test": 0.2}},
        "network": {"type": "deep_sets", "object_hidden": [12, 8], "hidden": [8]},
        "training": {"engine": "numpy", "epochs": 2, "batch_size": 50, "optimizer": OPTIMIZER},
    }


def read_scores(path):
    """Return (file name, entry) -> score."""
    table = pyarrow.parquet.read_table(path).to_pydict()
    names = [name.rsplit("/", 1)[-1] for name in table["source_file"]]
    return dict(zip(zip(names, table["source_entry"], strict=True), table["score_quark"], strict=True))


def assert_same_scores(found, expected, tolerance=SAME_SCORE):
    assert found
    for event, score in found.items():
        assert abs(score - expected[event]) <= tolerance


def shuffle_objects(columns):
    """Return the columns with the candidates of each event in another order."""
    offsets = columns["cand_pt"].offsets
    rng = np.random.default_rng(3)
    order = np.concatenate(
        [rng.permutation(np.arange(first, last)) for first, last in itertools.pairwise(offsets)]
    ).astype(np.int64)
    return {
        name: Jagged(values.content[order], offsets) if name.startswith("cand") else values
        for name, values in columns.items()
    }


def test_from_trees_to_the_scores_of_every_event_on_two_engines(train, blocks, tmp_path, monkeypatch):
    pytest.importorskip("torch")
    monkeypatch.setattr("rapidity.data.column_types.MAX_ROWS", 37)
    monkeypatch.setattr("rapidity.artefact.model.DEFAULT_BATCH_SIZE", 32)
    progress = Notes()
    run = train(options={"progress": progress}, **{**blocks, "training": {**blocks["training"], "epochs": 8}})
    assert run.record["parity"]["max_deviation"] < 1e-6
    assert run.metrics["test_auc"]["quark"] > 0.7
    counts = run.record["clouds"]["charged"]
    assert counts["n_truncated"] > 20
    assert any(note.startswith("cloud 'charged': ") and "left out" in note for note in progress.notes)
    assert "Objects of charged" in run.path.report.read_text(encoding="utf-8")
    trained = read_scores(run.path.scores)
    assert np.isfinite(list(trained.values())).all()
    predict_table(run.path.model, [tmp_path / "quark.root"], tmp_path / "scores.parquet", tree="events")
    assert_same_scores(read_scores(tmp_path / "scores.parquet"), trained)
    short = [
        train(engine, **{**blocks, "training": {**blocks["training"], "engine": engine}})
        for engine in ("numpy", "torch")
    ]
    assert_same_scores(*[read_scores(one.path.scores) for one in short], SAME_TRAINING)


def test_order_and_padding_of_the_objects_change_no_score(train, blocks):
    model = train(**blocks).model
    columns = draw_jets(60, 1, 7)
    expected = model.run(columns).probabilities
    assert np.isfinite(expected).all()
    shuffled = model.run(shuffle_objects(columns)).probabilities
    np.testing.assert_allclose(shuffled, expected, atol=SAME_SCORE)
    for n_places in (8, 40):
        padded = {
            name: values.padded(n_places, fill=np.nan) if isinstance(values, Jagged) else values
            for name, values in columns.items()
        }
        counts = {"n_cand": columns["cand_pt"].counts, "n_sv": columns["sv_mass"].counts}
        np.testing.assert_allclose(model.run(padded | counts).probabilities, expected, atol=SAME_SCORE)
    nothing = {name: values[0:3] for name, values in columns.items()}
    nothing["sv_mass"] = Jagged.from_counts(np.empty(0, np.float32), np.zeros(3))
    assert np.isfinite(model.run(nothing).probabilities).all()


def test_clouds_are_streamed_and_folded(train, blocks, tmp_path):
    held = train("held", **blocks)
    data = {**blocks["data"], "memory": "40 kB"}
    progress = Notes()
    streamed = train("streamed", options={"progress": progress}, **{**blocks, "data": data})
    assert any("are streamed from" in note for note in progress.notes)
    assert streamed.metrics["counts"] == held.metrics["counts"]
    assert streamed.record["clouds"] == held.record["clouds"]
    assert streamed.record["parity"]["max_deviation"] < 1e-6
    training = {**blocks["training"], "folds": {"count": 3}}
    folded = train("folds", **{**blocks, "preparation": {}, "training": training})
    assert folded.record["clouds"]["vertices"]["n_lost"] == 0
    predict_table(folded.path.model, [tmp_path / "gluon.root"], tmp_path / "scores.parquet", tree="events")
    assert_same_scores(read_scores(tmp_path / "scores.parquet"), read_scores(folded.path.scores))


@pytest.fixture
def arrays(tmp_path):
    """Return the blocks of a run on zero-padded arrays of pt, eta, phi and identity, labels beside them."""
    jets = [draw_jets(250, code, code) for code in range(2)]
    names = ("cand_pt", "cand_eta", "cand_phi", "cand_id")
    padded = [np.stack([columns[name].padded(8) for name in names], axis=-1) for columns in jets]
    np.save(tmp_path / "x.npy", np.concatenate(padded))
    np.save(tmp_path / "y.npy", np.repeat([0.0, 1.0], 250))
    constituents = {"array": "x", "fields": ["pt", "eta", "phi", "id"], "absent": {"pt": 0}}
    cloud = {
        "kind": "cloud",
        "features": ["log(pt)", "z = log(pt / sum(pt))", "eta", "abs(id) == 211"],
        "n_objects": 6,
        "order_by": "pt",
    }
    return {
        "data": {
            "sources": [{"path": "x.npy", "join": "y.npy"}],
            "target": "y",
            "classes": {"gluon": 0, "quark": 1},
            "collections": {"constituents": constituents},
            "guards": {"duplicates": "off"},  # jets without candidates are equal
        },
        "inputs": {"constituents": cloud},
        "network": {"type": "deep_sets", "object_hidden": [12, 8], "hidden": [8]},
        "training": {"engine": "numpy", "epochs": 8, "batch_size": 50, "optimizer": OPTIMIZER},
    }


def test_zero_padded_arrays_go_all_the_way(train, arrays, write_config, tmp_path):
    checked = check_config(write_config(tmp_path / "config.yaml", **arrays))
    assert checked.shapes == {"constituents": (6, 4), "constituents.mask": (6,)}
    assert checked.features["constituents"][1] == "z"
    assert "cloud 'constituents': " in checked.summary()
    run = train(**arrays)
    assert run.model.collections == {"constituents": "n_constituents"}
    # The model carries how the array is read: no labels, no configuration beside it.
    predict_table(run.path.model, [tmp_path / "x.npy"], tmp_path / "scores.parquet")
    assert_same_scores(read_scores(tmp_path / "scores.parquet"), read_scores(run.path.scores))
    metrics = evaluate_run(run.folder, [f"{tmp_path}/x.npy+{tmp_path}/y.npy"])
    assert metrics["all_auc"]["quark"] > 0.7
    assert probe_run(run.folder, "constituents_pooled", "count(pt) >= 4").accuracy.value > 0.6


def test_tables_and_images_stand_beside_clouds(train, tmp_path):
    rng = np.random.default_rng(2)
    label = np.arange(200) % 2
    pt = rng.exponential(10.0 + 20.0 * label[:, np.newaxis], (200, 3)).astype(np.float32)
    image = rng.random((200, 4, 4)).astype(np.float32)
    np.savez(tmp_path / "a.npz", pt=pt, image=image, met=pt.sum(axis=1), label=label)
    layers = [
        {"type": "dense", "inputs": "jets", "units": 6, "name": "objects"},
        {"type": "masked_pool", "inputs": ["objects", "jets.mask"], "name": "pooled"},
        {"type": "flatten", "inputs": "picture", "name": "pixels"},
        {"type": "concatenate", "inputs": ["pooled", "pixels", "event"]},
        {"type": "dense", "units": 8},
    ]
    run = train(
        data={"sources": [{"path": "a.npz"}], "target": "label", "classes": {"gluon": 0, "quark": 1}},
        inputs={
            "jets": {"kind": "cloud", "features": ["pt"], "n_objects": 2, "order_by": "pt"},
            "picture": {"kind": "image", "column": "image"},
            "event": {"kind": "table", "columns": ["met"]},
        },
        network={"layers": layers},
        training={"engine": "numpy", "epochs": 2, "batch_size": 50},
    )
    assert run.record["parity"]["max_deviation"] < 1e-6
    assert run.record["clouds"]["jets"]["n_lost"] == 200
