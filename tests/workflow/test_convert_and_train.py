"""What a conversion writes is trained on directly."""

from __future__ import annotations

import numpy as np
import pytest
import yaml

from rapidity.workflow import convert_files, train_run


@pytest.fixture
def converted(tmp_path):
    """Return a function that converts two samples into a file of this name."""
    import awkward as ak
    import uproot

    for number, name in enumerate(("background", "signal")):
        rng = np.random.default_rng(number)
        counts = rng.poisson(3 + number, 400)
        with uproot.recreate(tmp_path / f"{name}.root") as file:
            file["events"] = {
                "met": rng.exponential(20 + 20 * number, 400).astype(np.float32),
                "weight": rng.choice([-1.0, 1.0, 1.0, 1.0], 400),
                "event": np.arange(400) + 1000 * number,
                "jet_pt": ak.unflatten(rng.exponential(30, counts.sum()).astype(np.float32), counts),
            }
    config = {
        "sources": [
            {
                "path": "background.root",
                "class": "background",
                "cross_section": 10.0,
                "sum_of_weights": "sum",
            },
            {"path": "signal.root", "class": "signal", "cross_section": 1.0, "sum_of_weights": "sum"},
        ],
        "generator_weight": "weight",
        "luminosity": 0.14,
        "columns": ["met", "event"],
        "collections": {"jets": {"columns": ["jet_pt"], "n_objects": 4}},
    }
    (tmp_path / "convert.yaml").write_text(yaml.safe_dump(config))

    def run(name):
        convert_files(tmp_path / "convert.yaml", tmp_path / name, n_workers=1)
        return tmp_path / name

    return run


def train(tmp_path, source, columns):
    config = {
        "name": "trained",
        "data": {
            "sources": [{"path": str(source)}], "target": "class", "event_weight": "event_weight",
            "event_key": ["event"],
        },
        "inputs": {"event": {"columns": columns}},
        "network": {"type": "mlp", "hidden": [8]},
        "training": {"engine": "numpy", "epochs": 2, "batch_size": 100},
    }  # fmt: skip
    (tmp_path / "train.yaml").write_text(yaml.safe_dump(config))
    return train_run(tmp_path / "train.yaml", output=tmp_path / "run")


@pytest.mark.numpy
@pytest.mark.parametrize("name", ["events.h5", "events.parquet"])
def test_all_columns_of_the_output_are_neither_codes_nor_identity(converted, tmp_path, name):
    run = train(tmp_path, converted(name), "all")
    assert list(run.model.inputs) == ["met", "n_jets"]
    assert run.model.classes.names == ("background", "signal")
    assert run.metrics["test_auc"]["signal"] > 0.5


@pytest.mark.numpy
def test_objects_of_the_output_are_features(converted, tmp_path):
    run = train(tmp_path, converted("events.h5"), ["met", "ht = sum(jet_pt)", "n_hard = count(jet_pt > 30)"])
    assert "jet_pt" in run.model.inputs
    assert run.metrics["test_auc"]["signal"] > 0.5
