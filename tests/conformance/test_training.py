"""What every engine must do when it trains: steps, states, losses, events that do not fit."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from conformance.training import (
    ADAM,
    BATCH_SIZE,
    N_FEATURES,
    OBJECTIVE,
    OPTIMIZERS,
    SGD,
    WITH_STATE,
    assert_same,
    falling_rate,
    make_events,
    make_network,
    train,
)

from rapidity.config.training import AdamW, Sgd
from rapidity.core.errors import DataError, EngineError
from rapidity.core.records import (
    Batch,
    Model,
    Objective,
    OutputObjective,
    ResidentBatches,
    State,
    StreamedBatches,
)
from rapidity.engines import get_engine

Build = Callable[..., Model]


@pytest.fixture
def build(engine_name: str) -> Build:
    """Return a function that builds layers, with the initial parameters of a seed."""

    def make(*layers: object, seed: int = 1, n_logits: int = 1) -> Model:
        network = make_network(*layers, n_logits=n_logits)
        parameters = network.initial_parameters(np.random.default_rng(seed))
        return get_engine(engine_name).build(network, parameters, "cpu")

    return make


def step_of_sgd(value: Any, gradient: Any, rate: float, decay: float) -> Any:
    return value - rate * (gradient + decay * value)


def step_of_adamw(value: Any, gradient: Any, rate: float, decay: float) -> Any:
    """Return the first step: there the mean over the root of the mean square is the sign."""
    return value * (1 - rate * decay) - rate * gradient / (np.abs(gradient) + 1e-8)


@pytest.mark.parametrize(
    ("optimizer", "step"),
    [
        (Sgd(type="sgd", learning_rate=0.02, weight_decay=0.5), step_of_sgd),
        (AdamW(type="adamw", learning_rate=0.02, weight_decay=0.5), step_of_adamw),
    ],
    ids=["sgd", "adamw"],
)
def test_each_parameter_has_the_rate_and_the_decay_that_its_layer_declares(
    optimizer: Any, step: Callable[..., Any], build: Build
) -> None:
    bias = {"bias_rate_factor": 0.25, "bias_decay_factor": 0.0, "bias_deviation": 0.7}
    model = build(
        {"type": "scale", "name": "s", "rate_factor": 6.0},
        {"type": "dense", "name": "d", "units": 4, "parametrization": "ntk", **bias},
        {"type": "parametric_activation", "name": "f", "function": "selu", "rate_factor": 0.5},
    )
    events = make_events(BATCH_SIZE)
    before, gradients = model.parameters(), model.gradients(events, OBJECTIVE)
    batches = ResidentBatches(events, BATCH_SIZE)
    model.train_epoch(batches, OBJECTIVE, optimizer, lambda _: 0.02, np.random.default_rng(1))
    rates = {"s.scale": 6.0, "d.bias": 0.25, "f.part": 0.5}
    for name, found in model.parameters().items():
        decay = 0.0 if name == "d.bias" else 0.5
        expected = step(before[name], gradients[name], 0.02 * rates.get(name, 1.0), decay)
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-6, err_msg=name)


def test_each_step_takes_its_part_of_the_weight_decay(build: Build) -> None:
    """At a rate of zero for the gradient of zero: only the decay moves the parameters."""
    model = build({"type": "dense", "units": 3, "bias_decay_factor": 0.5, "bias_deviation": 1.0}, "relu")
    events = make_events(3 * BATCH_SIZE)
    silent = Batch(events.inputs, events.targets, np.zeros(events.n_events, np.float32))
    strengths, rates = (1.0, 0.5, 0.0), (0.1, 0.2, 0.3)
    objective = replace(OBJECTIVE, decay_strength=strengths.__getitem__)
    optimizer = AdamW(type="adamw", weight_decay=0.8)
    before = model.parameters()
    batches = ResidentBatches(silent, BATCH_SIZE)
    model.train_epoch(batches, objective, optimizer, rates.__getitem__, np.random.default_rng(1))
    for name, found in model.parameters().items():
        decay = 0.4 if name == "dense_1.bias" else 0.8
        expected = before[name] * (1 - 0.1 * decay) * (1 - 0.1 * decay)
        np.testing.assert_allclose(found, expected, rtol=1e-5, err_msg=name)


@pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=repr)
def test_a_resumed_training_equals_an_uninterrupted_one(optimizer: Any, build: Build) -> None:
    events = make_events(100)
    straight = build(*WITH_STATE)
    straight_losses = train(straight, events, range(3), optimizer)

    first = build(*WITH_STATE)
    train(first, events, range(1), optimizer)
    state = first.state()
    train(first, events, range(1, 2), optimizer)  # A state is a copy: this must not change it.
    second = build(*WITH_STATE, seed=2)
    second.load_state(state)
    assert_same(second.state().arrays, state.arrays)
    assert second.state().numbers == state.numbers
    losses = train(second, events, range(1, 3), optimizer)

    assert losses == straight_losses[-len(losses) :]
    assert_same(second.state().arrays, straight.state().arrays)
    assert second.state().numbers == straight.state().numbers


def test_a_resumed_training_goes_on_with_the_dropout_of_its_step(build: Build) -> None:
    events, layers = make_events(4 * BATCH_SIZE), ({"type": "dropout", "rate": 0.4},)
    straight, resumed = build(*layers), build(*layers)
    objective = replace(OBJECTIVE, dropout_strength=lambda step: 1 / (1 + step))
    train(straight, events, range(1), objective=objective)
    state = straight.state()
    losses = train(straight, events, range(1, 2), objective=objective)
    resumed.load_state(state)
    assert train(resumed, events, range(1, 2), objective=objective) == losses
    assert_same(resumed.state().arrays, straight.state().arrays)
    # The count of the steps matters: from step 0 on the same epoch goes another way.
    resumed.load_state(State(state.arrays, {**state.numbers, "step": 0}))
    assert train(resumed, events, range(1, 2), rate=lambda _: 0.0, objective=objective)[0] != losses[0]


def test_two_equal_trainings_end_alike(build: Build) -> None:
    first, second = build(*WITH_STATE), build(*WITH_STATE)
    assert train(first, make_events(90), range(2)) == train(second, make_events(90), range(2))
    assert_same(first.state().arrays, second.state().arrays)


def test_the_rate_is_asked_for_every_step_over_all_epochs(build: Build) -> None:
    steps: list[int] = []

    def rate(step: int) -> float:
        steps.append(step)
        return 0.0

    model = build()
    before = model.parameters()
    losses = train(model, make_events(60), range(2), SGD, rate)
    assert steps == list(range(6)) == list(range(len(losses)))
    assert_same(before, model.parameters())


def test_training_with_weights_of_two_equals_rows_twice(build: Build) -> None:
    events = make_events(40)
    twice = np.concatenate([np.arange(40), np.arange(10)])
    rows = Batch({"features": events.inputs["features"][twice]}, {"class": events.targets["class"][twice]})
    weight = np.where(np.arange(40) < 10, 2.0, 1.0).astype(np.float32)
    weighted = Batch(events.inputs, events.targets, weight)
    model = build()
    plain = model.gradients(rows, OBJECTIVE)
    by_weight = model.gradients(weighted, Objective(OBJECTIVE.outputs, float(weight.mean())))
    for name, gradient in plain.items():
        np.testing.assert_allclose(by_weight[name], gradient, rtol=1e-4, atol=1e-7, err_msg=name)


def make_windows(batches: ResidentBatches, edges: Sequence[int]) -> StreamedBatches:
    """Return the same batches window by window, all windows through the same memory."""
    order = np.arange(batches.n_events) if batches.order is None else batches.order
    whole = {**batches.events.inputs, **batches.events.targets}
    memory = {name: np.full_like(values, 99) for name, values in whole.items()}
    weight = np.zeros(batches.n_events, np.float32)

    def windows() -> Iterator[ResidentBatches]:
        for start, stop in pairwise(edges):
            rows = order[start:stop]
            for name, values in whole.items():
                memory[name][: len(rows)] = values[rows]
            weight[: len(rows)] = batches.events.training_weight[rows]
            parts = {name: values[: len(rows)] for name, values in memory.items()}
            window = Batch(
                {name: parts[name] for name in batches.events.inputs},
                {name: parts[name] for name in batches.events.targets},
                weight[: len(rows)],
            )
            yield ResidentBatches(window, batches.batch_size, np.arange(len(rows)))

    return StreamedBatches(batches.n_events, batches.batch_size, windows)


def test_windows_and_resident_batches_train_alike(build: Build) -> None:
    events = make_events(70, has_weights=True)
    resident = ResidentBatches(events, 16, np.random.default_rng(1).permutation(70))
    windows = make_windows(resident, [0, 16, 64, 70])
    assert windows.n_batches == resident.n_batches
    first, second = build(), build()
    for _ in range(2):
        for model, batches in ((first, resident), (second, windows)):
            model.train_epoch(batches, OBJECTIVE, ADAM, falling_rate, np.random.default_rng(2))
    assert_same(first.state().arrays, second.state().arrays)
    assert_same(first.predict(resident), second.predict(windows))


def test_streamed_and_resident_batches_train_alike(build: Build) -> None:
    events = make_events(70, has_weights=True)
    resident = ResidentBatches(events, 16, np.random.default_rng(1).permutation(70))

    class Streamed:
        n_events, n_batches = resident.n_events, resident.n_batches

        def __iter__(self) -> Any:
            return iter(resident)

    first, second = build(), build()
    for model, batches in ((first, resident), (second, Streamed())):
        model.train_epoch(batches, OBJECTIVE, ADAM, falling_rate, np.random.default_rng(2))
    assert_same(first.state().arrays, second.state().arrays)
    assert_same(first.predict(resident), second.predict(Streamed()))


def test_clipping_limits_the_gradient_of_all_parameters_together(build: Build) -> None:
    model, events = build(), make_events(BATCH_SIZE)
    before = model.parameters()
    objective = Objective(OBJECTIVE.outputs, clip_norm=1e-3)
    batches = ResidentBatches(events, BATCH_SIZE)
    model.train_epoch(batches, objective, Sgd(type="sgd"), lambda _: 1.0, np.random.default_rng(1))
    change = [model.parameters()[name] - array for name, array in before.items()]
    assert np.sqrt(sum((part**2).sum() for part in change)) == pytest.approx(1e-3, rel=2e-3)


def test_a_short_gradient_is_not_clipped(build: Build) -> None:
    changes = []
    for clip_norm in (None, 1e3):
        model = build()
        objective = Objective(OBJECTIVE.outputs, clip_norm=clip_norm)
        batches = ResidentBatches(make_events(BATCH_SIZE), BATCH_SIZE)
        model.train_epoch(batches, objective, SGD, lambda _: 1.0, np.random.default_rng(1))
        changes.append(model.parameters())
    assert_same(*changes)


def test_penalties_apply_to_kernels_only(build: Build) -> None:
    model, events = build({"type": "dense", "units": 3}, "batch_norm"), make_events(30)
    penalised = Objective(OBJECTIVE.outputs, l1=0.1, l2=0.2)
    without, with_penalty = model.gradients(events, OBJECTIVE), model.gradients(events, penalised)
    parameters = model.parameters()
    for name, gradient in without.items():
        extra = with_penalty[name] - gradient
        kernel = parameters[name]
        expected = 0.1 * np.sign(kernel) + 0.2 * kernel if name.endswith("kernel") else np.zeros_like(kernel)
        np.testing.assert_allclose(extra, expected, atol=1e-6, err_msg=name)
    losses = []
    for objective in (penalised, OBJECTIVE):
        batches = ResidentBatches(events, 30)
        record = model.train_epoch(batches, objective, SGD, lambda _: 0.0, np.random.default_rng(1))
        losses.append(record.step_losses[0])
    kernels = [array for name, array in parameters.items() if name.endswith("kernel")]
    penalty = sum(0.1 * np.abs(kernel).sum() + 0.1 * (kernel**2).sum() for kernel in kernels)
    assert losses[0] - losses[1] == pytest.approx(penalty, rel=1e-4)


def test_a_loss_that_is_not_finite_is_reported_with_its_step(build: Build) -> None:
    events = make_events(60)
    events.inputs["features"][30, 0] = np.nan
    batches = ResidentBatches(events, 20)
    record = build().train_epoch(batches, OBJECTIVE, ADAM, falling_rate, np.random.default_rng(1))
    assert record.first_bad_step == 1
    assert record.step_losses.dtype == np.float64


def test_dropout_follows_the_generator(build: Build) -> None:
    events, results = make_events(40), []
    for seed in (1, 1, 2):
        model = build({"type": "dense", "units": 20}, {"type": "dropout", "rate": 0.5})
        batches = ResidentBatches(events, 40)
        model.train_epoch(batches, OBJECTIVE, SGD, falling_rate, np.random.default_rng(seed))
        results.append(model.parameters()["dense_1.kernel"])
    np.testing.assert_array_equal(results[0], results[1])
    assert not np.array_equal(results[0], results[2])


def test_every_step_drops_other_units(build: Build) -> None:
    model = build({"type": "dense", "units": 20}, {"type": "dropout", "rate": 0.5})
    twice = ResidentBatches(make_events(20), 20, np.tile(np.arange(20), 2))
    record = model.train_epoch(twice, OBJECTIVE, SGD, lambda _: 0.0, np.random.default_rng(1))
    first, second = record.step_losses
    assert first != second


def test_dropout_keeps_the_mean_and_drops_its_rate(build: Build) -> None:
    """Seen through the loss: a dropped event has the logit 0, a kept one twice its logit."""
    events = Batch({"features": np.ones((4000, N_FEATURES), np.float32)}, {"class": np.ones(4000, np.int64)})
    model = build({"type": "dense", "units": 1}, {"type": "dropout", "rate": 0.25})
    kernels = {name: np.ones_like(array) for name, array in model.parameters().items()}
    zeros = {name: np.zeros_like(array) for name, array in kernels.items() if name.endswith("bias")}
    model.load_state(State({f"parameter/{name}": array for name, array in {**kernels, **zeros}.items()}))
    batches = ResidentBatches(events, 4000)
    record = model.train_epoch(batches, OBJECTIVE, SGD, lambda _: 0.0, np.random.default_rng(3))
    dropped, kept = np.log(2), np.log1p(np.exp(-N_FEATURES / 0.75))
    rate = (record.step_losses[0] - kept) / (dropped - kept)
    assert rate == pytest.approx(0.25, abs=5 * np.sqrt(0.25 * 0.75 / 4000))


def test_each_step_drops_the_part_of_the_rate_that_the_schedule_says(build: Build) -> None:
    """Seen through the loss: a dropped event has the logit 0, a kept one its logit over what is kept."""
    n_events, strengths, full = 4000, (1.0, 0.5, 0.0), 0.6
    features = np.full((len(strengths) * n_events, N_FEATURES), 1 / N_FEATURES, np.float32)
    events = Batch({"features": features}, {"class": np.ones(len(features), np.int64)})
    model = build({"type": "dense", "units": 1}, {"type": "dropout", "rate": full})
    ones = {
        name: np.full_like(array, not name.endswith("bias")) for name, array in model.parameters().items()
    }
    model.load_state(State({f"parameter/{name}": array for name, array in ones.items()}))
    objective = replace(OBJECTIVE, dropout_strength=(*strengths, 0.0, 0.0).__getitem__)

    def losses(objective: Objective) -> list[float]:
        batches, rng = ResidentBatches(events, n_events), np.random.default_rng(3)
        return model.train_epoch(batches, objective, SGD, lambda _: 0.0, rng).step_losses.tolist()

    def expected(strength: float) -> Any:
        rate = full * strength
        dropped, kept = np.log(2), np.log1p(np.exp(-1 / (1 - rate)))
        tolerance = 5 * (dropped - kept) * np.sqrt(rate * (1 - rate) / n_events)
        return pytest.approx(rate * dropped + (1 - rate) * kept, abs=tolerance + 1e-6)

    assert losses(objective) == [expected(strength) for strength in strengths]
    # What a schedule lowered is whole again without it.
    assert losses(OBJECTIVE) == [expected(1.0)] * 3


def test_prediction_follows_the_order_of_the_batches(build: Build) -> None:
    model, events = build(), make_events(10)
    rows = np.array([7, 3, 3])
    whole = model.predict(ResidentBatches(events, 4))["class"]
    assert whole.shape == (10, 1)
    assert whole.dtype == np.float32
    np.testing.assert_allclose(
        model.predict(ResidentBatches(events, 4, rows))["class"], whole[rows], rtol=1e-5
    )


def test_results_of_named_layers_can_be_had(build: Build) -> None:
    model = build()
    found = model.predict(ResidentBatches(make_events(10), 4), ["tanh_1", "dense_1"])
    assert set(found) == {"tanh_1", "dense_1"}
    np.testing.assert_allclose(found["tanh_1"], np.tanh(found["dense_1"]), rtol=1e-5, atol=1e-6)
    with pytest.raises(EngineError, match=r"no layer 'tanh'\. Did you mean 'tanh_1'\?"):
        model.predict(ResidentBatches(make_events(10), 4), ["tanh"])


def test_result_of_a_layer_is_that_before_its_rectifier(build: Build) -> None:
    """An engine may let the rectifier write over it, but not before it was taken."""
    model, events = build({"type": "dense", "units": 6, "name": "hidden"}, "relu"), make_events(20)
    found = model.predict(ResidentBatches(events, BATCH_SIZE), ["hidden"])["hidden"]
    parameters = model.parameters()
    (features,) = events.inputs.values()
    expected = features @ parameters["hidden.kernel"] + parameters["hidden.bias"]
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)
    assert (found < 0).any()


def test_no_events_give_no_logits_and_no_losses(build: Build) -> None:
    model, nothing = build(n_logits=3), ResidentBatches(make_events(0), 4)
    assert model.predict(nothing)["class"].shape == (0, 3)
    objective = Objective({"class": OutputObjective(3)})
    record = model.train_epoch(nothing, objective, ADAM, falling_rate, np.random.default_rng(1))
    assert record.step_losses.shape == (0,)


def test_gradients_leave_the_model_as_it_is(build: Build) -> None:
    model, events = build(*WITH_STATE), make_events(30)
    before = model.state()
    first = model.gradients(events, OBJECTIVE)
    assert_same(before.arrays, model.state().arrays)
    assert_same(first, model.gradients(events, OBJECTIVE))
    assert set(first) == {name for name in model.parameters() if "running" not in name}
    # The dropout that was switched off for them works again.
    losses = train(model, make_events(BATCH_SIZE), range(2), SGD, lambda _: 0.0)
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
def test_events_that_do_not_fit_are_refused(inputs: dict[str, Any], message: str, build: Build) -> None:
    with pytest.raises(DataError, match=message):
        build().predict(ResidentBatches(Batch(inputs), 4))


def test_a_read_only_array_is_fine(build: Build) -> None:
    events = make_events(5)
    events.inputs["features"].flags.writeable = False
    model = build()
    assert model.predict(ResidentBatches(events, 5))["class"].shape == (5, 1)
    assert len(train(model, events, range(1))) == 1


def test_events_are_not_changed(build: Build) -> None:
    events, before = make_events(50, has_weights=True), make_events(50, has_weights=True)
    train(build("relu", *WITH_STATE), events, range(1))
    np.testing.assert_array_equal(events.inputs["features"], before.inputs["features"])
    np.testing.assert_array_equal(events.training_weight, before.training_weight)


def test_parameters_of_another_network_are_refused(engine_name: str) -> None:
    other = make_network({"type": "dense", "units": 3}).initial_parameters(np.random.default_rng(1))
    with pytest.raises(EngineError, match=r"not those of the network: .*wrong shape: dense_1\.kernel"):
        get_engine(engine_name).build(make_network(), other)


def test_a_state_of_another_model_is_refused(build: Build) -> None:
    model, other = build(), build({"type": "dense", "units": 3})
    with pytest.raises(EngineError, match="not those of this model"):
        model.load_state(other.state())
    train(model, make_events(30), range(1))
    state = model.state()
    with pytest.raises(EngineError, match=r"not moments of this model's parameters: moment/mean/ghost\.bias"):
        model.load_state(State({**state.arrays, "moment/mean/ghost.bias": np.zeros(1)}, state.numbers))
    with pytest.raises(
        EngineError, match=r"not moments of this model's parameters: moment/mean/dense_1\.bias"
    ):
        model.load_state(State({**state.arrays, "moment/mean/dense_1.bias": np.zeros(99)}, state.numbers))
    model.load_state(state)
    for _ in range(2):
        with pytest.raises(EngineError, match=r"moments mean, mean_square, which Sgd does not have"):
            train(model, make_events(30), range(1), OPTIMIZERS[1])


def test_parameters_alone_can_be_loaded(build: Build) -> None:
    model, other = build(), build(seed=2)
    train(model, make_events(30), range(1))
    other.load_state(State({f"parameter/{name}": array for name, array in model.parameters().items()}))
    assert_same(other.parameters(), model.parameters())
    assert other.state().numbers.get("step", 0) == 0


def test_an_unknown_optimiser_is_refused(build: Build) -> None:
    with pytest.raises(
        EngineError, match=r"no optimiser for 'adam'; it needs the configuration of one of Sgd"
    ):
        train(build(), make_events(30), range(1), "adam")
