from __future__ import annotations

import numpy as np
import pytest

from rapidity.artefact.activations import ACTIVATIONS as LOWERED_ACTIVATIONS
from rapidity.artefact.graph import GraphBuilder
from rapidity.artefact.layers import LOWERINGS, lower_network
from rapidity.core.errors import ExportError
from rapidity.network import LAYERS, LayerList, build_network
from rapidity.network.layers.activation import ACTIVATIONS

X = np.random.default_rng(0).normal(size=(7, 6)).astype(np.float32)


def run_layers(run_model, layers, x=X, shape=(6,)):
    """Return the values before the head, and the parameters, of a list of layers."""
    network = build_network(LayerList(layers=layers), {"x": shape}, {"class": 3})
    rng = np.random.default_rng(4)
    parameters = {
        name: rng.uniform(0.5, 1.5, spec.shape).astype(np.float32)
        for name, spec in network.parameter_specs().items()
    }
    graph = GraphBuilder()
    graph.add_input("x", "float32", ["n", *shape])
    values = lower_network(graph, network, parameters, {"x": "x"})
    graph.add_output(values["class"], "logits", "float32", ["n", 3])
    found = run_model(graph.build({}, "").SerializeToString(), {"x": x})["logits"]
    return found, parameters


def apply_head(values, parameters):
    return values @ parameters["class_logits.kernel"] + parameters["class_logits.bias"]


def test_every_layer_has_a_lowering():
    assert set(LOWERINGS) == set(LAYERS)


def test_every_activation_has_a_lowering():
    assert set(LOWERED_ACTIVATIONS) == set(ACTIVATIONS)


def test_dense_and_dropout(run_model):
    layers = [{"type": "dense", "name": "a", "units": 4}, {"type": "dropout", "rate": 0.5}]
    found, parameters = run_layers(run_model, layers)
    expected = apply_head(X @ parameters["a.kernel"] + parameters["a.bias"], parameters)
    np.testing.assert_allclose(found, expected, rtol=1e-5)


def test_dense_without_bias_acts_along_the_last_axis(run_model):
    x = np.random.default_rng(1).normal(size=(5, 2, 3)).astype(np.float32)
    layers = [
        {"type": "dense", "name": "a", "units": 4},
        {"type": "dense", "name": "b", "units": 4, "bias": False},
        "flatten",
    ]
    found, parameters = run_layers(run_model, layers, x, (2, 3))
    hidden = (x @ parameters["a.kernel"] + parameters["a.bias"]) @ parameters["b.kernel"]
    np.testing.assert_allclose(found, apply_head(hidden.reshape(5, 8), parameters), rtol=1e-4)


def test_batch_norm_uses_the_running_statistics(run_model):
    found, parameters = run_layers(run_model, [{"type": "batch_norm", "name": "a"}])
    scale, bias, mean, variance = (
        parameters[f"a.{name}"] for name in ("scale", "bias", "running_mean", "running_variance")
    )
    expected = (X - mean) / np.sqrt(variance + 1e-5) * scale + bias
    np.testing.assert_allclose(found, apply_head(expected, parameters), rtol=1e-5, atol=1e-5)


def test_layer_norm_acts_on_each_event(run_model):
    found, parameters = run_layers(run_model, [{"type": "layer_norm", "name": "a"}])
    standard = (X - X.mean(1, keepdims=True)) / np.sqrt(X.var(1, keepdims=True) + 1e-5)
    expected = standard * parameters["a.scale"] + parameters["a.bias"]
    np.testing.assert_allclose(found, apply_head(expected, parameters), rtol=1e-5, atol=1e-5)


def test_branches_are_joined_in_order(run_model):
    layers = [
        {"type": "activation", "function": "relu", "name": "positive", "inputs": "x"},
        {"type": "activation", "function": "tanh", "name": "soft", "inputs": "x"},
        {"type": "add", "name": "sum", "inputs": ["positive", "soft", "x"]},
        {"type": "concatenate", "inputs": ["sum", "positive"]},
    ]
    found, parameters = run_layers(run_model, layers)
    positive = np.maximum(X, 0)
    expected = np.concatenate([positive + np.tanh(X) + X, positive], axis=1)
    np.testing.assert_allclose(found, apply_head(expected, parameters), rtol=1e-5, atol=1e-5)


def test_missing_parameters_are_named():
    network = build_network(LayerList(layers=["relu"]), {"x": (2,)}, {"class": 1})
    graph = GraphBuilder()
    graph.add_input("x", "float32", ["n", 2])
    with pytest.raises(ExportError, match=r"parameter 'class_logits\.kernel' of the network was not given"):
        lower_network(graph, network, {}, {"x": "x"})
