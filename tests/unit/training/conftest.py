"""A small NumPy model that trains, so that the loop is tested without any engine."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from rapidity.config.training import Training
from rapidity.core.classes import ClassSet
from rapidity.core.records import Batch, EpochRecord, State
from rapidity.training import TrainingPlan, make_objective

if TYPE_CHECKING:
    from collections.abc import Callable

CLASSES = ClassSet(("background", "signal"))


class LogisticModel:
    """Logistic regression with momentum and input dropout; it knows how often it was asked to train."""

    def __init__(self, n_features: int = 3) -> None:
        self.kernel = np.zeros((n_features, 1), dtype=np.float32)
        self.moment = np.zeros_like(self.kernel)
        self.n_steps = 0
        self.n_epochs_trained = 0
        self.rates: list[float] = []
        self.interrupt_at_step: int | None = None
        self.sizes_predicted: list[int] = []

    @property
    def native(self) -> Any:
        return self

    @np.errstate(invalid="ignore", over="ignore")  # some tests want inputs that are not finite
    def train_epoch(self, batches, objective, optimizer, rate, rng) -> EpochRecord:
        losses = []
        for batch in batches:
            if self.n_steps == self.interrupt_at_step:
                self.interrupt_at_step = None
                raise KeyboardInterrupt
            x = batch.inputs["features"] * (rng.random(batch.inputs["features"].shape) > 0.1)
            logit = (x @ self.kernel)[:, 0].astype(np.float64)
            y = batch.targets["class"]
            losses.append(float(np.mean(np.logaddexp(0, logit) - y * logit)))
            p = 0.5 * (1 + np.tanh(logit / 2))
            self.rates.append(rate(self.n_steps))
            self.moment = (0.9 * self.moment + x.T @ (p - y)[:, None] / len(y)).astype(np.float32)
            self.kernel = (self.kernel - self.rates[-1] * self.moment).astype(np.float32)
            self.n_steps += 1
        self.n_epochs_trained += 1
        return EpochRecord(np.array(losses))

    @np.errstate(invalid="ignore", over="ignore")
    def predict(self, batches, names=()):
        self.sizes_predicted.append(batches.n_events)
        return {"class": np.concatenate([batch.inputs["features"] @ self.kernel for batch in batches])}

    def gradients(self, batch, objective):
        raise NotImplementedError

    def parameters(self):
        return {"class_logits.kernel": self.kernel.copy()}

    def state(self) -> State:
        arrays = {
            "parameter/class_logits.kernel": self.kernel.copy(),
            "moment/m/class_logits.kernel": self.moment.copy(),
        }
        return State(arrays, {"n_steps": self.n_steps})

    def load_state(self, state: State) -> None:
        self.kernel = state.arrays["parameter/class_logits.kernel"].copy()
        self.moment = state.arrays["moment/m/class_logits.kernel"].copy()
        self.n_steps = int(state.numbers["n_steps"])


def make_events(n_events: int, seed: int) -> Batch:
    rng = np.random.default_rng(seed)
    target = rng.integers(0, 2, n_events)
    features = rng.normal(size=(n_events, 3)) + 0.8 * target[:, None] * np.array([1.0, -0.5, 0.0])
    return Batch({"features": features.astype(np.float32)}, {"class": target})


@pytest.fixture
def train() -> Batch:
    return make_events(200, seed=1)


@pytest.fixture
def validation() -> Batch:
    return make_events(100, seed=2)


@pytest.fixture
def model() -> LogisticModel:
    return LogisticModel()


@pytest.fixture
def new_model() -> Callable[[], LogisticModel]:
    return LogisticModel


@pytest.fixture
def plan() -> Callable[..., TrainingPlan]:
    """Return a function from `training:` keys to a plan."""

    def make(**keys: Any) -> TrainingPlan:
        usual = {"epochs": 4, "batch_size": 64, "optimizer": {"type": "sgd", "learning_rate": 0.1}}
        config = Training.model_validate({**usual, **keys})
        return TrainingPlan(
            config, make_objective(config, CLASSES), feature_names={"features": ("pt", "eta", "met")}
        )

    return make
