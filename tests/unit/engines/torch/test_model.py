"""What is particular to PyTorch; `conformance/test_training.py` has what every engine must do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from conformance.training import (
    BATCH_SIZE,
    OBJECTIVE,
    OPTIMIZERS,
    WITH_STATE,
    falling_rate,
    make_events,
    make_network,
    train,
)

from rapidity.core.errors import EngineError
from rapidity.core.records import ResidentBatches
from rapidity.engines import get_engine

if TYPE_CHECKING:
    from rapidity.core.records import Model
    from rapidity.network import Network

torch = pytest.importorskip("torch", reason="PyTorch is not installed")
pytestmark = pytest.mark.torch


def build(network: Network) -> Model:
    return get_engine("torch").build(network, network.initial_parameters(np.random.default_rng(1)), "cpu")


@pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=repr)
def test_a_step_is_that_of_torch(optimizer: Any) -> None:
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
            ResidentBatches(events, BATCH_SIZE), OBJECTIVE, optimizer, falling_rate, np.random.default_rng(1)
        )
    for found, expected in zip(model.native.parameters(), reference.parameters(), strict=True):
        torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-6)


def test_nothing_global_changes() -> None:
    torch.manual_seed(11)
    before = torch.get_rng_state(), torch.get_num_threads(), torch.is_grad_enabled()
    model = build(make_network(*WITH_STATE))
    train(model, make_events(50), range(2))
    model.predict(ResidentBatches(make_events(50), 20))
    assert torch.equal(torch.get_rng_state(), before[0])
    assert (torch.get_num_threads(), torch.is_grad_enabled()) == before[1:]


def test_prediction_keeps_the_mode_of_every_module() -> None:
    model = build(make_network(*WITH_STATE))
    model.native.train()
    model.native.get_submodule("dropout_1").eval()
    first = model.predict(ResidentBatches(make_events(10), 4))["class"]
    assert model.native.training
    assert not model.native.get_submodule("dropout_1").training
    np.testing.assert_array_equal(first, model.predict(ResidentBatches(make_events(10), 4))["class"])


def test_a_rectifier_overwrites_what_nobody_else_needs() -> None:
    """That results of named layers are those before it is a test of every engine."""
    model = build(make_network({"type": "dense", "units": 6}, "relu"))
    assert [module.inplace for module in model.native.modules() if isinstance(module, torch.nn.ReLU)] == [
        True
    ]


def test_mixed_precision_and_a_gpu_need_a_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
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
def test_training_on_a_gpu_goes_on_where_it_stopped(precision: Any) -> None:
    if not torch.cuda.is_available():
        pytest.skip("no CUDA GPU here")
    network, events = make_network(*WITH_STATE), make_events(100)
    engine, parameters = get_engine("torch"), network.initial_parameters(np.random.default_rng(1))
    straight, first, second = (engine.build(network, parameters, "gpu", precision) for _ in range(3))
    losses = train(straight, events, range(20))
    train(first, events, range(10))
    second.load_state(first.state())
    train(second, events, range(10, 20))
    assert np.mean(losses[-5:]) < np.mean(losses[:5])
    for name, array in straight.parameters().items():
        np.testing.assert_allclose(second.parameters()[name], array, rtol=1e-3, atol=1e-4, err_msg=name)
