"""What the engine on NumPy cannot do, and what it then says."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from rapidity.core.errors import EngineError
from rapidity.engines.numpy import make_engine
from rapidity.network import Network

MakeNetwork = Callable[..., Network]


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        (
            {"device": "gpu"},
            r"device is 'gpu', but engine 'numpy' computes on the CPU\. Set device: auto or cpu",
        ),
        ({"precision": "mixed"}, r"precision is 'mixed', which needs a GPU.*Set precision: float32"),
    ],
)
def test_a_gpu_and_16_bits_are_refused(keys: Any, message: str, make_network: MakeNetwork) -> None:
    network = make_network()
    parameters = network.initial_parameters(np.random.default_rng(1))
    with pytest.raises(EngineError, match=message):
        make_engine().build(network, parameters, **keys)


class Perceptron:
    pass


@pytest.mark.parametrize("module", [Perceptron, Perceptron()])
def test_a_module_of_ones_own_is_refused_with_what_to_do(module: object) -> None:
    with pytest.raises(
        EngineError, match=r"builds declared networks, but was given a module of your own \(Perceptron\)"
    ) as caught:
        make_engine().wrap(module, {"features": (5,)}, {"class": 1})
    for way in ("network: {layers: [...]}", "engine: torch", "rapidity.autodiff"):
        assert way in str(caught.value)
