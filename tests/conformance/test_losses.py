"""Every loss of every engine against its formula in float64, and what no engine trains on."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from rapidity.config.training import Sgd
from rapidity.core.errors import DataError, EngineError
from rapidity.core.records import Batch, Objective, OutputObjective, ResidentBatches
from rapidity.engines import get_engine
from rapidity.network import LayerList, build_network

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from rapidity.core.records import Model

N_EVENTS = 50
FLOAT32_TOLERANCE = 4e-5
"""Relative; float32 has 6e-8, and signed losses of 50 events largely cancel."""
GRADIENT_TOLERANCE = 1e-4
STEP = 1e-5
"""Of the central differences, in float64: the error of both kinds is about 1e-10."""

OUTPUTS = [
    OutputObjective(2),
    OutputObjective(2, positive_index=0),
    OutputObjective(2, label_smoothing=0.2),
    OutputObjective(2, loss="focal"),
    OutputObjective(2, loss="focal", focusing=0.5, label_smoothing=0.1),
    OutputObjective(2, loss="focal", focusing=0.0),
]


def expected_loss(
    logits: NDArray[np.float64],
    target: NDArray[np.int64],
    weight: NDArray[np.float64],
    mean_weight: float,
    output: OutputObjective,
) -> float:
    """Return the loss as core.records states it."""
    if logits.shape[1] == 1:
        logits = np.concatenate([np.zeros_like(logits), logits], axis=1)
        logits = logits if output.positive_index == 1 else logits[:, ::-1]
    log_p = logits - np.logaddexp.reduce(logits, axis=1, keepdims=True)
    onehot = np.eye(output.n_classes)[target]
    smooth = (1 - output.label_smoothing) * onehot + output.label_smoothing / output.n_classes
    losses = -(smooth * log_p).sum(axis=1)
    if output.loss == "focal":
        losses = losses * (1 - np.exp((onehot * log_p).sum(axis=1))) ** output.focusing
    return float((weight * losses).sum() / (len(target) * mean_weight))


def build_identity(engine_name: str, n_logits: Mapping[str, int]) -> Model:
    """Return a network whose logits are its inputs, as far as there are so many."""
    n_inputs = max(n_logits.values())
    layers = LayerList.model_validate({"layers": [{"type": "dropout", "rate": 0.0}]})
    network = build_network(layers, {"x": (n_inputs,)}, n_logits)
    parameters = {}
    for name, n in n_logits.items():
        parameters[f"{name}_logits.kernel"] = np.eye(n_inputs, n, dtype=np.float32)
        parameters[f"{name}_logits.bias"] = np.zeros(n, np.float32)
    return get_engine(engine_name).build(network, parameters, "cpu")


def measure_loss(model: Model, events: Batch, objective: Objective) -> float:
    """Return the loss of a step at a rate of zero."""
    batches = ResidentBatches(events, max(events.n_events, 1))
    record = model.train_epoch(batches, objective, Sgd(type="sgd"), lambda _: 0.0, np.random.default_rng(0))
    return float(record.step_losses[0])


@pytest.mark.parametrize("has_weights", [False, True])
@pytest.mark.parametrize("n_classes", [2, 4])
@pytest.mark.parametrize("output", OUTPUTS)
def test_loss_and_gradient_are_those_of_the_formula(
    engine_name: str, output: OutputObjective, n_classes: int, has_weights: bool
) -> None:
    rng = np.random.default_rng(3)
    logits = rng.normal(0, 3, (N_EVENTS, 1 if n_classes == 2 else n_classes)).astype(np.float32)
    target = rng.integers(0, n_classes, N_EVENTS)
    weight = rng.normal(1, 2, N_EVENTS).astype(np.float32) if has_weights else None
    mean_weight = 1.7 if has_weights else 1.0
    output = replace(output, n_classes=n_classes)
    model = build_identity(engine_name, {"class": logits.shape[1]})
    events, objective = (
        Batch({"x": logits}, {"class": target}, weight),
        Objective({"class": output}, mean_weight),
    )

    def expect(shift: Any) -> float:
        weight_64 = np.ones(N_EVENTS) if weight is None else weight.astype(np.float64)
        return expected_loss(logits.astype(np.float64) + shift, target, weight_64, mean_weight, output)

    found = measure_loss(model, events, objective)
    assert found == pytest.approx(expect(0), rel=FLOAT32_TOLERANCE, abs=FLOAT32_TOLERANCE / 10)
    gradient = model.gradients(events, objective)["class_logits.bias"]
    for index, shift in enumerate(STEP * np.eye(logits.shape[1])):
        slope = (expect(shift) - expect(-shift)) / (2 * STEP)
        assert gradient[index] == pytest.approx(slope, rel=GRADIENT_TOLERANCE, abs=GRADIENT_TOLERANCE / 100)


def test_outputs_are_summed_with_their_weights(engine_name: str) -> None:
    model = build_identity(engine_name, {"class": 1, "flavour": 1})
    target = np.array([0, 1, 1, 0])
    objective = Objective({"class": OutputObjective(2), "flavour": OutputObjective(2, weight=0.5)})
    events = Batch({"x": np.zeros((4, 1), np.float32)}, {"class": target, "flavour": target})
    assert measure_loss(model, events, objective) == pytest.approx(1.5 * np.log(2))


@pytest.mark.parametrize("focusing", [0.5, 2.0])
@pytest.mark.parametrize(
    "logits", [[[200.0], [-200.0], [0.0]], [[200.0, 0.0, 0.0], [0.0, 0.0, 200.0], [0.0, 0.0, 0.0]]]
)
def test_extreme_logits_give_finite_losses_and_gradients(
    engine_name: str, focusing: float, logits: list[list[float]]
) -> None:
    n_logits = len(logits[0])
    model = build_identity(engine_name, {"class": n_logits})
    objective = Objective({"class": OutputObjective(max(2, n_logits), loss="focal", focusing=focusing)})
    events = Batch({"x": np.array(logits, np.float32)}, {"class": np.array([0, 0, 0])})
    assert np.isfinite(measure_loss(model, events, objective))
    assert all(np.isfinite(array).all() for array in model.gradients(events, objective).values())


@pytest.mark.parametrize(
    ("targets", "message"),
    [
        ({}, r"no target for output 'class'\. Targets: none"),
        (
            {"class": np.array([0, -1])},
            r"class indices from -1 to 0; a loss needs 0 to 1\. Leave events of unknown",
        ),
        ({"class": np.array([0, 2])}, r"class indices from 0 to 2"),
    ],
)
def test_targets_that_cannot_be_trained_on_are_refused(
    engine_name: str, targets: dict[str, Any], message: str
) -> None:
    model = build_identity(engine_name, {"class": 1})
    with pytest.raises(DataError, match=message):
        model.gradients(
            Batch({"x": np.zeros((2, 1), np.float32)}, targets), Objective({"class": OutputObjective(2)})
        )


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (("flavour", "class"), "objective and network differ in their outputs: flavour"),
        ((), "objective and network differ in their outputs: class"),
    ],
)
def test_an_objective_for_other_outputs_is_refused(
    engine_name: str, names: tuple[str, ...], message: str
) -> None:
    model = build_identity(engine_name, {"class": 1})
    events = Batch({"x": np.zeros((2, 1), np.float32)}, {"class": np.array([0, 1])})
    with pytest.raises(EngineError, match=message):
        model.gradients(events, Objective(dict.fromkeys(names, OutputObjective(2))))
