"""A small training that a test can kill: ``python resumable_training.py FOLDER ENGINE``.

It resumes where there is a checkpoint, prints a line after every epoch, and at the end writes the hash of
every array of the model's state into ``FOLDER/result.json``.
"""

from __future__ import annotations

import hashlib
import json
import sys
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from rapidity.config.training import Training
from rapidity.core.classes import ClassSet
from rapidity.core.progress import SilentProgress
from rapidity.core.random import make_generator
from rapidity.core.records import Batch
from rapidity.engines import get_engine
from rapidity.network import Mlp, build_network
from rapidity.training import CLASS_OUTPUT, CheckpointFolder, TrainingPlan, fit, make_objective

N_FEATURES = 6
CLASSES = ClassSet(("background", "signal"))
CONFIG = Training.model_validate(
    {
        "epochs": 24,
        "batch_size": 64,
        "optimizer": {"type": "adam", "learning_rate": 3e-3},
        "schedule": {"type": "reduce_on_plateau", "patience": 0, "factor": 0.7, "warm_up": 1.5},
        "dropout_schedule": "flat_cosine",
        "early_stopping": {"monitor": "auc", "patience": 20},
        "checkpoint_every": 2,
    }
)


def make_events(n_events: int, seed: int) -> Batch:
    rng = np.random.default_rng(seed)
    target = rng.integers(0, 2, n_events)
    features = rng.normal(size=(n_events, N_FEATURES)) + 0.5 * target[:, None]
    return Batch({"features": features.astype(np.float32)}, {CLASS_OUTPUT: target})


class EpochLines(SilentProgress):
    @contextmanager
    def task(self, description, total=None, unit=""):
        yield self

    def advance(self, amount=1, **fields):
        print("epoch", flush=True)


def train(folder: Path, engine: str) -> None:
    config = Mlp(type="mlp", hidden=(16, 16), activation="relu", dropout=0.2)
    network = build_network(config, {"features": (N_FEATURES,)}, {CLASS_OUTPUT: CLASSES.n_logits})
    parameters = network.initial_parameters(make_generator(CONFIG.seed, "parameters"))
    model = get_engine(engine).build(network, parameters, device="cpu")
    plan = TrainingPlan(CONFIG, make_objective(CONFIG, CLASSES))
    events = make_events(6_000, seed=1), make_events(2_000, seed=2)
    checkpoints = CheckpointFolder(folder / "checkpoints")
    result = fit(model, *events, plan, checkpoints=checkpoints, progress=EpochLines(), resume=True)
    hashes = {
        name: hashlib.sha256(array.tobytes()).hexdigest() for name, array in model.state().arrays.items()
    }
    (folder / "result.json").write_text(json.dumps({"kept_epoch": result.kept_epoch, "arrays": hashes}))


if __name__ == "__main__":
    train(Path(sys.argv[1]), sys.argv[2])
