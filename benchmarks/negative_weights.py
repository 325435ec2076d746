"""What the policies for negative weights do to a network, where the right answer is known.

Background is a Gaussian of mean 0, signal one of mean 1: the right score is sigmoid(x - 1/2). But the
generator of the signal also makes events around x = 2 that do not belong there, and subtracts them again with
as many of weight -1. Prints, for each policy of `training.weight.event_weight`, how far the trained network
is from the right score: the excess of the log-loss over that of the right score, for events of weight 1, mean
and standard deviation over repetitions. With one feature, and with nine more that tell nothing.

    python benchmarks/negative_weights.py
"""

from __future__ import annotations

import argparse
import itertools
import math
from dataclasses import dataclass

import numpy as np

from rapidity.config.training import Training, TrainingWeight
from rapidity.core.classes import ClassSet
from rapidity.core.random import make_generator
from rapidity.core.records import Batch, ResidentBatches
from rapidity.data.split import TrainRows
from rapidity.data.table import Table
from rapidity.data.weights import training_weights
from rapidity.engines import get_engine
from rapidity.metrics import effective_events, log_loss
from rapidity.network import Mlp, build_network
from rapidity.training import CLASS_OUTPUT, TrainingPlan, fit, make_objective

POLICIES = ("absolute", "drop", "keep")
"""Weights are 1 and -1 here, so that `ignore` is `absolute`."""
CLASSES = ClassSet(("background", "signal"))
SUBTRACTED = (0.1, 0.4)
"""Events that are made in excess and subtracted again, for each event of the signal's yield."""
NOISE = (0, 9)
"""Further features, which tell nothing: in ten dimensions events have no near neighbours."""
N_TRUTH = 100_000
SIZES = (500, 5_000)
N_STEPS = 500
"""About, of each training: what differs is the events."""
BATCH_SIZE = 128


@dataclass(frozen=True)
class Events:
    """Features ``(n_events, n_features)``, of which the first tells, classes and signed weights."""

    features: np.ndarray
    class_index: np.ndarray
    weight: np.ndarray


def draw(n_events: int, subtracted: float, n_noise: int, rng: np.random.Generator) -> Events:
    """Return `n_events` of background, and of signal as much yield, part of it made and subtracted again."""
    n_extra = round(subtracted * n_events)
    x = [rng.normal(0, 1, n_events), rng.normal(1, 1, n_events), rng.normal(2, 0.5, 2 * n_extra)]
    weight = np.ones(2 * n_events + 2 * n_extra)
    weight[2 * n_events + n_extra :] = -1
    noise = rng.normal(size=(len(weight), n_noise))
    features = np.column_stack([np.concatenate(x), noise]).astype(np.float32)
    return Events(features, (np.arange(len(weight)) >= n_events).astype(np.int64), weight)


def train(policy: str, events: Events, seed: int, epochs: int):
    """Return the network that a policy trains: the function from values to logits."""
    n_events, n_features = events.features.shape
    table = Table(
        columns={},
        files=("drawn",),
        source_file=np.zeros(n_events, np.int32),
        source_entry=np.arange(n_events),
        sample=np.zeros(n_events, np.int32),
        classes=CLASSES,
        class_index=events.class_index,
        event_weight=events.weight,
        fixed_split=np.full(n_events, -1, np.int8),
    )
    chosen = TrainingWeight.model_validate({"event_weight": policy, "balance_classes": True})
    weights = training_weights(TrainRows(table, np.arange(n_events)), chosen)
    config = Training.model_validate(
        {"engine": "numpy", "epochs": epochs, "batch_size": BATCH_SIZE, "schedule": "one_cycle", "seed": seed,
         "optimizer": {"type": "adam", "learning_rate": 0.01}, "weight": chosen.model_dump()}
    )  # fmt: skip
    network = build_network(Mlp(type="mlp", hidden=(16, 16)), {"features": (n_features,)}, {CLASS_OUTPUT: 1})
    model = get_engine("numpy").build(network, network.initial_parameters(make_generator(seed, "parameters")))
    rows = weights.rows.rows
    batch = Batch(
        {"features": events.features[rows]}, {CLASS_OUTPUT: events.class_index[rows]}, weights.values
    )
    fit(model, batch, None, TrainingPlan(config, make_objective(config, CLASSES, weights.mean)))
    return lambda features: model.predict(ResidentBatches(Batch({"features": features}), 4096))[CLASS_OUTPUT]


def excess_loss(logits: np.ndarray, truth: Events) -> float:
    """Return by how many nats the log-loss of these scores exceeds that of the right ones."""
    right = log_loss(truth.class_index, CLASSES.log_probabilities(truth.features[:, :1] - 0.5))
    return log_loss(truth.class_index, CLASSES.log_probabilities(logits)) - right


def measure(n_events: int, subtracted: float, n_noise: int, repetitions: int) -> list[np.ndarray]:
    """Return for each policy the excess log-loss of each repetition, in nats."""
    truth = draw(N_TRUTH, 0.0, n_noise, np.random.default_rng(0))
    found: list[list[float]] = [[] for _ in POLICIES]
    for seed in range(1, repetitions + 1):
        events = draw(n_events, subtracted, n_noise, np.random.default_rng(seed))
        epochs = max(2, math.ceil(N_STEPS * BATCH_SIZE / len(events.weight)))
        for policy, values in zip(POLICIES, found, strict=True):
            network = train(policy, events, seed, epochs)
            values.append(excess_loss(network(truth.features), truth))
    return [np.array(values) for values in found]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repetitions", type=int, default=6)
    repetitions = parser.parse_args().repetitions
    print(f"Excess log-loss in 0.001 nats, mean ± standard deviation of {repetitions} repetitions.\n")
    names = " | ".join(f"`{policy}`" for policy in POLICIES)
    print(f"| features | negative signal events | effective per yield | events a class | {names} |")
    print("|---|---|---|---|" + "---|" * len(POLICIES))
    for n_noise, subtracted, size in itertools.product(NOISE, SUBTRACTED, SIZES):
        events = draw(size, subtracted, 0, np.random.default_rng(1))
        signal = events.weight[events.class_index == 1]
        effective = effective_events(signal) / signal.sum()
        found = measure(size, subtracted, n_noise, repetitions)
        cells = " | ".join(f"{1e3 * v.mean():.1f} ± {1e3 * v.std(ddof=1):.1f}" for v in found)
        part = np.mean(signal < 0)
        print(f"| {1 + n_noise} | {part:.0%} | {effective:.2f} | {size:,} | {cells} |", flush=True)


if __name__ == "__main__":
    main()
