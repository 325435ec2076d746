"""The native module: what a user can take away, and what it leaves in memory."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import rapidity.autodiff as ad
from rapidity.engines.numpy.lowering import Mode
from rapidity.engines.numpy.module import GraphModule, as_tensors
from rapidity.network import LayerList, Network, build_network

MakeNetwork = Callable[..., Network]
HIDDEN = ({"type": "dense", "units": 6, "name": "hidden"}, "relu", {"type": "dropout", "rate": 0.5})


def make_module(network: Network) -> GraphModule:
    module = GraphModule(network)
    for name, array in network.initial_parameters(np.random.default_rng(1)).items():
        module.tensors[name].array[...] = array
    return module


def draw(n_events: int, n_features: int = 5) -> Any:
    return np.random.default_rng(2).standard_normal((n_events, n_features)).astype(np.float32)


def test_module_is_a_function_of_arrays_with_gradients(make_network: MakeNetwork) -> None:
    module, features = make_module(make_network(*HIDDEN)), draw(8)
    logits = module(features)
    own = {name: tensor.numpy() for name, tensor in module.parameters.items()}
    hidden = np.maximum(features @ own["hidden.kernel"] + own["hidden.bias"], 0)
    expected = hidden @ own["class_logits.kernel"] + own["class_logits.bias"]
    np.testing.assert_allclose(logits.numpy(), expected, rtol=1e-5, atol=1e-6)
    (gradient,) = ad.gradients(logits.sum(), [module.parameters["class_logits.kernel"]])
    np.testing.assert_allclose(gradient.numpy(), hidden.sum(axis=0)[:, None], rtol=1e-5, atol=1e-6)


def test_gradients_by_the_inputs_can_be_had_without_those_of_parameters(make_network: MakeNetwork) -> None:
    module = make_module(make_network(*HIDDEN))
    features = ad.tensor(draw(4), requires_gradient=True)
    (logits,) = module.compute([features], is_recorded=False)
    logits.sum().backward()
    assert features.gradient is not None
    assert features.gradient.shape == (4, 5)
    assert all(tensor.gradient is None for tensor in module.parameters.values())


def test_an_integer_or_float64_array_is_computed_in_float32(make_network: MakeNetwork) -> None:
    module = make_module(make_network(*HIDDEN))
    assert module(np.ones((2, 5))).dtype == np.float32
    assert module(np.ones((2, 5), dtype=int)).dtype == np.float32


def test_several_outputs_come_as_a_tuple() -> None:
    config = LayerList.model_validate({"layers": [{"type": "dense", "units": 4}]})
    network = build_network(config, {"features": (5,)}, {"class": 3, "flavour": 1})
    results = make_module(network)(draw(7))
    assert [logits.shape for logits in results] == [(7, 3), (7, 1)]


def test_parameters_are_views_of_one_array(make_network: MakeNetwork) -> None:
    module = make_module(make_network(*HIDDEN, "batch_norm"))
    assert set(module.tensors) - set(module.parameters) == {
        "batch_norm_1.running_mean",
        "batch_norm_1.running_variance",
    }
    assert module.flat_parameters.size == sum(tensor.size for tensor in module.parameters.values())
    module.flat_parameters[...] = 7
    assert all((tensor.numpy() == 7).all() for tensor in module.parameters.values())
    assert all(tensor.requires_gradient for tensor in module.parameters.values())
    assert not module.tensors["batch_norm_1.running_mean"].requires_gradient


def test_description_shows_every_layer_and_its_parameters(make_network: MakeNetwork) -> None:
    assert repr(make_module(make_network(*HIDDEN))).splitlines() == [
        "GraphModule(features (5,)) with 43 trained values",
        "  hidden = dense[units=6](features)  # kernel (5, 6), bias (6,)",
        "  relu_1 = relu(hidden)",
        "  dropout_1 = dropout[rate=0.5](relu_1)",
        "  class_logits = dense[units=1](dropout_1)  # kernel (6, 1), bias (1,)",
        "  return class_logits",
    ]


def test_values_are_let_go_as_soon_as_no_layer_needs_them(make_network: MakeNetwork) -> None:
    """Without gradients at most two layers' values live at a time, however many layers there are."""
    peaks = []
    for n_layers in (2, 10):
        module = make_module(make_network(*[{"type": "dense", "units": 64}, "tanh"] * n_layers))
        journal = ad.Journal()
        workspace = ad.Workspace(journal=journal)
        module.compute(as_tensors([draw(256)], workspace), is_recorded=False)
        constants = sum(tensor.array.nbytes for tensor in module.tensors.values())
        peaks.append(journal.peak_bytes - constants)
    assert peaks[1] == peaks[0]


def test_gradient_of_the_events_is_not_computed(make_network: MakeNetwork) -> None:
    module, journal = make_module(make_network(*HIDDEN)), ad.Journal()
    inputs = as_tensors([draw(16)], ad.Workspace(journal=journal))
    (logits,) = module.compute(inputs, Mode(is_training=True))
    logits.sum().backward()
    assert not [entry for entry in journal.entries if entry.is_gradient and entry.shape == (16, 5)]


def test_dropout_needs_training_and_random_numbers(make_network: MakeNetwork) -> None:
    module, features = make_module(make_network({"type": "dropout", "rate": 0.5})), draw(200)
    plain = module(features).numpy()
    rng = np.random.default_rng(1)
    for mode in (Mode(), Mode(is_training=True), Mode(rng=rng)):
        np.testing.assert_array_equal(module(features, mode=mode).numpy(), plain)
    assert not np.array_equal(module(features, mode=Mode(is_training=True, rng=rng)).numpy(), plain)


@pytest.mark.parametrize("strength", [1.0, 0.5])
@pytest.mark.parametrize("full", [0.1, 0.5, 0.9])
def test_dropout_drops_its_rate_and_scales_the_rest(
    full: float, strength: float, make_network: MakeNetwork
) -> None:
    network = make_network({"type": "dropout", "rate": full, "name": "tried"}, n_logits=1)
    results: dict[str, Any] = {"tried": None}
    ones = as_tensors([np.ones((20_000, 5), np.float32)], ad.Workspace())
    mode = Mode(is_training=True, rng=np.random.default_rng(4), dropout_strength=strength)
    make_module(network).compute(ones, mode, results=results)
    rate = full * strength
    values = results["tried"]
    assert values.dtype == np.float32
    np.testing.assert_allclose(np.unique(values), [0, 1 / (1 - rate)], rtol=1e-6)
    spread = np.sqrt(rate * (1 - rate) / values.size)
    assert np.mean(values == 0) == pytest.approx(rate, abs=5 * spread)
