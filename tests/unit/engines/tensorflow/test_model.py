"""What is particular to TensorFlow; `conformance/test_training.py` has what every engine must do."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from conformance.training import WITH_STATE, assert_same, make_events, make_network, train

from rapidity.core.records import ResidentBatches
from rapidity.engines import get_engine

if TYPE_CHECKING:
    from rapidity.network import Network

tf = pytest.importorskip("tensorflow", reason="TensorFlow is not installed")
pytestmark = pytest.mark.tensorflow


def build(network: Network) -> Any:
    parameters = network.initial_parameters(np.random.default_rng(1))
    return get_engine("tensorflow").build(network, parameters, "cpu")


def test_many_calls_of_the_compiled_steps_are_one_training(monkeypatch: pytest.MonkeyPatch) -> None:
    network, events = make_network(*WITH_STATE), make_events(100)
    whole, parts = build(network), build(network)
    losses = train(whole, events, range(2))
    monkeypatch.setattr("rapidity.engines.tensorflow.stepper.STEPS_IN_A_CALL", 2)
    assert train(parts, events, range(2)) == losses
    assert_same(parts.state().arrays, whole.state().arrays)


def test_nothing_is_compiled_again_for_other_numbers_of_events(
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    from rapidity.engines.tensorflow.module import NativeNetwork

    traced, plain = [], NativeNetwork.logits

    def logits(self: Any, *arguments: Any, training: bool) -> Any:
        traced.append(training)
        return plain(self, *arguments, training=training)

    monkeypatch.setattr(NativeNetwork, "logits", logits)
    for _ in range(6):  # TensorFlow warns of functions that are compiled five times.
        model = build(make_network())
        for n_events in (100, 60, 7):
            train(model, make_events(n_events), range(1))
            model.predict(ResidentBatches(make_events(n_events), 11))
        assert sorted(traced) == [False, True]
        traced.clear()
    assert not caplog.records


def test_nothing_global_changes() -> None:
    import keras

    before = random.getstate(), keras.config.floatx(), keras.config.dtype_policy().name
    keras.config.set_dtype_policy("float64")
    try:
        model = build(make_network(*WITH_STATE))
        train(model, make_events(50), range(2))
        assert {str(variable.dtype) for variable in model.native.weights} == {"float32"}
    finally:
        keras.config.set_dtype_policy(before[2])
    assert (random.getstate(), keras.config.floatx(), keras.config.dtype_policy().name) == before


@pytest.mark.gpu
def test_a_gpu_learns_and_goes_on_where_it_stopped() -> None:
    if not tf.config.list_physical_devices("GPU"):
        pytest.skip("TensorFlow finds no GPU here")
    network, events = make_network(*WITH_STATE), make_events(100)
    engine, parameters = get_engine("tensorflow"), network.initial_parameters(np.random.default_rng(1))
    straight, first, second = (engine.build(network, parameters, "gpu") for _ in range(3))
    losses = train(straight, events, range(20))
    train(first, events, range(10))
    second.load_state(first.state())
    train(second, events, range(10, 20))
    assert np.mean(losses[-5:]) < np.mean(losses[:5])
    for name, array in straight.parameters().items():
        np.testing.assert_allclose(second.parameters()[name], array, rtol=1e-3, atol=1e-4, err_msg=name)
