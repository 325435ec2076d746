"""Every layer against a few lines of NumPy that say what it must compute."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from rapidity.config.training import Sgd
from rapidity.core.records import Objective, OutputObjective, ResidentBatches
from rapidity.engines import get_engine
from rapidity.network import LAYERS
from rapidity.network.layers.activation import ACTIVATIONS

Array = NDArray[np.float64]
TOLERANCE = 2e-5
"""Absolute and relative: float32 with sums of some ten terms, and approximations of erf and tanh."""

ERF = np.vectorize(math.erf)
SELU_SCALE, SELU_ALPHA = 1.0507009873554805, 1.6732632423543772
"""Klambauer et al., arXiv:1706.02515, equation 14."""


def sigmoid(x: Array) -> Array:
    return 1 / (1 + np.exp(-x))


def softmax(x: Array) -> Array:
    e = np.exp(x - x.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


REFERENCE_ACTIVATIONS: Mapping[str, Callable[..., Array]] = {
    "relu": lambda x: np.maximum(x, 0),
    "leaky_relu": lambda x, slope=0.01: np.where(x > 0, x, slope * x),
    "elu": lambda x, alpha=1.0: np.where(x > 0, x, alpha * np.expm1(x)),
    "selu": lambda x: SELU_SCALE * np.where(x > 0, x, SELU_ALPHA * np.expm1(x)),
    "gelu": lambda x: x * (1 + ERF(x / np.sqrt(2))) / 2,
    "silu": lambda x: x * sigmoid(x),
    "mish": lambda x: x * np.tanh(np.log1p(np.exp(x))),
    "softplus": lambda x: np.log1p(np.exp(x)),
    "softsign": lambda x: x / (1 + np.abs(x)),
    "hard_sigmoid": lambda x: np.clip(x / 6 + 0.5, 0, 1),
    "sigmoid": sigmoid,
    "tanh": np.tanh,
    "softmax": softmax,
}

Values = Mapping[str, Any]


def reference_activation(inputs: list[Array], _: Values, settings: Values) -> Array:
    rest = {key: value for key, value in settings.items() if key != "function"}
    return REFERENCE_ACTIVATIONS[settings["function"]](inputs[0], **rest)


def reference_batch_norm(inputs: list[Array], own: Values, settings: Values) -> Array:
    deviation = np.sqrt(own["running_variance"] + settings.get("epsilon", 1e-5))
    return (inputs[0] - own["running_mean"]) / deviation * own["scale"] + own["bias"]


def reference_layer_norm(inputs: list[Array], own: Values, settings: Values) -> Array:
    x = inputs[0]
    variance = x.var(axis=-1, keepdims=True)
    normalised = (x - x.mean(axis=-1, keepdims=True)) / np.sqrt(variance + settings.get("epsilon", 1e-5))
    return normalised * own["scale"] + own["bias"]


REFERENCES: Mapping[str, Callable[[list[Array], Values, Values], Array]] = {
    "dense": lambda inputs, own, _: inputs[0] @ own["kernel"] + own.get("bias", 0),
    "activation": reference_activation,
    "dropout": lambda inputs, _own, _settings: inputs[0],
    "batch_norm": reference_batch_norm,
    "layer_norm": reference_layer_norm,
    "concatenate": lambda inputs, _own, _settings: np.concatenate(inputs, axis=-1),
    "add": lambda inputs, _own, _settings: np.sum(inputs, axis=0),
    "flatten": lambda inputs, _own, _settings: inputs[0].reshape(len(inputs[0]), -1),
}


def random_parameters(network: Any) -> dict[str, Any]:
    """Return parameters in which nothing is zero or one, so that none can be overlooked."""
    rng = np.random.default_rng(9)
    return {
        name: rng.uniform(0.3, 1.3, spec.shape).astype(np.float32)
        for name, spec in network.parameter_specs().items()
    }


def test_every_layer_and_activation_has_a_reference() -> None:
    assert set(REFERENCES) == set(LAYERS)
    assert set(REFERENCE_ACTIVATIONS) == set(ACTIVATIONS)


@pytest.mark.parametrize("n_events", [1, 2, 7])
def test_a_layer_computes_what_its_reference_does(engine_name: str, layer_case: Any, n_events: int) -> None:
    network = layer_case.build()
    parameters = random_parameters(network)
    model = get_engine(engine_name).build(network, parameters, "cpu")
    events = layer_case.make_events(n_events)
    found = model.predict(ResidentBatches(events, n_events), ["tried"])["tried"]
    own = {
        name.removeprefix("tried."): array.astype(np.float64)
        for name, array in parameters.items()
        if name.startswith("tried.")
    }
    inputs = [array.astype(np.float64) for array in events.inputs.values()]
    expected = REFERENCES[layer_case.layer](inputs, own, layer_case.settings)
    assert found.shape == (n_events, *network.shape_of("tried"))
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected, rtol=TOLERANCE, atol=TOLERANCE)


def train_one_step(model: Any, events: Any) -> None:
    objective = Objective({"class": OutputObjective(2)})
    batches = ResidentBatches(events, events.n_events)
    model.train_epoch(batches, objective, Sgd(type="sgd"), lambda _: 0.0, np.random.default_rng(1))


@pytest.mark.parametrize("n_events", [1, 2, 30])
def test_running_statistics_are_those_of_pytorch(
    engine_name: str, batch_norm_case: Any, n_events: int
) -> None:
    network, events = batch_norm_case.build(), batch_norm_case.make_events(n_events)
    parameters = random_parameters(network)
    model = get_engine(engine_name).build(network, parameters, "cpu")
    train_one_step(model, events)
    rows = events.inputs["a"].astype(np.float64).reshape(-1, events.inputs["a"].shape[-1])
    momentum = batch_norm_case.settings.get("momentum", 0.1) if len(rows) > 1 else 0.0
    mean, variance = parameters["tried.running_mean"], parameters["tried.running_variance"]
    batch_variance = rows.var(axis=0, ddof=1) if len(rows) > 1 else 0.0
    found = model.parameters()
    np.testing.assert_allclose(
        found["tried.running_mean"], (1 - momentum) * mean + momentum * rows.mean(axis=0), rtol=TOLERANCE
    )
    np.testing.assert_allclose(
        found["tried.running_variance"], (1 - momentum) * variance + momentum * batch_variance, rtol=TOLERANCE
    )


def test_batch_norm_uses_the_batch_while_training(engine_name: str, batch_norm_case: Any) -> None:
    """Seen through the gradient: with statistics of the batch, a shift of an input changes no loss."""
    network, events = batch_norm_case.build(), batch_norm_case.make_events(20)
    model = get_engine(engine_name).build(network, random_parameters(network), "cpu")
    objective = Objective({"class": OutputObjective(2)})
    first = model.gradients(events, objective)
    events.inputs["a"][...] += 3.0
    second = model.gradients(events, objective)
    for name, gradient in first.items():
        np.testing.assert_allclose(second[name], gradient, rtol=1e-3, atol=1e-4, err_msg=name)
