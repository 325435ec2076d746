"""The native module that a user can take away."""

from __future__ import annotations

import copy

import numpy as np
import pytest

from rapidity.core.records import Batch, ResidentBatches
from rapidity.engines import get_engine
from rapidity.network import LayerList, Network, Realmlp, build_network

torch = pytest.importorskip("torch", reason="PyTorch is not installed")
pytestmark = pytest.mark.torch


def build(network: Network) -> object:
    return get_engine("torch").build(network, network.initial_parameters(np.random.default_rng(1)), "cpu")


def test_the_native_module_works_by_itself() -> None:
    layers = LayerList.model_validate({"layers": [{"type": "dense", "units": 3}, "relu"]})
    model = build(build_network(layers, {"features": (4,)}, {"class": 1}))
    taken = copy.deepcopy(model.native)
    assert [type(part) for part in taken.children()] == [torch.nn.Linear, torch.nn.ReLU, torch.nn.Linear]
    features = np.random.default_rng(1).standard_normal((5, 4)).astype(np.float32)
    expected = model.predict(ResidentBatches(Batch({"features": features}), 5))["class"]
    np.testing.assert_array_equal(taken(torch.from_numpy(features)).detach().numpy(), expected)


def test_kernels_are_transposed_and_biases_are_not() -> None:
    layers = LayerList.model_validate({"layers": [{"type": "dense", "units": 3}]})
    network = build_network(layers, {"features": (4,)}, {"class": 1})
    parameters = network.initial_parameters(np.random.default_rng(1))
    model = get_engine("torch").build(network, parameters, "cpu")
    np.testing.assert_array_equal(
        model.native.dense_1.weight.detach().numpy(), parameters["dense_1.kernel"].T
    )
    for name, array in model.parameters().items():
        np.testing.assert_array_equal(array, parameters[name])


def test_awkward_names_are_allowed() -> None:
    """Names of attributes of a module, of Python's keywords, and with hyphens."""
    layers = [
        {"type": "dense", "name": "forward", "units": 3, "inputs": "class"},
        {"type": "dense", "name": "training", "units": 3, "inputs": "self"},
        {"type": "dense", "name": "my-layer", "units": 3, "inputs": "jet pt"},
        {"type": "concatenate", "name": "graph", "inputs": ["forward", "training", "my-layer"]},
    ]
    inputs = {"class": (2,), "self": (2,), "jet pt": (2,)}
    network = build_network(LayerList.model_validate({"layers": layers}), inputs, {"x": 1})
    events = Batch({name: np.ones((3, 2), np.float32) for name in inputs})
    model = build(network)
    assert model.predict(ResidentBatches(events, 3), ["graph"])["graph"].shape == (3, 9)


def test_several_outputs_come_as_a_tuple() -> None:
    layers = LayerList.model_validate({"layers": [{"type": "dense", "units": 3}]})
    model = build(build_network(layers, {"features": (4,)}, {"class": 3, "flavour": 1}))
    found = model.predict(ResidentBatches(Batch({"features": np.ones((2, 4), np.float32)}), 2))
    assert {name: array.shape for name, array in found.items()} == {"class": (2, 3), "flavour": (2, 1)}
    assert [tuple(part.shape) for part in model.native(torch.ones(2, 4))] == [(2, 3), (2, 1)]


@pytest.mark.parametrize("width", ["bfloat16", "float16"])
def test_layers_of_tables_compute_in_sixteen_bits_too(width: str) -> None:
    """Their parameters stay in 32 bits: an operation that wants both alike stops a mixed training."""
    network = build_network(Realmlp(type="realmlp", hidden=(16, 16)), {"features": (4,)}, {"class": 1})
    module = build(network).native.eval()
    features = torch.linspace(-2, 2, 40).reshape(10, 4)
    expected = module(features)
    with torch.autocast("cpu", dtype=getattr(torch, width)):
        found = module(features)
    assert found.dtype == getattr(torch, width)
    torch.testing.assert_close(found.float(), expected, rtol=0, atol=0.05 * expected.abs().max().item())
