"""Whole runs on the real data sets beside the project, for an epoch or two."""

from __future__ import annotations

import json

import numpy as np
import pyarrow.parquet
import pytest

from rapidity.cli import main
from rapidity.core.errors import DataError

pytest.importorskip("torch")
pytestmark = [pytest.mark.data, pytest.mark.torch]

TRAINING = {"epochs": 3, "batch_size": 256, "device": "cpu"}
NETWORK = {"type": "mlp", "hidden": [32, 32]}


def scored(run):
    columns = pyarrow.parquet.read_table(run.path.scores).to_pydict()
    return {name: np.array(values) for name, values in columns.items()}


def test_alice_tracks_from_root(shared_data, train):
    names = ("Electrons", "Kaons", "Pions", "Protons")
    folder = shared_data / "alice_pid"
    sources = [
        {"path": str(folder / f"{name}.root"), "tree": "data", "class": name.lower(), "limit": 3000}
        for name in names
    ]
    run = train(
        data={"sources": sources, "drop_duplicates": True},
        inputs={"track": {"columns": "all", "exclude": ["index"]}},
        preparation={
            "split": {"by": "row_number % 5", "validation": [1], "test": [0]},
            "columns": {"dEdx*": {"missing": {"sentinels": [0], "indicator": True}}},
        },
        network=NETWORK,
        training=TRAINING,
    )
    assert run.metrics["counts"]["test"] == dict.fromkeys(map(str.lower, names), 600)
    assert min(run.metrics["test_auc"].values()) > 0.8
    assert run.record["parity"]["max_deviation"] <= 1e-5


def test_alice_tracks_with_labels_in_a_file_of_their_own(shared_data, train):
    folder = shared_data / "alice_pid"
    source = {"path": str(folder / "tracks.csv"), "join": str(folder / "tracks_labels.csv"), "limit": 15_000}
    run = train(
        data={"sources": [source], "target": "particle", "drop_duplicates": True},
        features="all",
        preparation={"missing": {"sentinels": [0], "indicator": True}},
        network=NETWORK,
        training={**TRAINING, "weight": {"balance_classes": True}},
    )
    assert len(run.metrics["classes"]) == 5
    assert np.mean(list(run.metrics["test_auc"].values())) > 0.8


def test_higgs_challenge(shared_data, train):
    run = train(
        data={
            "sources": [{"path": str(shared_data / "higgsml" / "*.csv.gz")}],
            "target": "Label",
            "classes": {"background": "b", "signal": "s"},
            "event_weight": "Weight",
            "event_key": ["EventId"],
        },
        inputs={"event": {"columns": "all", "exclude": ["Kaggle*"]}},
        preparation={"missing": {"sentinels": [-999], "indicator": True}},
        network=NETWORK,
        training={**TRAINING, "weight": {"balance_classes": True}},
    )
    assert run.metrics["test_auc"]["signal"] > 0.85
    scores = scored(run)
    assert len(scores["class"]) == 22_880
    assert sum(scores["event_weight"][scores["class"] == "signal"]) == pytest.approx(19.8, abs=0.05)


def test_higgs_from_two_files_that_share_an_event(shared_data, train):
    folder = shared_data / "higgs"
    data = {
        "sources": [
            {"path": str(folder / "higgs_train_10k.csv")},
            {"path": str(folder / "higgs_test_5k.csv"), "split": "test"},
        ],
        "target": "response",
        "classes": {"background": 0, "signal": 1},
    }
    blocks = {
        "features": "all",
        "preparation": {"split": {"train": 0.8, "validation": 0.2, "test": 0.0}},
        "network": NETWORK,
        "training": TRAINING,
    }
    with pytest.raises(DataError, match=r"2 of 15000 events equal, .* entry 2157 of .*higgs_test_5k.csv"):
        train(data=data, **blocks)
    run = train(data={**data, "guards": {"duplicates": "warn"}}, **blocks)
    assert "2 of 15000 events equal" in run.record["warnings"][0]
    assert sum(run.metrics["counts"]["test"].values()) == 5000
    assert run.metrics["test_auc"]["signal"] > 0.58


@pytest.mark.parametrize(
    ("name", "column"),
    [
        ("uproot-HZZ.root:events", "MET_px"),
        ("uproot-Zmumu.root:events", "pt1"),
        ("nanoAOD_2015_CMS_Open_Data_ttbar.root:Events", "MET_pt"),
    ],
)
def test_inspection_of_many_layouts(shared_data, capsys, name, column):
    with pytest.raises(SystemExit) as ended:
        main(["inspect", str(shared_data / "root_layouts" / name), "--json"])
    shown = capsys.readouterr()
    assert not ended.value.code, shown.err
    described = json.loads(shown.out)
    assert column in {found["name"] for found in described["columns"]}


def test_flat_branches_beside_jagged_ones(shared_data, train):
    """The charge of the first muon: nothing to learn, but everything to read."""
    run = train(
        data={
            "sources": [{"path": str(shared_data / "root_layouts" / "uproot-Zmumu.root"), "tree": "events"}],
            "target": "Q1",
            "classes": {"minus": -1, "plus": 1},
            "objects": {
                f"muon{i}": {"px": f"px{i}", "py": f"py{i}", "pz": f"pz{i}", "energy": f"E{i}"}
                for i in (1, 2)
            },
            "guards": {"duplicates": "warn"},
        },
        features=["pt1", "eta1", "pt2", "m = mass(muon1, muon2)", "delta_r(muon1, muon2)"],
        preparation={},
        training=TRAINING,
    )
    assert set(run.metrics["test_auc"]) == {"minus", "plus"}
    assert run.model.inputs["px1"].dtype == "float64"
