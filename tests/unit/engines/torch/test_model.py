"""Training, prediction and state of a model, and what stays untouched around them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from rapidity.config.training import Adagrad, Adam, AdamW, RmsProp, Sgd
from rapidity.core.errors import DataError, EngineError
from rapidity.core.records import Batch, Model, Objective, OutputObjective, ResidentBatches, State
from rapidity.engines import get_engine
from rapidity.network import Network

torch = pytest.importorskip("torch", reason="PyTorch is not installed")
pytestmark = pytest.mark.torch

MakeNetwork = Callable[..., Network]
MakeEvents = Callable[..., Batch]
BATCH_SIZE = 24

OPTIMIZERS = [
    Sgd(type="sgd", learning_rate=0.1),
    Sgd(type="sgd", learning_rate=0.1, momentum=0.9),
    Sgd(type="sgd", learning_rate=0.1, momentum=0.9, nesterov=True, weight_decay=0.01),
    Adagrad(type="adagrad", learning_rate=0.1),
    RmsProp(type="rmsprop", learning_rate=0.01),
    RmsProp(type="rmsprop", learning_rate=0.01, momentum=0.5, weight_decay=0.01),
    Adam(type="adam", learning_rate=0.01),
    AdamW(type="adamw", learning_rate=0.01),
]


def build(network: Network, seed: int = 1) -> Model:
    return get_engine("torch").build(network, network.initial_parameters(np.random.default_rng(seed)), "cpu")


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


LAYERS_WITH_STATE = (
    {"type": "dense", "units": 6},
    "batch_norm",
    "relu",
    {"type": "dropout", "rate": 0.3},
    {"type": "dense", "units": 4},
    "layer_norm",
)


@pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=repr)
def test_a_resumed_training_equals_an_uninterrupted_one(
    optimizer: Any, make_network: MakeNetwork, make_events: MakeEvents, objective: Objective
) -> None:
    network, events = make_network(*LAYERS_WITH_STATE), make_events(100)
    straight = build(network)
    straight_losses = train(straight, events, objective, optimizer, range(3))

    first = build(network)
    train(first, events, objective, optimizer, range(1))
    state = first.state()
    train(first, events, objective, optimizer, range(1, 2))  # A state is a copy: this must not change it.
    second = build(network, seed=2)
    second.load_state(state)
    assert_same(second.state().arrays, state.arrays)
    assert second.state().numbers == state.numbers
    losses = train(second, events, objective, optimizer, range(1, 3))

    assert losses == straight_losses[-len(losses) :]
    assert_same(second.state().arrays, straight.state().arrays)
    assert second.state().numbers == straight.state().numbers


@pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=repr)
def test_a_step_is_that_of_torch(
    optimizer: Any, make_network: MakeNetwork, make_events: MakeEvents, objective: Objective
) -> None:
    """Against the plain (not fused) optimiser of torch on a module of its own."""
    network, events = make_network(), make_events(BATCH_SIZE)
    model = build(network)
    reference = torch.nn.Sequential(torch.nn.Linear(5, 7), torch.nn.Tanh(), torch.nn.Linear(7, 1))
    reference.load_state_dict(
        dict(zip(reference.state_dict(), model.native.state_dict().values(), strict=True))
    )
    known = {
        "sgd": lambda c: torch.optim.SGD(
            reference.parameters(), momentum=c.momentum, nesterov=c.nesterov, weight_decay=c.weight_decay
        ),
        "adagrad": lambda c: torch.optim.Adagrad(reference.parameters(), eps=c.epsilon),
        "rmsprop": lambda c: torch.optim.RMSprop(
            reference.parameters(),
            alpha=c.decay,
            eps=c.epsilon,
            momentum=c.momentum,
            weight_decay=c.weight_decay,
        ),
        "adam": lambda c: torch.optim.Adam(reference.parameters(), betas=c.betas, eps=c.epsilon),
        "adamw": lambda c: torch.optim.AdamW(
            reference.parameters(), betas=c.betas, eps=c.epsilon, weight_decay=c.weight_decay
        ),
    }[optimizer.type](optimizer)
    x = torch.from_numpy(events.inputs["features"])
    y = torch.from_numpy(events.targets["class"]).float().unsqueeze(1)
    for step in range(3):
        known.param_groups[0]["lr"] = falling_rate(step)
        known.zero_grad()
        torch.nn.functional.binary_cross_entropy_with_logits(reference(x), y).backward()
        known.step()
        model.train_epoch(
            ResidentBatches(events, BATCH_SIZE), objective, optimizer, falling_rate, np.random.default_rng(1)
        )
    for found, expected in zip(model.native.parameters(), reference.parameters(), strict=True):
        torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-6)


def test_the_rate_is_asked_for_every_step_over_all_epochs(
    make_network: MakeNetwork, make_events: MakeEvents, objective: Objective
) -> None:
    steps: list[int] = []

    def rate(step: int) -> float:
        steps.append(step)
        return 0.0

    model = build(make_network())
    before = model.parameters()
    losses = train(model, make_events(60), objective, OPTIMIZERS[0], range(2), rate)
    assert steps == list(range(6)) == list(range(len(losses)))
    assert_same(before, model.parameters())


def test_training_with_weights_of_two_equals_rows_twice(
    make_network: MakeNetwork, make_events: MakeEvents
) -> None:
    events = make_events(40)
    twice = np.concatenate([np.arange(40), np.arange(10)])
    rows = Batch({"features": events.inputs["features"][twice]}, {"class": events.targets["class"][twice]})
    weight = np.where(np.arange(40) < 10, 2.0, 1.0).astype(np.float32)
    weighted = Batch(events.inputs, events.targets, weight)
    model = build(make_network())
    plain = model.gradients(rows, Objective({"class": OutputObjective(2)}))
    by_weight = model.gradients(weighted, Objective({"class": OutputObjective(2)}, float(weight.mean())))
    for name, gradient in plain.items():
        np.testing.assert_allclose(by_weight[name], gradient, rtol=1e-4, atol=1e-7, err_msg=name)


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
        model.train_epoch(batches, objective, OPTIMIZERS[6], falling_rate, np.random.default_rng(2))
    assert_same(first.state().arrays, second.state().arrays)
    assert_same(first.predict(resident), second.predict(Streamed()))


def test_clipping_limits_the_gradient_of_all_parameters_together(
    make_network: MakeNetwork, make_events: MakeEvents
) -> None:
    model, events = build(make_network()), make_events(BATCH_SIZE)
    before = model.parameters()
    objective = Objective({"class": OutputObjective(2)}, clip_norm=1e-3)
    model.train_epoch(
        ResidentBatches(events, BATCH_SIZE),
        objective,
        Sgd(type="sgd"),
        lambda _: 1.0,
        np.random.default_rng(1),
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
        extra = with_penalty[name] - gradient
        kernel = parameters[name]
        expected = 0.1 * np.sign(kernel) + 0.2 * kernel if name.endswith("kernel") else np.zeros_like(kernel)
        np.testing.assert_allclose(extra, expected, atol=1e-6, err_msg=name)
    record = model.train_epoch(
        ResidentBatches(events, 30), penalised, Sgd(type="sgd"), lambda _: 0.0, np.random.default_rng(1)
    )
    base = model.train_epoch(
        ResidentBatches(events, 30), plain, Sgd(type="sgd"), lambda _: 0.0, np.random.default_rng(1)
    )
    kernels = [array for name, array in parameters.items() if name.endswith("kernel")]
    penalty = sum(0.1 * np.abs(kernel).sum() + 0.1 * (kernel**2).sum() for kernel in kernels)
    assert record.step_losses[0] - base.step_losses[0] == pytest.approx(penalty, rel=1e-4)


def test_a_loss_that_is_not_finite_is_reported_with_its_step(
    make_network: MakeNetwork, make_events: MakeEvents, objective: Objective
) -> None:
    events = make_events(60)
    events.inputs["features"][30, 0] = np.nan
    record = build(make_network()).train_epoch(
        ResidentBatches(events, 20), objective, OPTIMIZERS[6], falling_rate, np.random.default_rng(1)
    )
    assert record.first_bad_step == 1


def test_nothing_global_changes(
    make_network: MakeNetwork, make_events: MakeEvents, objective: Objective
) -> None:
    torch.manual_seed(11)
    before = torch.get_rng_state(), torch.get_num_threads(), torch.is_grad_enabled()
    model = build(make_network(*LAYERS_WITH_STATE))
    train(model, make_events(50), objective, OPTIMIZERS[6], range(2))
    model.predict(ResidentBatches(make_events(50), 20))
    assert torch.equal(torch.get_rng_state(), before[0])
    assert (torch.get_num_threads(), torch.is_grad_enabled()) == before[1:]


def test_dropout_follows_the_generator(
    make_network: MakeNetwork, make_events: MakeEvents, objective: Objective
) -> None:
    network = make_network({"type": "dense", "units": 20}, {"type": "dropout", "rate": 0.5})
    events, results = make_events(40), []
    for seed in (1, 1, 2):
        model = build(network)
        batches = ResidentBatches(events, 40)
        model.train_epoch(batches, objective, OPTIMIZERS[0], falling_rate, np.random.default_rng(seed))
        results.append(model.parameters()["dense_1.kernel"])
    np.testing.assert_array_equal(results[0], results[1])
    assert not np.array_equal(results[0], results[2])


def test_prediction_keeps_the_mode_of_every_module(
    make_network: MakeNetwork, make_events: MakeEvents
) -> None:
    model = build(make_network(*LAYERS_WITH_STATE))
    model.native.train()
    model.native.get_submodule("dropout_1").eval()
    first = model.predict(ResidentBatches(make_events(10), 4))["class"]
    assert model.native.training
    assert not model.native.get_submodule("dropout_1").training
    np.testing.assert_array_equal(first, model.predict(ResidentBatches(make_events(10), 4))["class"])


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


def test_result_of_a_layer_is_that_before_the_rectifier_that_overwrites_it(
    make_network: MakeNetwork, make_events: MakeEvents
) -> None:
    network, events = make_network({"type": "dense", "units": 6, "name": "hidden"}, "relu"), make_events(20)
    model = build(network)
    assert any(getattr(module, "inplace", False) for module in model.native.modules())
    found = model.predict(ResidentBatches(events, BATCH_SIZE), ["hidden"])["hidden"]
    parameters = model.parameters()
    (features,) = events.inputs.values()
    expected = features @ parameters["hidden.kernel"] + parameters["hidden.bias"]
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)
    assert (found < 0).any()


def test_no_events_give_no_logits(make_network: MakeNetwork, make_events: MakeEvents) -> None:
    model = build(make_network(n_logits=3))
    assert model.predict(ResidentBatches(make_events(0), 4))["class"].shape == (0, 3)


def test_gradients_leave_the_model_as_it_is(
    make_network: MakeNetwork, make_events: MakeEvents, objective: Objective
) -> None:
    model = build(make_network(*LAYERS_WITH_STATE))
    before = model.state()
    first = model.gradients(make_events(30), objective)
    assert_same(before.arrays, model.state().arrays)
    assert_same(first, model.gradients(make_events(30), objective))
    assert set(first) == {name for name in model.parameters() if "running" not in name}


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
        build(make_network()).predict(ResidentBatches(Batch(inputs), 4))


def test_a_read_only_array_is_fine(make_network: MakeNetwork, make_events: MakeEvents) -> None:
    events = make_events(5)
    events.inputs["features"].flags.writeable = False
    assert build(make_network()).predict(ResidentBatches(events, 5))["class"].shape == (5, 1)


def test_parameters_of_another_network_are_refused(make_network: MakeNetwork) -> None:
    other = make_network({"type": "dense", "units": 3}).initial_parameters(np.random.default_rng(1))
    with pytest.raises(EngineError, match=r"not those of the network: .*wrong shape: dense_1\.kernel"):
        get_engine("torch").build(make_network(), other)


def test_a_state_of_another_model_is_refused(
    make_network: MakeNetwork, make_events: MakeEvents, objective: Objective
) -> None:
    model, other = build(make_network()), build(make_network({"type": "dense", "units": 3}))
    with pytest.raises(EngineError, match="not those of this model"):
        model.load_state(other.state())
    train(model, make_events(30), objective, OPTIMIZERS[6], range(1))
    state = model.state()
    with pytest.raises(EngineError, match=r"not moments of this model's parameters: moment/mean/ghost\.bias"):
        model.load_state(State({**state.arrays, "moment/mean/ghost.bias": np.zeros(1)}, state.numbers))
    model.load_state(state)
    with pytest.raises(EngineError, match=r"moments mean, mean_square, which Sgd does not have"):
        train(model, make_events(30), objective, OPTIMIZERS[1], range(1))


def test_parameters_alone_can_be_loaded(
    make_network: MakeNetwork, make_events: MakeEvents, objective: Objective
) -> None:
    model, other = build(make_network()), build(make_network(), seed=2)
    train(model, make_events(30), objective, OPTIMIZERS[6], range(1))
    other.load_state(State({f"parameter/{name}": array for name, array in model.parameters().items()}))
    assert_same(other.parameters(), model.parameters())
    assert other.state().numbers.get("step", 0) == 0


def test_mixed_precision_and_a_gpu_need_a_gpu(
    make_network: MakeNetwork, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    network = make_network()
    parameters = network.initial_parameters(np.random.default_rng(1))
    with pytest.raises(
        EngineError, match=r"device is 'gpu', but PyTorch finds no CUDA GPU here\. Set device"
    ):
        get_engine("torch").build(network, parameters, device="gpu")
    with pytest.raises(EngineError, match=r"precision is 'mixed', which needs a GPU.*Set precision: float32"):
        get_engine("torch").build(network, parameters, precision="mixed")


def test_an_unknown_optimiser_is_refused(
    make_network: MakeNetwork, make_events: MakeEvents, objective: Objective
) -> None:
    with pytest.raises(
        EngineError, match=r"no optimiser for 'adam'; it needs the configuration of one of Sgd"
    ):
        train(build(make_network()), make_events(30), objective, "adam", range(1))


@pytest.mark.gpu
@pytest.mark.parametrize("precision", ["float32", "mixed"])
def test_training_on_a_gpu_goes_on_where_it_stopped(
    precision: Any, make_network: MakeNetwork, make_events: MakeEvents, objective: Objective
) -> None:
    if not torch.cuda.is_available():
        pytest.skip("no CUDA GPU here")
    network, events = make_network(*LAYERS_WITH_STATE), make_events(100)
    engine, parameters = get_engine("torch"), network.initial_parameters(np.random.default_rng(1))
    straight, first, second = (engine.build(network, parameters, "gpu", precision) for _ in range(3))
    losses = train(straight, events, objective, OPTIMIZERS[6], range(20))
    train(first, events, objective, OPTIMIZERS[6], range(10))
    second.load_state(first.state())
    train(second, events, objective, OPTIMIZERS[6], range(10, 20))
    assert np.mean(losses[-5:]) < np.mean(losses[:5])
    for name, array in straight.parameters().items():
        np.testing.assert_allclose(second.parameters()[name], array, rtol=1e-3, atol=1e-4, err_msg=name)
