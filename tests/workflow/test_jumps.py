"""Runs of networks whose scores jump: which events of the model file may differ from the engine."""

from __future__ import annotations

import numpy as np
import pytest

from rapidity.workflow.page import _parity_facts
from rapidity.workflow.run import describe_jumps

N_EVENTS = 300


@pytest.fixture
def blocks(tmp_path):
    """Return the blocks of three folds of a tiny network that looks for neighbours."""
    rng = np.random.default_rng(1)
    kind = np.arange(N_EVENTS) % 2
    cloud = {name: rng.normal(size=(N_EVENTS, 4)).astype(np.float32) for name in ("x", "y")}
    np.savez(tmp_path / "events.npz", kind=kind, number=np.arange(N_EVENTS), **cloud)
    inputs = {"kind": "cloud", "features": ["x", "y"], "n_objects": 4, "coordinates": ["x", "y"]}
    return {
        "data": {
            "sources": [{"path": str(tmp_path / "events.npz")}],
            "target": "kind",
            "event_key": ["number"],
            "objects": {"points": {"px": "x", "py": "y"}},
        },
        "inputs": {"points": inputs},
        "preparation": {},
        "network": {"type": "particle_net", "k": 2, "channels": [[3], [3]], "hidden": []},
        "training": {
            "engine": "numpy",
            "epochs": 1,
            "batch_size": 64,
            "folds": {"count": 3, "workers": 1},
        },
        "evaluation": {"bootstrap": 2},
    }


def test_a_run_says_how_many_events_may_differ_and_how_many_do(train, blocks):
    run = train(**blocks)
    for parity in (run.record["parity"], run.path.fold(0).read_record()["parity"]):
        assert parity["jumps"]["n_allowed"] == 1
        assert parity["jumps"]["n_events"] <= 1


def test_events_that_differ_are_told_in_the_report():
    parity = {"by_batch_size": {}, "max_deviation": 1e-7, "tolerance": 1e-5, "n_rows": 300}
    assert "Events that differ" not in _parity_facts(parity)
    parity["jumps"] = {"n_events": 1, "n_allowed": 1, "largest": 0.2}
    assert _parity_facts(parity)["Events that differ"] == describe_jumps(parity)[0]
    assert describe_jumps(parity)[0].startswith("1 of 300 events differs by up to 0.2 (1 may)")
