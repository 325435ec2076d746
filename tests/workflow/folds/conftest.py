"""Runs with folds of a few hundred events, without figures."""

from __future__ import annotations

import numpy as np
import onnx
import pyarrow.parquet
import pytest
import yaml

from rapidity.artefact import OnnxModel
from rapidity.workflow import train_run

COUNT = 3
N_EVENTS = 300
TOLERANCE = 1e-6  # of float32 probabilities that the same nodes give in batches of other sizes
KEY = {"event_key": ["event"]}
DATA = {"sources": [{"path": "events.csv"}], "target": "kind", **KEY}
TRAINING = {"engine": "numpy", "epochs": 2, "batch_size": 64}


def training(**changes):
    folds = {"count": COUNT, "workers": 1} | changes.pop("folds", {})
    return {**TRAINING, "folds": folds, **changes}


@pytest.fixture
def events(tmp_path, tiny_events, save_csv):
    """Return events whose numbers have both signs and no order, in events.csv too."""
    made = tiny_events(N_EVENTS)
    made["event"] = np.random.default_rng(3).permutation(N_EVENTS) - N_EVENTS // 2
    save_csv(tmp_path / "events.csv", made)
    return made


@pytest.fixture
def config(tmp_path, events, write_config):
    """Return a writer of configurations with folds; keyword arguments replace keys of `training`."""

    def write(name="config", **changes):
        blocks = {"data": changes.pop("data", DATA), "preparation": {"missing": {"sentinels": [-999.0]}}}
        blocks |= changes.pop("blocks", {})
        without = changes.pop("without", ())
        path = write_config(tmp_path / f"{name}.yaml", training=training(**changes), **blocks)
        values = yaml.safe_load(path.read_text())
        for block, *keys in without:
            del (values[block] if keys else values)[keys[0] if keys else block]
        path.write_text(yaml.safe_dump(values, sort_keys=False))
        return path

    return write


@pytest.fixture
def folded(without_plots, tmp_path, config):
    """Return a function that trains a run with folds, without figures."""

    def train(name="run", options=None, **changes):
        return train_run(config(name, **changes), output=tmp_path / "runs" / name, **(options or {}))

    return train


def read_scores(path):
    columns = pyarrow.parquet.read_table(path).to_pydict()
    return {name: np.array(values) for name, values in columns.items()}


def features_of(events, model, rows=slice(None)):
    return {name: events[name][rows] for name in model.inputs}


def fold_model(run, index):
    return OnnxModel.load(run.path.fold(index).model)


def same_but_configuration(first, second):
    graphs = [onnx.load(model.path).graph.SerializeToString(deterministic=True) for model in (first, second)]
    return graphs[0] == graphs[1]
