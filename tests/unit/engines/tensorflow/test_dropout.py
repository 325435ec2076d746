"""Dropout whose rate a schedule sets inside compiled steps; a user's own layers among it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from rapidity.config.training import Sgd
from rapidity.core.errors import EngineError
from rapidity.core.records import Batch, Objective, OutputObjective, ResidentBatches
from rapidity.engines import get_engine

tf = pytest.importorskip("tensorflow", reason="TensorFlow is not installed")
pytestmark = pytest.mark.tensorflow

SHAPE = (4, 6)
N_EVENTS = 40


def wrap(make_layer: Any) -> Any:
    """Return a model of one layer on a cloud, and a logit."""
    from keras import Input, Model, layers

    x = Input(SHAPE, name="jets")
    logit = layers.Dense(1)(layers.Flatten()(make_layer(layers)(x)))
    return get_engine("tensorflow").wrap(Model(x, logit), {"jets": SHAPE}, {"class": 1}, "cpu")


def losses(model: Any, strength: Any, seed: int = 1, n_steps: int = 1) -> list[float]:
    rng = np.random.default_rng(3)
    features = rng.standard_normal((n_steps * N_EVENTS, *SHAPE)).astype(np.float32)
    events = Batch({"jets": features}, {"class": np.ones(len(features), np.int64)})
    objective = Objective({"class": OutputObjective(2)}, dropout_strength=strength)
    batches, draws = ResidentBatches(events, N_EVENTS), np.random.default_rng(seed)
    return model.train_epoch(batches, objective, Sgd(type="sgd"), lambda _: 0.0, draws).step_losses.tolist()


@pytest.mark.parametrize(
    "make_layer",
    [
        lambda layers: layers.Dropout(0.5),
        lambda layers: layers.Dropout(0.5, noise_shape=(None, 1, 6)),
        lambda layers: layers.SpatialDropout1D(0.5),
        lambda layers: layers.TimeDistributed(layers.Dropout(0.5)),
    ],
    ids=["all", "noise shape", "spatial", "inside another layer"],
)
def test_layers_of_keras_follow_the_schedule_by_the_same_random_numbers(make_layer: Any) -> None:
    model = wrap(make_layer)
    strength = (0.7, 1.0, 0.0, 0.0, 0.5, 0.5).__getitem__
    plain = losses(model, None)
    # The rate is a tensor there: the scale is rounded differently.
    assert losses(model, strength) == pytest.approx(plain, rel=1e-5)
    assert losses(model, strength, seed=1) == losses(model, strength, seed=2)
    assert losses(model, strength, seed=1) != losses(model, strength, seed=2)
    assert losses(model, None) == plain


def test_no_step_is_compiled_for_its_rate() -> None:
    model, strengths = wrap(lambda layers: layers.Dropout(0.5)), []

    def strength(step: int) -> float:
        strengths.append(1 / (1 + step))
        return strengths[-1]

    losses(model, strength, n_steps=3)
    losses(model, strength, n_steps=3)
    assert strengths == [1 / (1 + step) for step in range(6)]
    assert len(model._stepper._programs) == 1


@pytest.mark.parametrize(
    ("make_layer", "name"),
    [
        (lambda layers: layers.GaussianDropout(0.5), "gaussian_dropout"),
        (lambda layers: layers.LSTM(6, return_sequences=True, dropout=0.5), "lstm"),
        (lambda layers: layers.Lambda(lambda x: tf.nn.dropout(x, 0.5)), "lambda"),
    ],
    ids=["gaussian", "lstm", "function"],
)
def test_dropout_that_a_schedule_cannot_set_is_refused(make_layer: Any, name: str) -> None:
    model = wrap(make_layer)
    losses(model, None)
    message = rf"draws random numbers outside of dropout layers, in .*{name}.*set dropout_schedule: constant"
    with pytest.raises(EngineError, match=message):
        losses(model, lambda _: 0.5)
