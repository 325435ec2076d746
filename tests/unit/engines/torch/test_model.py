"""What is particular to PyTorch; `conformance/test_training.py` has what every engine must do."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from rapidity.config.training import Adagrad, Adam, AdamW, RmsProp, Sgd
from rapidity.core.errors import EngineError
from rapidity.core.records import Batch, Model, Objective, ResidentBatches
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
