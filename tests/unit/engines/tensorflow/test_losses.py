"""Losses against their formulas in NumPy."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from rapidity.core.errors import DataError, EngineError
from rapidity.core.records import Batch, Objective, OutputObjective

if TYPE_CHECKING:
    from numpy.typing import NDArray

tf = pytest.importorskip("tensorflow", reason="TensorFlow is not installed")
pytestmark = pytest.mark.tensorflow

N_EVENTS = 50
FLOAT32_TOLERANCE = 2e-6
"""Relative; float32 has 6e-8, and losses of 50 events are summed."""


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


@pytest.mark.parametrize("has_weights", [False, True])
@pytest.mark.parametrize("n_classes", [2, 4])
@pytest.mark.parametrize(
    "output",
    [
        OutputObjective(2),
        OutputObjective(2, positive_index=0),
        OutputObjective(2, label_smoothing=0.2),
        OutputObjective(2, loss="focal"),
        OutputObjective(2, loss="focal", focusing=0.5, label_smoothing=0.1),
        OutputObjective(2, loss="focal", focusing=0.0),
    ],
)
def test_loss_is_the_one_of_the_contract(output: OutputObjective, n_classes: int, has_weights: bool) -> None:
    from rapidity.engines.tensorflow.losses import BatchLoss

    rng = np.random.default_rng(3)
    n_logits = 1 if n_classes == 2 else n_classes
    logits = rng.normal(0, 3, (N_EVENTS, n_logits))
    target = rng.integers(0, n_classes, N_EVENTS)
    weight = rng.normal(1, 2, N_EVENTS).astype(np.float32) if has_weights else None
    output = replace(output, n_classes=n_classes, positive_index=min(output.positive_index, 1))
    mean_weight = 1.7 if has_weights else 1.0
    loss = BatchLoss(Objective({"class": output}, mean_weight), {"class": n_logits})
    batch = Batch({"x": logits.astype(np.float32)}, {"class": target}, weight)
    found = float(loss([tf.constant(logits, tf.float32)], loss.prepare(batch)))
    weight_64 = np.ones(N_EVENTS) if weight is None else weight.astype(np.float64)
    expected = expected_loss(logits, target, weight_64, mean_weight, output)
    assert found == pytest.approx(expected, rel=20 * FLOAT32_TOLERANCE, abs=FLOAT32_TOLERANCE)


def test_outputs_are_summed_with_their_weights() -> None:
    from rapidity.engines.tensorflow.losses import BatchLoss

    logits = tf.zeros((4, 1))
    target = np.array([0, 1, 1, 0])
    outputs = {"class": OutputObjective(2), "flavour": OutputObjective(2, weight=0.5)}
    loss = BatchLoss(Objective(outputs), {"class": 1, "flavour": 1})
    rows = loss.prepare(Batch({"x": logits.numpy()}, {"class": target, "flavour": target}))
    assert float(loss([logits, logits], rows)) == pytest.approx(1.5 * np.log(2))


def test_extreme_logits_give_finite_losses_and_gradients() -> None:
    from rapidity.engines.tensorflow.losses import BatchLoss

    for output, values in (
        (OutputObjective(2, loss="focal", focusing=0.5), [[200.0], [-200.0]]),
        (OutputObjective(3, loss="focal", focusing=0.5), [[200.0, 0.0, 0.0], [0.0, 0.0, 200.0]]),
    ):
        logits = tf.Variable(values)
        loss = BatchLoss(Objective({"class": output}), {"class": logits.shape[1]})
        rows = loss.prepare(Batch({}, {"class": np.array([0, 0])}))
        with tf.GradientTape() as tape:
            value = loss([tf.convert_to_tensor(logits)], rows)
        assert np.isfinite(value.numpy())
        assert np.isfinite(tape.gradient(value, logits).numpy()).all()


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
def test_targets_that_cannot_be_trained_on_are_refused(targets: dict[str, object], message: str) -> None:
    from rapidity.engines.tensorflow.losses import BatchLoss

    loss = BatchLoss(Objective({"class": OutputObjective(2)}), {"class": 1})
    with pytest.raises(DataError, match=message):
        loss.prepare(Batch({"x": np.zeros((2, 1), np.float32)}, targets))


def test_an_objective_for_other_outputs_is_refused() -> None:
    from rapidity.engines.tensorflow.losses import BatchLoss

    with pytest.raises(EngineError, match="objective and network differ in their outputs: flavour"):
        BatchLoss(Objective({"flavour": OutputObjective(2), "class": OutputObjective(2)}), {"class": 1})
