"""The engines train alike: the same start and the same batches give the same losses, step by step.

PyTorch's semantics are the canonical ones, so every other engine is compared with `torch`.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cache
from itertools import permutations
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from rapidity.config.training import Adagrad, Adam, AdamW, RmsProp, Sgd
from rapidity.core.records import Batch, Model, Objective, OutputObjective, ResidentBatches
from rapidity.engines import ENGINES, get_engine
from rapidity.network import LayerList, Network, build_network

if TYPE_CHECKING:
    from collections.abc import Mapping

CANONICAL = "torch"
LOSS_TOLERANCE = 1e-3
"""Relative, on the loss of every step: 32 bits, in libraries that add up in different orders."""
N_EVENTS, BATCH_SIZE = 330, 32
"""Ten full batches and a last one of ten events."""

INSTALLED = [name for name, entry in ENGINES.items() if entry.is_installed]
OTHERS = [pytest.param(name, marks=getattr(pytest.mark, name)) for name in INSTALLED if name != CANONICAL]
PAIRS = [
    pytest.param(*pair, marks=[getattr(pytest.mark, name) for name in pair])
    for pair in permutations(INSTALLED, 2)
]

OPTIMIZERS: Mapping[str, Any] = {
    "sgd": Sgd(type="sgd", learning_rate=0.1, weight_decay=0.01),
    "momentum": Sgd(type="sgd", learning_rate=0.03, momentum=0.9),
    "nesterov": Sgd(type="sgd", learning_rate=0.03, momentum=0.9, nesterov=True, weight_decay=0.01),
    "adagrad": Adagrad(type="adagrad", learning_rate=0.05, weight_decay=0.01),
    "rmsprop": RmsProp(type="rmsprop", learning_rate=0.003),
    "rmsprop with momentum": RmsProp(type="rmsprop", learning_rate=0.002, momentum=0.5, weight_decay=0.01),
    "adam": Adam(type="adam", learning_rate=0.01, weight_decay=0.01),
    "adamw": AdamW(type="adamw", learning_rate=0.01, weight_decay=0.1),
}

DENSE = [{"type": "dense", "units": 12}, "relu", {"type": "dense", "units": 8}, "tanh"]
UNBIASED = {"type": "dense", "units": 12, "bias": False}
"""Before a batch normalisation a bias has no gradient but rounding, which adaptive rates blow up."""
BATCH_NORM = [UNBIASED, "batch_norm", "relu", {**UNBIASED, "units": 6}, "batch_norm"]
TABLE_LAYERS = [
    {"type": "periodic_embedding", "frequencies": 5, "width": 3, "rate_factor": 0.1},
    {"type": "scale", "rate_factor": 6.0},
    {
        "type": "dense",
        "units": 8,
        "parametrization": "ntk",
        "bias_rate_factor": 0.1,
        "bias_decay_factor": 0.0,
    },
    {"type": "parametric_activation", "function": "mish", "rate_factor": 0.1},
]
"""Parameters of four learning rates, one of them without weight decay."""
LAYER_NORM = [{"type": "dense", "units": 12}, "layer_norm", "gelu"]
IMAGES = [
    {"type": "conv2d", "filters": 4, "kernel_size": 3, "padding": "same"},
    "relu",
    "max_pool2d",
    {"type": "conv2d", "filters": 6, "kernel_size": 3, "stride": 2, "padding": 1, "groups": 2, "bias": False},
    "batch_norm",
    "relu",
    {"type": "depthwise_conv2d", "kernel_size": [2, 1]},
    {"type": "average_pool2d", "kernel_size": 2, "stride": 1, "padding": "same"},
    "flatten",
]


@dataclass(frozen=True)
class Case:
    """What is trained, and on what."""

    layers: list[Any]
    shape: tuple[int, ...] = (6,)
    n_classes: int = 2
    weights: str = "none"
    objective: Objective = field(default_factory=lambda: Objective({}))
    output: OutputObjective = field(default_factory=lambda: OutputObjective(2))

    @property
    def network(self) -> Network:
        config = LayerList.model_validate({"layers": self.layers})
        return build_network(
            config, {"x": self.shape}, {"class": 1 if self.n_classes == 2 else self.n_classes}
        )

    def draw_events(self) -> Batch:
        rng = np.random.default_rng(6)
        target = rng.integers(0, self.n_classes, N_EVENTS)
        x = rng.standard_normal((N_EVENTS, *self.shape)).astype(np.float32)
        x.reshape(N_EVENTS, -1)[:, :3] += 0.8 * np.eye(3, dtype=np.float32)[target % 3]
        weight = {
            "none": lambda: None,
            "signed": lambda: np.where(rng.random(N_EVENTS) < 0.2, -1.5, 1.2).astype(np.float32),
        }[self.weights]()
        return Batch({"x": x}, {"class": target}, weight)

    def make_objective(self, events: Batch) -> Objective:
        output = replace(self.output, n_classes=self.n_classes)
        mean = 1.0 if events.training_weight is None else float(events.training_weight.mean())
        return replace(self.objective, outputs={"class": output}, mean_training_weight=mean)


CASES = {
    "dense": Case(DENSE),
    "five classes": Case(DENSE, n_classes=5),
    "signed weights": Case(DENSE, weights="signed"),
    "signed weights, three classes": Case(DENSE, n_classes=3, weights="signed"),
    "batch norm": Case(BATCH_NORM),
    "layer norm": Case(LAYER_NORM),
    "layers of tables": Case(TABLE_LAYERS),
    "images": Case(IMAGES, shape=(9, 8, 2), n_classes=3),
    "penalties": Case(DENSE, objective=Objective({}, l1=1e-3, l2=1e-2)),
    "clipped": Case(DENSE, objective=Objective({}, clip_norm=0.05)),
    "focal, smoothed": Case(DENSE, output=OutputObjective(2, loss="focal", label_smoothing=0.1)),
    "focal of four classes": Case(
        DENSE, n_classes=4, output=OutputObjective(2, loss="focal", focusing=1.5, label_smoothing=0.1)
    ),
}


def falling_rate(optimizer: Any) -> Any:
    return lambda step: optimizer.learning_rate / (1 + 0.05 * step)


def build(engine: str, case: Case) -> Model:
    network = case.network
    return get_engine(engine).build(network, network.initial_parameters(np.random.default_rng(1)), "cpu")


def train(model: Model, case: Case, optimizer: Any, epochs: range) -> np.ndarray[Any, Any]:
    events = case.draw_events()
    losses = []
    for epoch in epochs:
        rng = np.random.default_rng([5, epoch])
        batches = ResidentBatches(events, BATCH_SIZE, rng.permutation(N_EVENTS))
        objective = case.make_objective(events)
        losses.append(
            model.train_epoch(batches, objective, optimizer, falling_rate(optimizer), rng).step_losses
        )
    return np.concatenate(losses)


@cache
def canonical(case_name: str, optimizer_name: str) -> tuple[np.ndarray[Any, Any], dict[str, Any]]:
    """Return the losses and the parameters after two epochs of the canonical engine."""
    case, model = CASES[case_name], build(CANONICAL, CASES[case_name])
    return train(model, case, OPTIMIZERS[optimizer_name], range(2)), model.parameters()


def assert_losses_agree(found: Any, expected: Any) -> None:
    """Compare relative to the losses, where they are not next to 0 as those of signed weights may be."""
    scale = np.maximum(np.abs(expected), 0.1 * np.abs(expected).mean())
    worst = np.max(np.abs(found - expected) / scale)
    assert worst < LOSS_TOLERANCE


@pytest.mark.torch
@pytest.mark.skipif(CANONICAL not in INSTALLED, reason="PyTorch, the canonical engine, is not installed")
@pytest.mark.parametrize("engine", OTHERS)
@pytest.mark.parametrize("optimizer", list(OPTIMIZERS))
@pytest.mark.parametrize("case", ["dense", "batch norm", "images"])
def test_every_optimiser_takes_the_same_steps(engine: str, optimizer: str, case: str) -> None:
    expected, _ = canonical(case, optimizer)
    found = train(build(engine, CASES[case]), CASES[case], OPTIMIZERS[optimizer], range(2))
    assert len(found) == 2 * -(-N_EVENTS // BATCH_SIZE)
    assert_losses_agree(found, expected)


@pytest.mark.torch
@pytest.mark.skipif(CANONICAL not in INSTALLED, reason="PyTorch, the canonical engine, is not installed")
@pytest.mark.parametrize("engine", OTHERS)
@pytest.mark.parametrize("case", [name for name in CASES if name not in {"dense", "batch norm", "images"}])
def test_every_loss_and_weight_gives_the_same_steps(engine: str, case: str) -> None:
    expected, _ = canonical(case, "adam")
    assert_losses_agree(
        train(build(engine, CASES[case]), CASES[case], OPTIMIZERS["adam"], range(2)), expected
    )


@pytest.mark.torch
@pytest.mark.skipif(CANONICAL not in INSTALLED, reason="PyTorch, the canonical engine, is not installed")
@pytest.mark.parametrize("engine", OTHERS)
@pytest.mark.parametrize("optimizer", ["adamw", "nesterov"])
def test_learning_rates_of_single_parameters_give_the_same_steps(engine: str, optimizer: str) -> None:
    case = CASES["layers of tables"]
    expected, _ = canonical("layers of tables", optimizer)
    assert_losses_agree(train(build(engine, case), case, OPTIMIZERS[optimizer], range(2)), expected)


@pytest.mark.torch
@pytest.mark.skipif(CANONICAL not in INSTALLED, reason="PyTorch, the canonical engine, is not installed")
@pytest.mark.parametrize("engine", OTHERS)
def test_running_statistics_end_alike(engine: str) -> None:
    _, expected = canonical("batch norm", "adam")
    model = build(engine, CASES["batch norm"])
    train(model, CASES["batch norm"], OPTIMIZERS["adam"], range(2))
    found = model.parameters()
    running = [name for name in expected if "running" in name]
    assert len(running) == 4
    for name in running:
        np.testing.assert_allclose(found[name], expected[name], rtol=1e-3, atol=1e-4, err_msg=name)


@pytest.mark.parametrize(("first", "second"), PAIRS)
@pytest.mark.parametrize("optimizer", list(OPTIMIZERS))
def test_one_engine_goes_on_where_another_stopped(first: str, second: str, optimizer: str) -> None:
    """Two epochs in each equal four in the first: the moments and the counts carry over."""
    case, config = CASES["batch norm"], OPTIMIZERS[optimizer]
    straight = build(first, case)
    expected = train(straight, case, config, range(4))
    before, after = build(first, case), build(second, case)
    train(before, case, config, range(2))
    after.load_state(before.state())
    found = train(after, case, config, range(2, 4))
    assert_losses_agree(found, expected[-len(found) :])
    last, wanted = after.state(), straight.state()
    assert last.numbers["step"] == wanted.numbers["step"]
    for name, array in straight.parameters().items():
        np.testing.assert_allclose(after.parameters()[name], array, rtol=1e-3, atol=1e-4, err_msg=name)
