"""Whole runs of the engine `tensorflow`: a declared network, and a Keras model of the user's own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import onnxruntime
import pytest
import yaml

from rapidity.config import RunConfig
from rapidity.core.errors import ExportError
from rapidity.workflow import train_run

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

pytest.importorskip("tensorflow", reason="TensorFlow is not installed")
pytestmark = pytest.mark.tensorflow

INPUTS = {"kinematics": {"columns": ["pt", "eta"]}, "rest": {"columns": ["met", "n_jets"]}}
TRAINING = {"engine": "tensorflow", "epochs": 2, "batch_size": 128, "device": "cpu"}


@pytest.fixture
def config(
    tmp_path: Path,
    tiny_events: Callable[..., Any],
    save_csv: Callable[..., Path],
    settings: Callable[..., dict[str, Any]],
    without_plots: None,
    monkeypatch: pytest.MonkeyPatch,
) -> dict[str, Any]:
    """Return a configuration with two inputs; its events are beside it, in the current folder."""
    save_csv(tmp_path / "events.csv", tiny_events())
    monkeypatch.chdir(tmp_path)
    return settings(inputs=INPUTS, training=TRAINING)


def make_towers(shapes: Any, last: Any = None) -> Any:
    from keras import Input, Model, layers

    inputs = {name: Input(shape, name=name) for name, shape in shapes.items()}
    left = layers.Dense(5, activation="relu")(inputs["kinematics"])
    right = layers.BatchNormalization()(layers.Dense(5, activation="gelu")(inputs["rest"]))
    joined = layers.Dropout(0.1)(layers.Concatenate()([left, right]))
    return Model(list(inputs.values()), layers.Dense(1)(joined if last is None else last(joined)))


def test_a_declared_network(config: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text(yaml.safe_dump({**config, "training": {"epochs": 2}}))
    run = train_run(tmp_path / "config.yaml", output=tmp_path / "run", engine="tensorflow")
    assert run.record["training"]["engine"] == "tensorflow"
    assert run.record["parity"]["max_deviation"] <= run.record["parity"]["tolerance"]


def test_a_model_of_the_users_own(config: dict[str, Any], tmp_path: Path) -> None:
    block = RunConfig.model_validate({key: value for key, value in config.items() if key != "network"})
    run = train_run(block, output=tmp_path / "run", module=make_towers)
    assert run.record["parity"]["max_deviation"] <= run.record["parity"]["tolerance"]
    session = onnxruntime.InferenceSession(run.path.model)
    assert {entry.name for entry in session.get_inputs()} == {"pt", "eta", "met", "n_jets"}
    again = train_run(block, output=tmp_path / "again", module=make_towers)
    columns = {"pt": [30.0], "eta": [0.5], "met": [40.0], "n_jets": [3]}
    events = {name: np.array(values) for name, values in columns.items()}
    # The seed of the run decided the initial parameters of both.
    np.testing.assert_array_equal(again.model.run(events).logits, run.model.run(events).logits)


def test_a_model_that_onnx_could_not_hold_is_refused_before_training(
    config: dict[str, Any], tmp_path: Path
) -> None:
    from keras import layers

    block = RunConfig.model_validate({key: value for key, value in config.items() if key != "network"})

    def make(shapes: Any) -> Any:
        return make_towers(shapes, layers.UnitNormalization())

    with pytest.raises(ExportError, match=r"\(UnitNormalization\).*cannot be written as ONNX"):
        train_run(block, output=tmp_path / "run", module=make)
    assert not (tmp_path / "run").exists()
