"""Every optimiser, schedule and loss that a configuration can name trains, and goes on where it stopped."""

from __future__ import annotations

from typing import get_args

import numpy as np
import pytest

from rapidity.config import training as blocks
from rapidity.core.classes import ClassSet
from rapidity.core.errors import InterruptedRunError
from rapidity.core.progress import SilentProgress
from rapidity.core.random import make_generator
from rapidity.core.records import Batch
from rapidity.engines import get_engine
from rapidity.network import Mlp, build_network
from rapidity.training import CLASS_OUTPUT, CheckpointFolder, TrainingPlan, fit, make_objective

pytest.importorskip("torch")
pytestmark = pytest.mark.torch

N_EPOCHS = 4


def names_of(union):
    return [get_args(block.model_fields["type"].annotation)[0] for block in get_args(get_args(union)[0])]


CHOICES = [
    *({"optimizer": {"type": name}} for name in names_of(blocks.Optimizer)),
    {"optimizer": {"type": "sgd", "momentum": 0.9, "nesterov": True, "weight_decay": 1e-4}},
    *({"schedule": {"type": name}} for name in names_of(blocks.Schedule)),
    # The rate of cos_log begins at zero by itself, and it refuses more.
    *(
        {"schedule": {"type": name, "warm_up": 1.5}}
        for name in names_of(blocks.Schedule)
        if name != "cos_log"
    ),
    *({"loss": {"type": name, "label_smoothing": 0.05}} for name in names_of(blocks.Loss)),
    *({"early_stopping": {"monitor": name, "patience": 3}} for name in ("loss", "accuracy", "auc")),
    {"regularization": {"l1": 1e-5, "l2": 1e-4}, "clip_norm": 1.0},
    {"batch_size": "all"},
    {"checkpoint_every": 3},
]


def make_events(n_events, n_classes, seed):
    rng = np.random.default_rng(seed)
    target = rng.integers(0, n_classes, n_events)
    features = rng.normal(size=(n_events, 3)) + 1.5 * np.eye(3)[target]
    weight = np.where(rng.random(n_events) < 0.1, -1, 1) * rng.uniform(0.5, 1.5, n_events)
    return Batch({"features": features.astype("f4")}, {CLASS_OUTPUT: target}, weight.astype("f4"))


def make_model(classes):
    outputs = {CLASS_OUTPUT: classes.n_logits}
    network = build_network(Mlp(type="mlp", hidden=(8,), dropout=0.1), {"features": (3,)}, outputs)
    return get_engine("torch").build(
        network, network.initial_parameters(make_generator(1, "parameters")), "cpu"
    )


class StopAfter(SilentProgress):
    """Progress that is interrupted after an epoch."""

    def __init__(self, n_epochs):
        self.n_left = n_epochs + 1  # the first call comes before the first epoch

    def task(self, *_, **__):
        return self

    def __enter__(self):
        return self

    def __exit__(self, *_):
        return None

    def advance(self, *_, **__):
        self.n_left -= 1
        if not self.n_left:
            raise KeyboardInterrupt


@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("choice", CHOICES, ids=str)
def test_choice_trains_and_resumes(choice, n_classes, tmp_path):
    classes = ClassSet(("a", "b", "c")[:n_classes])
    train, validation = make_events(400, n_classes, 1), make_events(200, n_classes, 2)
    keys = {"epochs": N_EPOCHS, "batch_size": 50, "optimizer": {"type": "adam", "learning_rate": 0.02}}
    config = blocks.Training.model_validate({**keys, **choice})
    mean = float(train.training_weight.mean(dtype=np.float64))
    plan = TrainingPlan(config, make_objective(config, classes, mean))
    straight, model = make_model(classes), make_model(classes)
    before = straight.parameters()
    result = fit(straight, train, validation, plan)
    assert all(np.isfinite(values).all() for values in straight.parameters().values())
    assert any((straight.parameters()[name] != values).any() for name, values in before.items())
    assert len(result.history) <= N_EPOCHS
    checkpoints = CheckpointFolder(tmp_path)
    with pytest.raises(InterruptedRunError):
        fit(model, train, validation, plan, checkpoints=checkpoints, progress=StopAfter(2))
    resumed = make_model(classes)
    fit(resumed, train, validation, plan, checkpoints=checkpoints, resume=True)
    for name, values in straight.parameters().items():
        np.testing.assert_array_equal(resumed.parameters()[name], values)
