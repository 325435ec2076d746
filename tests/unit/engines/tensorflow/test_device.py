"""The device, and random numbers that leave the global generators alone."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import numpy as np
import pytest

from rapidity.core.errors import EngineError
from rapidity.engines import get_engine

if TYPE_CHECKING:
    from rapidity.network import Network

pytest.importorskip("tensorflow", reason="TensorFlow is not installed")
pytestmark = pytest.mark.tensorflow


@pytest.fixture
def network(make_network: object) -> Network:
    return make_network()  # type: ignore[operator, no-any-return]


def test_a_gpu_that_is_not_there_is_an_error(network: Network, monkeypatch: pytest.MonkeyPatch) -> None:
    import tensorflow as tf

    monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind: [])
    parameters = network.initial_parameters(np.random.default_rng(1))
    with pytest.raises(EngineError, match=r"'gpu', but TensorFlow finds no GPU here\. Set device: auto"):
        get_engine("tensorflow").build(network, parameters, "gpu")


def test_sixteen_bits_are_refused(network: Network) -> None:
    parameters = network.initial_parameters(np.random.default_rng(1))
    message = r"'mixed', but engine 'tensorflow' computes in 32 bits only\. Set precision: float32"
    with pytest.raises(EngineError, match=message):
        get_engine("tensorflow").build(network, parameters, "cpu", "mixed")


def test_seeding_leaves_the_generator_of_python_as_it_was() -> None:
    from rapidity.engines.tensorflow.device import seeded

    before = random.getstate()
    drawn = []
    for seed in (1, 1, 2):
        with seeded(np.random.default_rng(seed)):
            drawn.append(random.random())
    assert drawn[0] == drawn[1] != drawn[2]
    assert random.getstate() == before
