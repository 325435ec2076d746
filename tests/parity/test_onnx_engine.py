"""model.onnx gives the scores of the engine, for every activation, and for a user's own module."""

from __future__ import annotations

import numpy as np
import pytest

from rapidity.artefact import OnnxModel, check_parity, write_model
from rapidity.core.classes import ClassSet
from rapidity.core.records import Batch, ResidentBatches
from rapidity.data.features import Feature
from rapidity.data.fitted_feature import FittedFeature
from rapidity.data.fitted_table import FittedTable
from rapidity.data.preparation import FittedPreparation
from rapidity.data.transforms.standard import FittedStandard
from rapidity.expressions import parse_expression
from rapidity.network import LayerList, ResidualMlp, build_network
from rapidity.network.layers.activation import ACTIVATIONS

pytestmark = pytest.mark.torch
pytest.importorskip("torch")

TWO, THREE = ClassSet(("signal", "background")), ClassSet(("a", "b", "c"))


@pytest.fixture
def columns():
    rng = np.random.default_rng(1)
    pt = rng.exponential(30.0, 300).astype(np.float32)
    pt[::11] = -999.0
    return {"pt": pt, "eta": rng.normal(0, 2, 300).astype(np.float32), "n": rng.integers(0, 5, 300)}


@pytest.fixture
def preparation():
    def feature(text, **keys):
        scale = (FittedStandard(0.5, 2.0),)
        return FittedFeature(Feature(text, parse_expression(text)), transforms=scale, **keys)

    return FittedPreparation(
        {
            "first": FittedTable(
                (feature("pt", sentinels={"pt": (-999.0,)}, fill=20.0, has_indicator=True), feature("eta"))
            ),
            "second": FittedTable((feature("n"), feature("pt * sinh(eta)", sentinels={"pt": (-999.0,)}))),
        },
        {"pt": "float32", "eta": "float32", "n": "int64"},
        {},
    )


def export_and_check(path, preparation, classes, columns, logits, **network):
    write_model(path, preparation=preparation, classes=classes, metadata={}, **network)
    return check_parity(OnnxModel.load(path), columns, logits, classes)


def score(model, preparation, columns):
    return model.predict(ResidentBatches(Batch(preparation.apply(columns)), 128))["class"]


@pytest.mark.parametrize("function", ACTIVATIONS)
def test_every_activation_and_layer_agrees_with_torch(function, tmp_path, preparation, columns):
    from rapidity.engines import get_engine

    layers = [
        {"type": "dense", "name": "left", "units": 5, "inputs": "first"},
        {"type": "dense", "name": "right", "units": 5, "inputs": "second", "bias": False},
        {"type": "add", "name": "sum", "inputs": ["left", "right"]},
        {"type": "batch_norm"},
        {"type": "activation", "function": function},
        {"type": "dropout", "rate": 0.3},
        {"type": "layer_norm", "name": "normal"},
        {"type": "concatenate", "inputs": ["normal", "right"]},
        "flatten",
    ]
    network = build_network(LayerList(layers=layers), preparation.input_shapes(), {"class": 3})
    rng = np.random.default_rng(0)
    parameters = {
        name: rng.uniform(0.2, 1.0, spec.shape).astype(np.float32)
        for name, spec in network.parameter_specs().items()
    }
    model = get_engine("torch").build(network, parameters, device="cpu")
    export_and_check(
        tmp_path / "model.onnx", preparation, THREE, columns, score(model, preparation, columns),
        network=network, parameters=parameters,
    )  # fmt: skip


@pytest.mark.parametrize("classes", [TWO, THREE], ids=["two classes", "three classes"])
@pytest.mark.parametrize("signature", ["columns", "matrix"])
def test_a_network_of_the_catalogue_agrees_with_torch(classes, signature, tmp_path, preparation, columns):
    from rapidity.engines import get_engine

    config = ResidualMlp(type="residual_mlp")
    network = build_network(config, preparation.input_shapes(), {"class": classes.n_logits})
    parameters = network.initial_parameters(np.random.default_rng(0))
    model = get_engine("torch").build(network, parameters, device="cpu")
    export_and_check(
        tmp_path / "model.onnx", preparation, classes, columns, score(model, preparation, columns),
        network=network, parameters=parameters, signature=signature,
    )  # fmt: skip


@pytest.mark.parametrize("classes", [TWO, THREE], ids=["two classes", "three classes"])
def test_a_users_own_module_agrees_with_torch(classes, tmp_path, preparation, columns):
    import torch

    from rapidity.engines import get_engine

    class OwnModule(torch.nn.Module):
        def __init__(self, n_logits):
            super().__init__()
            self.left, self.right = torch.nn.Linear(3, 8), torch.nn.Linear(2, 8)
            self.norm, self.head = torch.nn.LayerNorm(8), torch.nn.Linear(8, n_logits)

        def forward(self, first, second):
            hidden = torch.nn.functional.gelu(self.left(first) * torch.sigmoid(self.right(second)))
            return self.head(self.norm(hidden))

    engine = get_engine("torch")
    # Without a seed a draw is now and then so ill-conditioned (a layer norm over nearly equal values) that
    # the rounding of float32 alone passes the tolerance.
    model = engine.wrap(
        lambda _shapes: OwnModule(classes.n_logits),
        preparation.input_shapes(),
        {"class": classes.n_logits},
        device="cpu",
        rng=np.random.default_rng(0),
    )
    path = tmp_path / "model.onnx"
    export_and_check(
        path, preparation, classes, columns, score(model, preparation, columns), body=engine.to_onnx(model)
    )
    assert b"test_onnx_engine" not in path.read_bytes()
