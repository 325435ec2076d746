"""Training, prediction and state of a model, and what stays untouched around them."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from rapidity.config.training import Adam, Sgd
from rapidity.core.errors import DataError, EngineError
from rapidity.core.records import Batch, Model, Objective, OutputObjective, ResidentBatches, State
from rapidity.engines import get_engine
from rapidity.network import Network

tf = pytest.importorskip("tensorflow", reason="TensorFlow is not installed")
pytestmark = pytest.mark.tensorflow

MakeNetwork = Callable[..., Network]
MakeEvents = Callable[..., Batch]
BATCH_SIZE = 24

PLAIN, ADAM = Sgd(type="sgd", learning_rate=0.1), Adam(type="adam", learning_rate=0.01)
LAYERS_WITH_STATE = (
    {"type": "dense", "units": 6},
    "batch_norm",
    "relu",
    {"type": "dropout", "rate": 0.3},
    {"type": "dense", "units": 4},
    {"type": "dropout", "rate": 0.2},
    "layer_norm",
)


def build(network: Network, seed: int = 1) -> Any:
    parameters = network.initial_parameters(np.random.default_rng(seed))
    return get_engine("tensorflow").build(network, parameters, "cpu")


def falling_rate(step: int) -> float:
    return 0.05 / (1 + step)


def train(
    model: Model, events: Batch, objective: Objective, optimizer: Any, epochs: range, rate: Any = falling_rate
) -> list[float]:
    losses = []
    for epoch in epochs:
        rng = np.random.default_rng([5, epoch])
        batches = ResidentBatches(events, BATCH_SIZE, rng.permutation(events.n_events))
        losses += model.train_epoch(batches, objective, optimizer, rate, rng).step_losses.tolist()
    return losses


def assert_same(first: dict[str, Any], second: dict[str, Any]) -> None:
    assert first.keys() == second.keys()
    for name, array in first.items():
        np.testing.assert_array_equal(array, second[name], err_msg=name)


def test_a_resumed_training_equals_an_uninterrupted_one(
    make_network: MakeNetwork, make_events: MakeEvents, objective: Objective
) -> None:
    """With two layers of dropout; every optimiser is tried by the conformance tests."""
    network, events = make_network(*LAYERS_WITH_STATE), make_events(100)
    straight = build(network)
    straight_losses = train(straight, events, objective, ADAM, range(3))

    first = build(network)
    train(first, events, objective, ADAM, range(1))
    state = first.state()
    train(first, events, objective, ADAM, range(1, 2))  # A state is a copy: this must not change it.
    second = build(network, seed=2)
    second.load_state(state)
    assert_same(second.state().arrays, state.arrays)
    assert second.state().numbers == state.numbers
    losses = train(second, events, objective, ADAM, range(1, 3))

    assert losses == straight_losses[-len(losses) :]
    assert_same(second.state().arrays, straight.state().arrays)
    assert second.state().numbers == straight.state().numbers


def test_many_calls_of_the_compiled_steps_are_one_training(
    make_network: MakeNetwork,
    make_events: MakeEvents,
    objective: Objective,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    network, events = make_network(*LAYERS_WITH_STATE), make_events(100)
    whole, parts = build(network), build(network)
    losses = train(whole, events, objective, ADAM, range(2))
    monkeypatch.setattr("rapidity.engines.tensorflow.stepper.STEPS_IN_A_CALL", 2)
    assert train(parts, events, objective, ADAM, range(2)) == losses
    assert_same(parts.state().arrays, whole.state().arrays)


def test_nothing_is_compiled_again_for_other_numbers_of_events(
    make_network: MakeNetwork,
    make_events: MakeEvents,
    objective: Objective,
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
            train(model, make_events(n_events), objective, ADAM, range(1))
            model.predict(ResidentBatches(make_events(n_events), 11))
        assert sorted(traced) == [False, True]
        traced.clear()
    assert not caplog.records


def test_the_rate_is_asked_for_every_step_over_all_epochs(
    make_network: MakeNetwork, make_events: MakeEvents, objective: Objective
) -> None:
    steps: list[int] = []

    def rate(step: int) -> float:
        steps.append(step)
        return 0.0

    model = build(make_network())
    before = model.parameters()
    losses = train(model, make_events(60), objective, PLAIN, range(2), rate)
    assert steps == list(range(6)) == list(range(len(losses)))
    assert_same(before, model.parameters())


def test_streamed_and_resident_batches_train_alike(
    make_network: MakeNetwork, make_events: MakeEvents, objective: Objective
) -> None:
    events = make_events(70, has_weights=True)
    order = np.random.default_rng(1).permutation(70)
    resident = ResidentBatches(events, 16, order)

    class Streamed:
        n_events, n_batches = resident.n_events, resident.n_batches

        def __iter__(self) -> Any:
            return iter(resident)

    first, second = build(make_network()), build(make_network())
    for model, batches in ((first, resident), (second, Streamed())):
        model.train_epoch(batches, objective, ADAM, falling_rate, np.random.default_rng(2))
    assert_same(first.state().arrays, second.state().arrays)
    assert_same(first.predict(resident), second.predict(Streamed()))


def test_clipping_limits_the_gradient_of_all_parameters_together(
    make_network: MakeNetwork, make_events: MakeEvents
) -> None:
    model, events = build(make_network()), make_events(BATCH_SIZE)
    before = model.parameters()
    objective = Objective({"class": OutputObjective(2)}, clip_norm=1e-3)
    model.train_epoch(
        ResidentBatches(events, BATCH_SIZE), objective, PLAIN, lambda _: 1.0, np.random.default_rng(1)
    )
    change = [model.parameters()[name] - array for name, array in before.items()]
    assert np.sqrt(sum((part**2).sum() for part in change)) == pytest.approx(1e-3, rel=1e-3)


def test_penalties_apply_to_kernels_only(make_network: MakeNetwork, make_events: MakeEvents) -> None:
    network = make_network({"type": "dense", "units": 3}, "batch_norm")
    model, events = build(network), make_events(30)
    plain = Objective({"class": OutputObjective(2)})
    penalised = Objective({"class": OutputObjective(2)}, l1=0.1, l2=0.2)
    without, with_penalty = model.gradients(events, plain), model.gradients(events, penalised)
    parameters = model.parameters()
    for name, gradient in without.items():
        kernel = parameters[name]
        expected = 0.1 * np.sign(kernel) + 0.2 * kernel if name.endswith("kernel") else np.zeros_like(kernel)
        np.testing.assert_allclose(with_penalty[name] - gradient, expected, atol=1e-6, err_msg=name)
    losses = [
        model.train_epoch(
            ResidentBatches(events, 30), one, PLAIN, lambda _: 0.0, np.random.default_rng(1)
        ).step_losses[0]
        for one in (penalised, plain)
    ]
    kernels = [array for name, array in parameters.items() if name.endswith("kernel")]
    penalty = sum(0.1 * np.abs(kernel).sum() + 0.1 * (kernel**2).sum() for kernel in kernels)
    assert losses[0] - losses[1] == pytest.approx(penalty, rel=1e-4)


def test_a_loss_that_is_not_finite_is_reported_with_its_step(
    make_network: MakeNetwork, make_events: MakeEvents, objective: Objective
) -> None:
    events = make_events(60)
    events.inputs["features"][30, 0] = np.nan
    record = build(make_network()).train_epoch(
        ResidentBatches(events, 20), objective, ADAM, falling_rate, np.random.default_rng(1)
    )
    assert record.first_bad_step == 1
    assert record.step_losses.dtype == np.float64


def test_nothing_global_changes(
    make_network: MakeNetwork, make_events: MakeEvents, objective: Objective
) -> None:
    import keras

    before = random.getstate(), keras.config.floatx(), keras.config.dtype_policy().name
    keras.config.set_dtype_policy("float64")
    try:
        model = build(make_network(*LAYERS_WITH_STATE))
        train(model, make_events(50), objective, ADAM, range(2))
        assert {str(variable.dtype) for variable in model.native.weights} == {"float32"}
    finally:
        keras.config.set_dtype_policy(before[2])
    assert (random.getstate(), keras.config.floatx(), keras.config.dtype_policy().name) == before


def test_dropout_follows_the_generator(
    make_network: MakeNetwork, make_events: MakeEvents, objective: Objective
) -> None:
    network = make_network({"type": "dense", "units": 20}, {"type": "dropout", "rate": 0.5})
    events, results = make_events(40), []
    model = build(network)
    start = model.state()
    for seed in (1, 1, 2):
        model.load_state(start)
        batches = ResidentBatches(events, 40)
        model.train_epoch(batches, objective, PLAIN, falling_rate, np.random.default_rng(seed))
        results.append(model.parameters()["dense_1.kernel"])
    np.testing.assert_array_equal(results[0], results[1])
    assert not np.array_equal(results[0], results[2])


def test_every_step_drops_other_units(
    make_network: MakeNetwork, make_events: MakeEvents, objective: Objective
) -> None:
    network = make_network({"type": "dense", "units": 20}, {"type": "dropout", "rate": 0.5})
    model, events = build(network), make_events(20)
    twice = ResidentBatches(events, 20, np.tile(np.arange(20), 2))
    first, second = model.train_epoch(
        twice, objective, PLAIN, lambda _: 0.0, np.random.default_rng(1)
    ).step_losses
    assert first != second


def test_prediction_follows_the_order_of_the_batches(
    make_network: MakeNetwork, make_events: MakeEvents
) -> None:
    model, events = build(make_network()), make_events(10)
    rows = np.array([7, 3, 3])
    whole = model.predict(ResidentBatches(events, 4))["class"]
    assert whole.shape == (10, 1)
    assert whole.dtype == np.float32
    np.testing.assert_allclose(
        model.predict(ResidentBatches(events, 4, rows))["class"], whole[rows], rtol=1e-6
    )


def test_results_of_named_layers_can_be_had(make_network: MakeNetwork, make_events: MakeEvents) -> None:
    model = build(make_network())
    found = model.predict(ResidentBatches(make_events(10), 4), ["tanh_1", "dense_1"])
    assert set(found) == {"tanh_1", "dense_1"}
    np.testing.assert_allclose(found["tanh_1"], np.tanh(found["dense_1"]), rtol=1e-5, atol=1e-6)
    with pytest.raises(EngineError, match=r"no layer 'tanh'\. Did you mean 'tanh_1'\?"):
        model.predict(ResidentBatches(make_events(10), 4), ["tanh"])


def test_no_events_give_no_logits_and_no_losses(
    make_network: MakeNetwork, make_events: MakeEvents, objective: Objective
) -> None:
    model = build(make_network())
    assert model.predict(ResidentBatches(make_events(0), 4))["class"].shape == (0, 1)
    empty = ResidentBatches(make_events(0), 4)
    record = model.train_epoch(empty, objective, PLAIN, falling_rate, np.random.default_rng(1))
    assert record.step_losses.shape == (0,)


def test_gradients_leave_the_model_as_it_is(
    make_network: MakeNetwork, make_events: MakeEvents, objective: Objective
) -> None:
    model = build(make_network(*LAYERS_WITH_STATE))
    before = model.state()
    first = model.gradients(make_events(30), objective)
    assert_same(before.arrays, model.state().arrays)
    assert_same(first, model.gradients(make_events(30), objective))
    assert set(first) == {name for name in model.parameters() if "running" not in name}
    # The dropout that was switched off for them works again.
    losses = train(model, make_events(BATCH_SIZE), objective, PLAIN, range(2), lambda _: 0.0)
    assert losses[0] != losses[1]


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        ({"tracks": np.zeros((3, 5))}, r"no input 'features', which the network needs\. They have: tracks"),
        (
            {"features": np.zeros((3, 6))},
            r"input .features. of the events has shape \(n_events, 6\), but the network was built for",
        ),
    ],
)
def test_events_that_do_not_fit_are_refused(
    inputs: dict[str, Any], message: str, make_network: MakeNetwork
) -> None:
    with pytest.raises(DataError, match=message):
        build(make_network()).predict(ResidentBatches(Batch(inputs), 2))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda arrays: arrays.pop("parameter/dense_1.bias"), r"missing: dense_1\.bias"),
        (
            lambda arrays: arrays.update({"moment/mean/other.kernel": np.zeros(3)}),
            r"not moments of this model's parameters: moment/mean/other\.kernel",
        ),
        (
            lambda arrays: arrays.update({"moment/mean/dense_1.bias": np.zeros(99)}),
            r"not moments of this model's parameters: moment/mean/dense_1\.bias",
        ),
    ],
)
def test_a_state_of_another_network_is_refused(
    change: Callable[[dict[str, Any]], Any], message: str, make_network: MakeNetwork
) -> None:
    model = build(make_network())
    state = model.state()
    change(state.arrays)
    with pytest.raises(EngineError, match=message):
        model.load_state(state)


def test_moments_of_another_optimizer_are_refused(
    make_network: MakeNetwork, make_events: MakeEvents, objective: Objective
) -> None:
    model, other, events = build(make_network()), build(make_network()), make_events(30)
    train(model, events, objective, ADAM, range(1))
    other.load_state(model.state())
    with pytest.raises(EngineError, match=r"holds moments mean, mean_square, which Sgd does not have"):
        train(other, events, objective, PLAIN, range(1))


def test_parameters_alone_are_a_state(
    make_network: MakeNetwork, make_events: MakeEvents, objective: Objective
) -> None:
    model, other = build(make_network()), build(make_network(), seed=2)
    other.load_state(State(model.state().arrays))
    assert_same(other.parameters(), model.parameters())
    assert train(other, make_events(30), objective, ADAM, range(1)) == train(
        model, make_events(30), objective, ADAM, range(1)
    )


@pytest.mark.gpu
def test_a_gpu_learns_and_goes_on_where_it_stopped(
    make_network: MakeNetwork, make_events: MakeEvents, objective: Objective
) -> None:
    if not tf.config.list_physical_devices("GPU"):
        pytest.skip("TensorFlow finds no GPU here")
    network, events = make_network(*LAYERS_WITH_STATE), make_events(100)
    engine, parameters = get_engine("tensorflow"), network.initial_parameters(np.random.default_rng(1))
    straight, first, second = (engine.build(network, parameters, "gpu") for _ in range(3))
    losses = train(straight, events, objective, ADAM, range(20))
    train(first, events, objective, ADAM, range(10))
    second.load_state(first.state())
    train(second, events, objective, ADAM, range(10, 20))
    assert np.mean(losses[-5:]) < np.mean(losses[:5])
    for name, array in straight.parameters().items():
        np.testing.assert_allclose(second.parameters()[name], array, rtol=1e-3, atol=1e-4, err_msg=name)
