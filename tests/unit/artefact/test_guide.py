from __future__ import annotations

import doctest
from pathlib import Path

import numpy as np
import pytest

from rapidity.artefact import write_model
from rapidity.data.features import Feature
from rapidity.data.fitted_feature import FittedFeature
from rapidity.data.fitted_table import FittedTable
from rapidity.data.preparation import FittedPreparation
from rapidity.expressions import parse_expression
from rapidity.network import Mlp, build_network

GUIDE = Path(__file__).parents[3] / "docs" / "guide" / "onnx.md"


@pytest.fixture
def models(tmp_path, classes, monkeypatch):
    """Write the models of the guide's examples into the working folder."""
    features = tuple(FittedFeature(Feature(name, parse_expression(name))) for name in ("pt", "n_jets"))
    dtypes = {"pt": "float32", "n_jets": "int64"}
    ranges = {"pt": (5.0, 95.0), "n_jets": (0.0, 8.0)}
    preparation = FittedPreparation({"features": FittedTable(features)}, dtypes, ranges, units={"pt": "GeV"})
    network = build_network(Mlp(type="mlp", hidden=(16,)), preparation.input_shapes(), {"class": 1})
    monkeypatch.chdir(tmp_path)
    for name, signature in (("model.onnx", "columns"), ("matrix.onnx", "matrix")):
        write_model(
            name, preparation=preparation, classes=classes, network=network, metadata={},
            parameters=network.initial_parameters(np.random.default_rng(0)), signature=signature,
        )  # fmt: skip
    write_jets(classes)


def write_jets(classes):
    """Write the model of the example with jets."""
    collections = {"jet_pt": "jets"}
    texts = ("sum(jet_pt)", "count(jet_pt > 35)")
    features = (Feature(text, parse_expression(text, {}, collections)) for text in texts)
    table = FittedTable(tuple(map(FittedFeature, features)))
    preparation = FittedPreparation({"event": table}, {"jet_pt": "float32"}, {}, collections=collections)
    network = build_network(Mlp(type="mlp", hidden=(4,)), preparation.input_shapes(), {"class": 1})
    parameters = network.initial_parameters(np.random.default_rng(0))
    write_model(
        "jets.onnx", preparation=preparation, classes=classes, network=network, parameters=parameters,
        metadata={},
    )  # fmt: skip


@pytest.mark.usefixtures("models")
def test_the_examples_of_the_guide_run():
    failed, tried = doctest.testfile(str(GUIDE), module_relative=False)
    assert tried > 10
    assert failed == 0
