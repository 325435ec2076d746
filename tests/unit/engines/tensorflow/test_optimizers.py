"""Every optimiser against the formulas of PyTorch, in float64."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from numpy.typing import NDArray

from rapidity.config.training import Adagrad, Adam, AdamW, RmsProp, Sgd
from rapidity.core.errors import EngineError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

tf = pytest.importorskip("tensorflow", reason="TensorFlow is not installed")
pytestmark = pytest.mark.tensorflow

Array = NDArray[np.float64]
N_STEPS = 6
TOLERANCE = 2e-6
"""Absolute, on parameters of order one that move by 0.1 a step: float32 has 6e-8."""


def sgd(config: Sgd, x: Array, moments: dict[str, Array], g: Array, rate: float, _: int) -> Array:
    g = g + config.weight_decay * x
    if config.momentum:
        moments["momentum"] = config.momentum * moments.get("momentum", 0) + g
        g = g + config.momentum * moments["momentum"] if config.nesterov else moments["momentum"]
    return x - rate * g


def adagrad(config: Adagrad, x: Array, moments: dict[str, Array], g: Array, rate: float, _: int) -> Array:
    g = g + config.weight_decay * x
    moments["square_sum"] = moments.get("square_sum", 0) + g**2
    return x - rate * g / (np.sqrt(moments["square_sum"]) + config.epsilon)


def rmsprop(config: RmsProp, x: Array, moments: dict[str, Array], g: Array, rate: float, _: int) -> Array:
    g = g + config.weight_decay * x
    moments["mean_square"] = config.decay * moments.get("mean_square", 0) + (1 - config.decay) * g**2
    change = g / (np.sqrt(moments["mean_square"]) + config.epsilon)
    if config.momentum:
        moments["momentum"] = change = config.momentum * moments.get("momentum", 0) + change
    return x - rate * change


def adam(config: Any, x: Array, moments: dict[str, Array], g: Array, rate: float, step: int) -> Array:
    if isinstance(config, AdamW):
        x = x * (1 - rate * config.weight_decay)
    else:
        g = g + config.weight_decay * x
    first, second = config.betas
    moments["mean"] = first * moments.get("mean", 0) + (1 - first) * g
    moments["mean_square"] = second * moments.get("mean_square", 0) + (1 - second) * g**2
    root = np.sqrt(moments["mean_square"] / (1 - second**step))
    return x - rate * moments["mean"] / (1 - first**step) / (root + config.epsilon)


FORMULAS: Mapping[type[Any], Callable[..., Array]] = {
    Sgd: sgd,
    Adagrad: adagrad,
    RmsProp: rmsprop,
    Adam: adam,
    AdamW: adam,
}
CONFIGS = [
    Sgd(type="sgd", weight_decay=0.1),
    Sgd(type="sgd", momentum=0.9),
    Sgd(type="sgd", momentum=0.9, nesterov=True, weight_decay=0.1),
    Adagrad(type="adagrad", weight_decay=0.1),
    Adagrad(type="adagrad", epsilon=0.1),
    RmsProp(type="rmsprop"),
    RmsProp(type="rmsprop", momentum=0.5, weight_decay=0.1, epsilon=0.1),
    Adam(type="adam"),
    Adam(type="adam", weight_decay=0.1, epsilon=0.1, betas=(0.5, 0.9)),
    AdamW(type="adamw", weight_decay=0.1),
    AdamW(type="adamw", weight_decay=0.0, epsilon=0.1),
]


@pytest.mark.parametrize("config", CONFIGS, ids=repr)
def test_updates_follow_the_formulas_of_pytorch(config: Any) -> None:
    from rapidity.engines.tensorflow.optimizers import find_variant

    variant = find_variant(config)
    rng = np.random.default_rng(3)
    expected = rng.standard_normal((3, 4)).astype(np.float32).astype(np.float64)
    variable = tf.Variable(expected, dtype=tf.float32)
    moments = {name: tf.Variable(tf.zeros((3, 4))) for name in variant.moments(config)}
    rates = 0.1 / np.arange(1.0, N_STEPS + 1)
    # In two parts, as two calls take them: the corrections of Adam must go on counting.
    parts = np.ones(N_STEPS)
    rows = np.concatenate(
        [variant.rows(config, rates[:2], parts[:2], 0), variant.rows(config, rates[2:], parts[2:], 2)]
    )
    formula, expected_moments = FORMULAS[type(config)], {}
    for step, (rate, row) in enumerate(zip(rates, rows, strict=True), start=1):
        gradient = rng.standard_normal((3, 4)).astype(np.float32)
        variant.update(config, variable, moments, tf.constant(gradient), tf.constant(row, tf.float32))
        expected = formula(config, expected, expected_moments, gradient.astype(np.float64), rate, step)
        np.testing.assert_allclose(variable.numpy(), expected, rtol=0, atol=TOLERANCE, err_msg=f"{step=}")
    assert moments.keys() == expected_moments.keys()
    for name, array in expected_moments.items():
        # TensorFlow's kernel of Adam takes 1 - beta in float32: 1.3e-5 of it for 0.999.
        np.testing.assert_allclose(moments[name].numpy(), array, rtol=3e-5, atol=1e-6, err_msg=name)


def test_an_unknown_optimizer_is_refused() -> None:
    from rapidity.engines.tensorflow.optimizers import find_variant

    with pytest.raises(EngineError, match=r"engine 'tensorflow' has no optimiser for 'adam'"):
        find_variant("adam")
