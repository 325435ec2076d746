"""One training, half of it by PyTorch and half by TensorFlow: parameters, moments and losses agree."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from rapidity.config.training import Adagrad, Adam, AdamW, RmsProp, Sgd
from rapidity.core.records import Batch, Objective, OutputObjective, ResidentBatches
from rapidity.engines import get_engine
from rapidity.network import LayerList, build_network

if TYPE_CHECKING:
    from rapidity.core.records import Model

pytest.importorskip("tensorflow", reason="TensorFlow is not installed")
pytest.importorskip("torch", reason="PyTorch is not installed")
pytestmark = [pytest.mark.tensorflow, pytest.mark.torch]

LOSS_TOLERANCE = 1e-4
"""Relative, on the losses of some dozen steps: float32 in two libraries, and what steps make of it."""
MOMENT_TOLERANCE = 2e-3

OPTIMIZERS = [
    Sgd(type="sgd", momentum=0.9, nesterov=True, weight_decay=1e-3),
    Adagrad(type="adagrad"),
    RmsProp(type="rmsprop", momentum=0.5, weight_decay=1e-3),
    Adam(type="adam", weight_decay=1e-3),
    AdamW(type="adamw"),
]
# A bias before a normalisation has no gradient but rounding, which Adam would blow up: none there.
TABLE: list[Any] = [
    {"type": "flatten"},
    {"type": "dense", "units": 5, "bias": False},
    "batch_norm",
    "tanh",
    {"type": "dense", "units": 4},
    "layer_norm",
]
IMAGES: list[Any] = [
    {"type": "conv2d", "filters": 4, "padding": "same", "stride": 2},
    "tanh",
    {"type": "depthwise_conv2d", "multiplier": 2},
    {"type": "average_pool2d"},
    {"type": "flatten"},
]
CASES = [*((TABLE, optimizer) for optimizer in OPTIMIZERS), (IMAGES, Adam(type="adam"))]
OBJECTIVE = Objective(
    {"class": OutputObjective(3, label_smoothing=0.1)}, 1.2, l1=1e-3, l2=1e-3, clip_norm=0.5
)


def build(engine: str, layers: list[Any]) -> Model:
    config = LayerList.model_validate({"layers": layers})
    network = build_network(config, {"image": (9, 8, 2)}, {"class": 3})
    return get_engine(engine).build(network, network.initial_parameters(np.random.default_rng(1)), "cpu")


def train(model: Model, optimizer: Any, epochs: range) -> list[float]:
    rng = np.random.default_rng(2)
    images = rng.standard_normal((50, 9, 8, 2)).astype(np.float32)
    target = np.argmax(images[:, 0, :3, 0], axis=1).astype(np.int64)
    events = Batch({"image": images}, {"class": target}, rng.uniform(0.5, 1.5, 50).astype(np.float32))
    losses: list[float] = []
    for epoch in epochs:
        order = np.random.default_rng(epoch).permutation(50)
        batches = ResidentBatches(events, 16, order)
        record = model.train_epoch(
            batches, OBJECTIVE, optimizer, lambda step: 0.01 / (1 + step / 10), np.random.default_rng(1)
        )
        losses += record.step_losses.tolist()
    return losses


@pytest.mark.parametrize(("layers", "optimizer"), CASES, ids=lambda value: getattr(value, "type", "on"))
@pytest.mark.parametrize("engines", [("torch", "tensorflow"), ("tensorflow", "torch")], ids="-".join)
def test_one_engine_goes_on_where_another_stopped(
    engines: tuple[str, str], layers: list[Any], optimizer: Any
) -> None:
    first, second, straight = (build(engine, layers) for engine in (*engines, "torch"))
    losses = train(first, optimizer, range(2))
    second.load_state(first.state())
    losses += train(second, optimizer, range(2, 4))
    np.testing.assert_allclose(losses, train(straight, optimizer, range(4)), rtol=LOSS_TOLERANCE)
    found, wanted = second.state(), straight.state()
    assert found.numbers["step"] == wanted.numbers["step"] == 16
    if optimizer.type != "sgd":  # PyTorch does not count the updates of SGD, which no formula needs.
        assert found.numbers == wanted.numbers
    assert found.arrays.keys() == wanted.arrays.keys()
    for name, array in wanted.arrays.items():
        scale = float(np.abs(array).max())
        np.testing.assert_allclose(
            found.arrays[name], array, rtol=0, atol=MOMENT_TOLERANCE * scale, err_msg=name
        )
