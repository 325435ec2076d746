"""Small networks and events for the tests of engines."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from rapidity.core.records import Batch, Objective, OutputObjective
from rapidity.network import LayerList, Network, build_network

N_FEATURES = 5
MakeNetwork = Callable[..., Network]
MakeEvents = Callable[..., Batch]


@pytest.fixture
def make_network() -> MakeNetwork:
    """Return a function that builds a network of layers on the input 'features'."""

    def make(*layers: object, n_logits: int = 1) -> Network:
        config = LayerList.model_validate({"layers": layers or [{"type": "dense", "units": 7}, "tanh"]})
        return build_network(config, {"features": (N_FEATURES,)}, {"class": n_logits})

    return make


@pytest.fixture
def make_events() -> MakeEvents:
    """Return a function that makes events whose class depends on their features."""

    def make(n_events: int = 64, n_classes: int = 2, *, has_weights: bool = False) -> Batch:
        rng = np.random.default_rng(7)
        features = rng.standard_normal((n_events, N_FEATURES)).astype(np.float32)
        target = np.argmax(features[:, :n_classes], axis=1).astype(np.int64)
        weight = rng.normal(1.0, 0.5, n_events).astype(np.float32) if has_weights else None
        return Batch({"features": features}, {"class": target}, weight)

    return make


@pytest.fixture
def objective() -> Objective:
    """Return the cross-entropy of two classes."""
    return Objective({"class": OutputObjective(n_classes=2)})
