"""Whole runs in which missing momentum is a node of the graph, with features of its pairs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from rapidity.config import load_config
from rapidity.core.records import ResidentBatches
from rapidity.workflow import evaluate_run
from rapidity.workflow.augment import build_augmenter
from rapidity.workflow.prepare import prepare_run

N_EVENTS = 200
# Momenta turned in float32 are rounded anew, and so are their pairs.
SAME_SCORE = 1e-4


@pytest.fixture
def blocks(tmp_path):
    """Return the blocks of a run on jets and missing momentum: beside the first jet, or anywhere."""
    rng = np.random.default_rng(1)
    kind = np.arange(N_EVENTS) % 2
    jets = {
        "pt": rng.exponential(30.0, (N_EVENTS, 3)) + 5,
        "eta": rng.normal(size=(N_EVENTS, 3)),
        "phi": rng.uniform(-3, 3, (N_EVENTS, 3)),
    }
    phi = np.where(kind == 1, jets["phi"][:, 0] + rng.normal(0, 0.2, N_EVENTS), rng.uniform(-3, 3, N_EVENTS))
    missing = {"met": rng.exponential(30.0, N_EVENTS) + 5, "met_phi": np.arctan2(np.sin(phi), np.cos(phi))}
    events = {name: values.astype(np.float32) for name, values in (jets | missing).items()}
    np.savez(tmp_path / "events.npz", kind=kind, **events)
    return {
        "data": {
            "sources": [{"path": str(tmp_path / "events.npz")}],
            "target": "kind",
            "objects": {
                "jets": {name: name for name in jets},
                "missing": {"pt": "met", "phi": "met_phi"},
            },
        },
        "inputs": {
            "jets": {"kind": "cloud", "features": ["log(pt)", "eta"], "n_objects": 3, "momenta": "jets"},
            "missing": {"columns": ["log(met)"], "momenta": "missing"},
        },
        "preparation": {"split": {"train": 0.6, "validation": 0.2, "test": 0.2}},
        "network": {"type": "event_graph", "width": 6, "rounds": 1, "pair_width": 6, "hidden": []},
        "training": {
            "engine": "numpy",
            "epochs": 2,
            "batch_size": 32,
            "augmentation": ["rotate_phi"],
            "optimizer": {"type": "adam", "learning_rate": 0.02},
        },
        "evaluation": {"bootstrap": 2},
    }


def turn(columns, names, angle=1.0):
    """Return the columns with some azimuths turned."""
    turned = dict(columns)
    for name in names:
        given = columns[name]
        values = np.asarray(getattr(given, "content", given), np.float64) + angle
        wrapped = np.arctan2(np.sin(values), np.cos(values)).astype(np.float32)
        turned[name] = type(given)(wrapped, given.offsets) if hasattr(given, "content") else wrapped
    return turned


def test_scores_know_where_the_missing_momentum_points_but_not_where_phi_begins(train, blocks, tmp_path):
    run = train(**blocks)
    assert run.record["parity"]["max_deviation"] < 1e-5
    assert "jumps" not in run.record["parity"]
    prepared = prepare_run(load_config(run.path.config).config, Path())
    columns = {name: prepared.table.columns[name] for name in run.model.inputs}
    scores = run.model.run(columns).probabilities
    together = run.model.run(turn(columns, ["phi", "met_phi"])).probabilities
    np.testing.assert_allclose(together, scores, atol=SAME_SCORE)
    alone = run.model.run(turn(columns, ["met_phi"])).probabilities
    assert np.abs(alone - scores).max() > 100 * SAME_SCORE
    metrics = evaluate_run(run.folder, [str(tmp_path / "events.npz")])
    assert metrics["all_auc"]["1"] > 0.5


def test_augmentation_turns_the_momentum_of_the_table(write_config, blocks):
    prepared = prepare_run(load_config(write_config(**blocks)).config, Path())
    events = prepared.train_batch()
    batches = ResidentBatches(events, 32)
    after = build_augmenter(prepared, {}).make(batches, slice(0, events.n_events), (1, 0)).inputs
    before = events.inputs["missing.momenta"]
    turned = after["missing.momenta"]
    np.testing.assert_allclose(turned[:, 2:], before[:, 2:], rtol=1e-6)
    np.testing.assert_allclose(np.hypot(*turned.T[:2]), np.hypot(*before.T[:2]), rtol=1e-5)
    # All objects of an event turn by the same angle.
    by = [
        np.arctan2(momenta[..., 1], momenta[..., 0])
        for momenta in (turned, before, after["jets.momenta"][:, 0], events.inputs["jets.momenta"][:, 0])
    ]
    angle, of_jet = by[0] - by[1], by[2] - by[3]
    np.testing.assert_allclose(np.cos(angle - of_jet), 1.0, atol=1e-5)
    assert np.std(np.cos(angle)) > 0.5


def test_networks_that_compare_no_momenta_leave_it_out(train, blocks):
    inputs = blocks["inputs"] | {"jets": {"columns": ["met"]}}
    usual = blocks["training"] | {"epochs": 1}
    run = train(**blocks | {"inputs": inputs, "network": {"type": "mlp", "hidden": [3]}, "training": usual})
    # Two features and a bias for each unit, three units and a bias for the head.
    assert run.record["n_parameters"] == 3 * 3 + 4
    assert run.record["parity"]["max_deviation"] < 1e-5
