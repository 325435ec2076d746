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


REGRESSIONS = {
    "squared_error": lambda d: d**2,
    "absolute_error": np.abs,
    "huber": lambda d: np.where(np.abs(d) <= 0.7, d**2 / 2, 0.7 * (np.abs(d) - 0.35)),
    "log_cosh": lambda d: np.log(np.cosh(d)),
}
"""Loss -> its definition for a difference, with a delta of 0.7."""


def expected_loss(
    logits: NDArray[np.float64],
    target: NDArray[Any],
    weight: NDArray[np.float64],
    mean_weight: float,
    output: OutputObjective,
) -> float:
    """Return the loss as core.records states it, given class indices or probabilities of the classes."""
    if logits.shape[1] == 1:
        logits = np.concatenate([np.zeros_like(logits), logits], axis=1)
        logits = logits if output.positive_index == 1 else logits[:, ::-1]
    probability = np.eye(output.n_classes)[target] if target.ndim == 1 else target.astype(np.float64)
    per_class = np.stack([loss_of_class(logits, k, output) for k in range(output.n_classes)], axis=1)
    losses = (probability * per_class).sum(axis=1)
    return float((weight * losses).sum() / (len(target) * mean_weight))


def loss_of_class(logits: NDArray[np.float64], truth: int, output: OutputObjective) -> NDArray[np.float64]:
    """Return the loss of each event if `truth` were its class."""
    log_p = logits - np.logaddexp.reduce(logits, axis=-1, keepdims=True)
    smooth = (1 - output.label_smoothing) * np.eye(output.n_classes)[truth]
    smooth += output.label_smoothing / output.n_classes
    losses: NDArray[np.float64] = -(smooth * log_p).sum(axis=-1)
    if output.loss == "focal":
        losses = losses * (1 - np.exp(log_p[..., truth])) ** output.focusing
    return losses


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


def build_objects(engine_name: str, n_objects: int, n_classes: int) -> Model:
    """Return a network whose logits of each object are its features."""
    # Heads of objects follow a layer of objects, here one that multiplies by one.
    layers = LayerList.model_validate({"layers": [{"type": "dropout", "rate": 0.0}]})
    network = build_network(
        layers, {"x": (n_objects, n_classes)}, {"origin": n_classes}, {"origin": "dropout_1"}
    )
    parameters = {
        "origin_logits.kernel": np.eye(n_classes, dtype=np.float32),
        "origin_logits.bias": np.zeros(n_classes, np.float32),
    }
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


@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("output", [OUTPUTS[1], OUTPUTS[2], OUTPUTS[4]])
def test_probabilities_of_classes_are_targets_too(
    engine_name: str, output: OutputObjective, n_classes: int
) -> None:
    rng = np.random.default_rng(4)
    logits = rng.normal(0, 3, (N_EVENTS, 1 if n_classes == 2 else n_classes)).astype(np.float32)
    probability = rng.dirichlet(np.ones(n_classes), N_EVENTS).astype(np.float32)
    weight = rng.normal(1, 2, N_EVENTS).astype(np.float32)
    output = replace(output, n_classes=n_classes)
    model = build_identity(engine_name, {"class": logits.shape[1]})
    objective = Objective({"class": output})

    def expect(truth: NDArray[Any], shift: Any = 0.0) -> float:
        return expected_loss(logits + np.float64(shift), truth, weight.astype(np.float64), 1.0, output)

    events = Batch({"x": logits}, {"class": probability}, weight)
    # The same objective has been trained with class indices before: engines keep what they compiled.
    hard = probability.argmax(axis=1)
    for targets in (hard, probability):
        found = measure_loss(model, Batch({"x": logits}, {"class": targets}, weight), objective)
        assert found == pytest.approx(expect(targets), rel=FLOAT32_TOLERANCE, abs=FLOAT32_TOLERANCE / 10)
    gradient = model.gradients(events, objective)["class_logits.bias"]
    for index, shift in enumerate(STEP * np.eye(logits.shape[1])):
        slope = (expect(probability, shift) - expect(probability, -shift)) / (2 * STEP)
        assert gradient[index] == pytest.approx(slope, rel=GRADIENT_TOLERANCE, abs=GRADIENT_TOLERANCE / 100)


@pytest.mark.parametrize("loss", REGRESSIONS)
def test_losses_of_a_regression_are_those_of_the_formulas(engine_name: str, loss: Any) -> None:
    rng = np.random.default_rng(5)
    values = rng.normal(0, 1, (N_EVENTS, 1)).astype(np.float32)
    target = rng.normal(0, 1, N_EVENTS).astype(np.float32)
    target[::5] = np.nan
    weight = rng.normal(1, 2, N_EVENTS).astype(np.float32)
    output = OutputObjective(
        1, task="regression", loss=loss, delta=0.7, ignores_missing=True, mean_training_weight=1.7
    )
    model = build_identity(engine_name, {"energy": 1})
    events, objective = Batch({"x": values}, {"energy": target}, weight), Objective({"energy": output}, 5.0)

    def expect(shift: float) -> float:
        losses = REGRESSIONS[loss](values[:, 0].astype(np.float64) + shift - target)
        return float(np.nansum(losses * weight) / (N_EVENTS * 1.7))

    assert measure_loss(model, events, objective) == pytest.approx(expect(0), rel=FLOAT32_TOLERANCE)
    (slope,) = model.gradients(events, objective)["energy_logits.bias"]
    expected = (expect(STEP) - expect(-STEP)) / (2 * STEP)
    assert slope == pytest.approx(expected, rel=GRADIENT_TOLERANCE, abs=GRADIENT_TOLERANCE / 100)


def test_large_differences_give_finite_losses(engine_name: str) -> None:
    model = build_identity(engine_name, {"energy": 1})
    objective = Objective({"energy": OutputObjective(1, task="regression", loss="log_cosh")})
    events = Batch({"x": np.array([[1e4], [0.0]], np.float32)}, {"energy": np.zeros(2, np.float32)})
    assert measure_loss(model, events, objective) == pytest.approx((1e4 - np.log(2)) / 2)
    assert all(np.isfinite(array).all() for array in model.gradients(events, objective).values())


@pytest.mark.parametrize("output", [OUTPUTS[0], OUTPUTS[4]])
def test_loss_of_an_assignment_is_the_mean_over_the_objects_of_known_class(
    engine_name: str, output: OutputObjective
) -> None:
    rng = np.random.default_rng(6)
    n_objects, n_classes = 4, 3
    logits = rng.normal(0, 2, (N_EVENTS, n_objects, n_classes)).astype(np.float32)
    target = rng.integers(-1, n_classes, (N_EVENTS, n_objects))
    target[0] = -1
    weight = rng.normal(1, 2, N_EVENTS).astype(np.float32)
    output = replace(output, n_classes=n_classes, task="assignment", ignores_missing=True)
    model = build_objects(engine_name, n_objects, n_classes)
    events, objective = Batch({"x": logits}, {"origin": target}, weight), Objective({"origin": output}, 1.7)

    def expect(shift: Any) -> float:
        moved = logits.astype(np.float64) + shift
        total = 0.0
        for k in range(n_classes):
            of_class = (target == k) * loss_of_class(moved, k, output)
            total += float((weight * of_class.sum(axis=1) / np.maximum((target >= 0).sum(axis=1), 1)).sum())
        return total / (N_EVENTS * 1.7)

    assert measure_loss(model, events, objective) == pytest.approx(expect(0), rel=FLOAT32_TOLERANCE)
    gradient = model.gradients(events, objective)["origin_logits.bias"]
    for index, shift in enumerate(STEP * np.eye(n_classes)):
        slope = (expect(shift) - expect(-shift)) / (2 * STEP)
        assert gradient[index] == pytest.approx(slope, rel=GRADIENT_TOLERANCE, abs=GRADIENT_TOLERANCE / 100)


@pytest.mark.parametrize("n_classes", [2, 3])
def test_events_of_unknown_class_add_nothing_where_that_is_allowed(engine_name: str, n_classes: int) -> None:
    model = build_identity(engine_name, {"class": 1 if n_classes == 2 else n_classes})
    objective = Objective({"class": OutputObjective(n_classes, ignores_missing=True)})
    logits = np.zeros((4, 1 if n_classes == 2 else n_classes), np.float32)
    events = Batch({"x": logits}, {"class": np.array([0, -1, 1, -1])})
    assert measure_loss(model, events, objective) == pytest.approx(np.log(n_classes) / 2)


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
        (
            {"class": np.array([[0.5, 0.4], [0.5, 0.5]])},
            r"target 'class' of event 0 is \[0.5, 0.4.*\], which are no probabilities of the classes\.",
        ),
        ({"class": np.full((2, 3), 1 / 3)}, r"shape \(n_events, 3\); probabilities .* need \(n_events, 2\)"),
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


def test_values_that_are_not_finite_are_refused(engine_name: str) -> None:
    model = build_identity(engine_name, {"energy": 1})
    events = Batch({"x": np.zeros((2, 1), np.float32)}, {"energy": np.array([np.nan, 1.0], np.float32)})
    objective = Objective({"energy": OutputObjective(1, task="regression", loss="huber")})
    with pytest.raises(
        DataError, match=r"'energy' is not a finite number for 1 of 2 events\. .*missing: ignore"
    ):
        model.gradients(events, objective)


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
