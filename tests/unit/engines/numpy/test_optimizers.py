"""Each optimiser against its formula, value by value in float64, and block after block."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest

from rapidity.config.training import Adagrad, Adam, AdamW, RmsProp, Sgd
from rapidity.core.errors import EngineError
from rapidity.engines.groups import ParameterGroup
from rapidity.engines.numpy import optimizers
from rapidity.engines.numpy.optimizers import OPTIMIZERS, Optimizer

RATES = (0.1, 0.05, 0.02)
FLOAT32_TOLERANCE = 1e-5
"""For parameters of order 1: three steps of some ten roundings of 6e-8 each, over gradients of 0.01."""

Reference = Callable[[Any, float, list[float]], float]
"""The value of one parameter after its gradients, with the rates of `RATES`."""


def sgd(config: Any, value: float, gradients: list[float]) -> float:
    velocity = 0.0
    for rate, gradient in zip(RATES, gradients, strict=True):
        g = gradient + config.weight_decay * value
        if config.momentum:
            velocity = config.momentum * velocity + g
            g = g + config.momentum * velocity if config.nesterov else velocity
        value -= rate * g
    return value


def adagrad(config: Any, value: float, gradients: list[float]) -> float:
    total = 0.0
    for rate, gradient in zip(RATES, gradients, strict=True):
        g = gradient + config.weight_decay * value
        total += g * g
        value -= rate * g / (math.sqrt(total) + config.epsilon)
    return value


def rmsprop(config: Any, value: float, gradients: list[float]) -> float:
    square = velocity = 0.0
    for rate, gradient in zip(RATES, gradients, strict=True):
        g = gradient + config.weight_decay * value
        square = config.decay * square + (1 - config.decay) * g * g
        velocity = config.momentum * velocity + g / (math.sqrt(square) + config.epsilon)
        value -= rate * velocity
    return value


def adam(config: Any, value: float, gradients: list[float]) -> float:
    mean = square = 0.0
    first, second = config.betas
    for step, (rate, gradient) in enumerate(zip(RATES, gradients, strict=True), start=1):
        g = gradient
        if config.type == "adamw":
            value -= rate * config.weight_decay * value
        else:
            g += config.weight_decay * value
        mean = first * mean + (1 - first) * g
        square = second * square + (1 - second) * g * g
        corrected = math.sqrt(square / (1 - second**step))
        value -= rate * mean / (1 - first**step) / (corrected + config.epsilon)
    return value


CASES: Mapping[type[Any], tuple[Reference, list[dict[str, Any]]]] = {
    Sgd: (
        sgd,
        [
            {},
            {"weight_decay": 0.3},
            {"momentum": 0.9},
            {"momentum": 0.8, "nesterov": True, "weight_decay": 0.1},
        ],
    ),
    Adagrad: (adagrad, [{}, {"weight_decay": 0.3, "epsilon": 0.1}]),
    RmsProp: (rmsprop, [{}, {"decay": 0.5, "epsilon": 0.1}, {"momentum": 0.7, "weight_decay": 0.2}]),
    Adam: (adam, [{}, {"betas": (0.5, 0.6), "epsilon": 0.1}, {"weight_decay": 0.3}]),
    AdamW: (adam, [{}, {"weight_decay": 0.0}, {"weight_decay": 0.5, "betas": (0.0, 0.9)}]),
}
NAMES = {Sgd: "sgd", Adagrad: "adagrad", RmsProp: "rmsprop", Adam: "adam", AdamW: "adamw"}
CONFIGS = [kind(type=NAMES[kind], **keys) for kind, (_, listed) in CASES.items() for keys in listed]


def test_every_optimiser_is_tried() -> None:
    assert set(OPTIMIZERS) == set(CASES)


@pytest.mark.parametrize("config", CONFIGS, ids=repr)
def test_three_steps_are_those_of_the_formula(config: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(optimizers, "VALUES_IN_A_BLOCK", 4)
    rng = np.random.default_rng(3)
    start, gradients = rng.normal(size=10), rng.normal(size=(3, 10))
    parameters = start.astype(np.float32)
    optimizer = Optimizer(config, 10)
    for rate, gradient in zip(RATES, gradients, strict=True):
        optimizer.update(parameters, gradient.astype(np.float32), rate)
    reference = CASES[type(config)][0]
    expected = [reference(config, start[i], gradients[:, i].tolist()) for i in range(10)]
    np.testing.assert_allclose(parameters, expected, rtol=FLOAT32_TOLERANCE, atol=FLOAT32_TOLERANCE)
    assert parameters.dtype == np.float32
    assert optimizer.step == 3


def test_each_run_of_values_has_the_rate_and_the_decay_of_its_group(monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs that begin and end anywhere in a block."""
    monkeypatch.setattr(optimizers, "VALUES_IN_A_BLOCK", 4)
    config = AdamW(type="adamw", weight_decay=0.5)
    groups = [(ParameterGroup(), 3), (ParameterGroup(6.0, 0.0), 1), (ParameterGroup(6.0, 0.0), 5)]
    groups.append((ParameterGroup(0.1, 0.5), 1))
    rng = np.random.default_rng(3)
    start, gradients = rng.normal(size=10), rng.normal(size=(3, 10))
    parameters = start.astype(np.float32)
    optimizer = Optimizer(config, 10, groups)
    for rate, gradient in zip(RATES, gradients, strict=True):
        optimizer.update(parameters, gradient.astype(np.float32), rate)
    of_each = [group for group, n_values in groups for _ in range(n_values)]
    expected = []
    for i, group in enumerate(of_each):
        with monkeypatch.context() as patch:
            patch.setitem(globals(), "RATES", tuple(rate * group.rate_factor for rate in RATES))
            own = AdamW(type="adamw", weight_decay=0.5 * group.decay_factor)
            expected.append(adam(own, start[i], gradients[:, i].tolist()))
    np.testing.assert_allclose(parameters, expected, rtol=FLOAT32_TOLERANCE, atol=FLOAT32_TOLERANCE)


def test_only_moments_that_are_used_are_kept() -> None:
    assert Optimizer(Sgd(type="sgd"), 3).moments == {}
    assert set(Optimizer(Sgd(type="sgd", momentum=0.9), 3).moments) == {"momentum"}
    assert set(Optimizer(RmsProp(type="rmsprop"), 3).moments) == {"mean_square"}


def test_an_unknown_optimiser_is_refused() -> None:
    with pytest.raises(EngineError, match="engine 'numpy' has no optimiser for 'adam'"):
        Optimizer("adam", 3)
