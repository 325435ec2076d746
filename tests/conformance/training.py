"""Small networks, events and steps of training, for the tests of any engine."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from rapidity.config.training import Adagrad, Adam, AdamW, RmsProp, Sgd
from rapidity.core.records import Batch, Objective, OutputObjective, ResidentBatches
from rapidity.network import LayerList, Network, build_network

if TYPE_CHECKING:
    from collections.abc import Callable

    from rapidity.core.records import Model

N_FEATURES = 5
BATCH_SIZE = 24
OBJECTIVE = Objective({"class": OutputObjective(n_classes=2)})
SGD, ADAM = Sgd(type="sgd", learning_rate=0.1), Adam(type="adam", learning_rate=0.01)

OPTIMIZERS = [
    SGD,
    Sgd(type="sgd", learning_rate=0.1, momentum=0.9),
    Sgd(type="sgd", learning_rate=0.1, momentum=0.9, nesterov=True, weight_decay=0.01),
    Adagrad(type="adagrad", learning_rate=0.1),
    RmsProp(type="rmsprop", learning_rate=0.01),
    RmsProp(type="rmsprop", learning_rate=0.01, momentum=0.5, weight_decay=0.01),
    ADAM,
    AdamW(type="adamw", learning_rate=0.01),
]

WITH_STATE = (
    {"type": "dense", "units": 6},
    "batch_norm",
    "relu",
    {"type": "dropout", "rate": 0.3},
    {"type": "dense", "units": 4},
    {"type": "dropout", "rate": 0.2},
    "layer_norm",
)
"""Layers with running statistics and with random numbers."""
PLAIN = ({"type": "dense", "units": 7}, "tanh")


def make_network(*layers: object, n_logits: int = 1) -> Network:
    """Return a network of layers on the input 'features'."""
    config = LayerList.model_validate({"layers": layers or PLAIN})
    return build_network(config, {"features": (N_FEATURES,)}, {"class": n_logits})


def make_events(n_events: int = 64, n_classes: int = 2, *, has_weights: bool = False) -> Batch:
    """Return events whose class depends on their features."""
    rng = np.random.default_rng(7)
    features = rng.standard_normal((n_events, N_FEATURES)).astype(np.float32)
    target = np.argmax(features[:, :n_classes], axis=1).astype(np.int64)
    weight = rng.normal(1.0, 0.5, n_events).astype(np.float32) if has_weights else None
    return Batch({"features": features}, {"class": target}, weight)


def falling_rate(step: int) -> float:
    """Return another rate for every step."""
    return 0.05 / (1 + step)


def train(
    model: Model,
    events: Batch,
    epochs: range,
    optimizer: Any = ADAM,
    rate: Callable[[int], float] = falling_rate,
    objective: Objective = OBJECTIVE,
) -> list[float]:
    """Train for these epochs, each with an order and dropout of its own; return the loss of every step."""
    losses = []
    for epoch in epochs:
        rng = np.random.default_rng([5, epoch])
        batches = ResidentBatches(events, BATCH_SIZE, rng.permutation(events.n_events))
        losses += model.train_epoch(batches, objective, optimizer, rate, rng).step_losses.tolist()
    return losses


def assert_same(first: dict[str, Any], second: dict[str, Any]) -> None:
    """Compare arrays bit for bit."""
    assert first.keys() == second.keys()
    for name, array in first.items():
        np.testing.assert_array_equal(array, second[name], err_msg=name)
