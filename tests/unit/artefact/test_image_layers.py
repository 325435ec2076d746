"""Layers of images as ONNX: standard operators, explicit padding, few transposes."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from rapidity.artefact.graph import GraphBuilder
from rapidity.artefact.layers import lower_network
from rapidity.network import LayerList, build_network

X = np.random.default_rng(0).normal(size=(3, 8, 6, 2)).astype(np.float32)
CONVOLUTION = {"type": "conv2d", "filters": 4, "padding": "same"}


def make_graph(*layers):
    """Return the ONNX model of the layers on images, and the parameters."""
    network = build_network(LayerList(layers=layers), {"x": X.shape[1:]}, {"class": 3})
    rng = np.random.default_rng(4)
    parameters = {
        name: rng.uniform(0.5, 1.5, spec.shape).astype(np.float32)
        for name, spec in network.parameter_specs().items()
    }
    graph = GraphBuilder()
    graph.add_input("x", "float32", ["n", *X.shape[1:]])
    values = lower_network(graph, network, parameters, {"x": "x"})
    graph.add_output(values["class"], "logits", "float32", ["n", 3])
    return graph.build({}, ""), parameters


def count_operators(model):
    return Counter(node.op_type for node in model.graph.node)


def attributes_of(model, operator):
    (node,) = [node for node in model.graph.node if node.op_type == operator]
    return {attribute.name: list(attribute.ints) or attribute.i for attribute in node.attribute}


def test_a_chain_is_transposed_at_its_ends_alone():
    chain = [
        CONVOLUTION,
        "batch_norm",
        "relu",
        "max_pool2d",
        {"type": "dropout", "rate": 0.5},
        CONVOLUTION,
        "selu",
    ]
    model, _ = make_graph(*chain, {"type": "upsample2d"}, "flatten")
    assert count_operators(model)["Transpose"] == 2


def test_a_global_pool_ends_without_a_transpose():
    model, _ = make_graph(CONVOLUTION, "relu", "global_pool")
    assert count_operators(model)["Transpose"] == 1


def test_branches_share_a_transpose():
    layers = [
        {**CONVOLUTION, "name": "left", "inputs": "x"},
        {**CONVOLUTION, "name": "right", "inputs": "x"},
        {"type": "add", "name": "sum", "inputs": ["left", "right"]},
        {"type": "concatenate", "name": "joined", "inputs": ["sum", "x"]},
        {"type": "activation", "function": "softmax"},
        {"type": "global_pool"},
    ]
    assert count_operators(make_graph(*layers)[0])["Transpose"] == 1


def test_layers_of_the_last_axis_see_the_channels_last(run_model):
    model, parameters = make_graph(
        {"type": "upsample2d"}, {"type": "dense", "name": "mix", "units": 2}, "layer_norm", "global_pool"
    )
    assert count_operators(model)["Transpose"] == 3
    mixed = np.kron(X, np.ones((1, 2, 2, 1))) @ parameters["mix.kernel"] + parameters["mix.bias"]
    standard = (mixed - mixed.mean(-1, keepdims=True)) / np.sqrt(mixed.var(-1, keepdims=True) + 1e-5)
    scale, bias = (parameters[f"layer_norm_1.{name}"] for name in ("scale", "bias"))
    pooled = (standard * scale + bias).mean(axis=(1, 2))
    expected = pooled @ parameters["class_logits.kernel"] + parameters["class_logits.bias"]
    found = run_model(model.SerializeToString(), {"x": X})["logits"]
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4)


def test_padding_is_written_in_numbers():
    layer = {"type": "conv2d", "filters": 2, "kernel_size": [4, 3], "stride": 2, "padding": "same"}
    found = attributes_of(make_graph(layer, "flatten")[0], "Conv")
    assert found["pads"] == [1, 0, 1, 1]
    assert (found["strides"], found["kernel_shape"], found["group"]) == ([2, 2], [4, 3], 1)
    assert "auto_pad" not in found


def test_a_depthwise_convolution_is_a_grouped_one():
    layer = {"type": "depthwise_conv2d", "multiplier": 3, "dilation": [1, 2]}
    found = attributes_of(make_graph(layer, "flatten")[0], "Conv")
    assert (found["group"], found["dilations"]) == (2, [1, 2])


def test_padding_does_not_count_in_an_average():
    found = attributes_of(make_graph({"type": "average_pool2d", "padding": 1}, "flatten")[0], "AveragePool")
    assert found["count_include_pad"] == 0
    assert found["pads"] == [1, 1, 1, 1]


@pytest.mark.parametrize("function", ["average", "max"])
def test_a_global_pool_gives_a_number_per_channel(function, run_model):
    model, parameters = make_graph({"type": "global_pool", "function": function})
    pooled = X.mean(axis=(1, 2)) if function == "average" else X.max(axis=(1, 2))
    expected = pooled @ parameters["class_logits.kernel"] + parameters["class_logits.bias"]
    found = run_model(model.SerializeToString(), {"x": X})["logits"]
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)


def test_images_are_flattened_with_the_channels_fastest(run_model):
    model, parameters = make_graph("max_pool2d", "flatten")
    pooled = X.reshape(3, 4, 2, 3, 2, 2).max(axis=(2, 4)).reshape(3, -1)
    expected = pooled @ parameters["class_logits.kernel"] + parameters["class_logits.bias"]
    found = run_model(model.SerializeToString(), {"x": X})["logits"]
    np.testing.assert_allclose(found, expected, rtol=1e-4)
