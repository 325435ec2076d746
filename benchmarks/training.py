"""Training on a table: rows per second of Rapidity beside other ways, all in one run.

    python benchmarks/training.py [--rows N] [--repeats N] [--epochs N] [--only NAME ...]

The same MLP (26-128-128-128-1), batches of 1024, Adam, float32, on the CPU. Every contender lives in a
process of its own and waits there until it is its turn: the repeats are interleaved, so that a busy
moment of the machine does not fall on one of them alone. The medians are compared. What each contender
pays once (imports, first epoch, compilation) is not counted.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import importlib.util
import itertools
import logging
import multiprocessing
import os
import platform
import statistics
import tempfile
import time
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable
    from multiprocessing.connection import Connection

N_FEATURES = 26
HIDDEN = (128, 128, 128)
BATCH_SIZE = 1024
LEARNING_RATE = 1e-3
OURS = "rapidity"


@dataclass(frozen=True)
class Events:
    """Two overlapping classes; validation events only for those who look at them."""

    features: np.ndarray
    target: np.ndarray

    @classmethod
    def draw(cls, n_events: int, seed: int) -> Events:
        """Return events whose classes differ in every feature and in their correlations."""
        rng = np.random.default_rng(seed)
        target = rng.integers(0, 2, n_events)
        features = rng.normal(size=(n_events, N_FEATURES)).astype(np.float32)
        features[:, 1:] += 0.3 * target[:, None] * features[:, :-1] + 0.1 * target[:, None]
        return cls(features, target)


def prepare_rapidity(n_rows: int) -> tuple[Any, Any, Any, Any]:
    """Return model, training events, validation events and configuration."""
    from rapidity.config.training import Training
    from rapidity.core.random import make_generator
    from rapidity.core.records import Batch
    from rapidity.engines import get_engine
    from rapidity.network import Mlp, build_network

    train, validation = (
        Batch({"features": events.features}, {"class": events.target})
        for events in (Events.draw(n_rows, 1), Events.draw(n_rows // 8, 2))
    )
    network = build_network(Mlp(type="mlp", hidden=HIDDEN), {"features": (N_FEATURES,)}, {"class": 1})
    parameters = network.initial_parameters(make_generator(1, "parameters"))
    model = get_engine("torch").build(network, parameters, device="cpu")
    config = Training.model_validate({"batch_size": BATCH_SIZE, "optimizer": {"type": "adam"}})
    return model, train, validation, config


def measure_epochs(n_rows: int) -> Callable[[int], float]:
    """Rapidity: the engine's epochs alone."""
    from rapidity.core.classes import ClassSet
    from rapidity.core.records import ResidentBatches
    from rapidity.training import Span, make_objective, make_schedule

    model, train, _, config = prepare_rapidity(n_rows)
    objective = make_objective(config, ClassSet(("background", "signal")))
    rate = make_schedule(config.schedule, LEARNING_RATE, Span(50, -(-n_rows // BATCH_SIZE)))
    rng = np.random.default_rng(1)

    def run(n_epochs: int) -> float:
        start = time.perf_counter()
        for _ in range(n_epochs):
            batches = ResidentBatches(train, BATCH_SIZE, rng.permutation(n_rows))
            model.train_epoch(batches, objective, config.optimizer, rate, rng)
        return time.perf_counter() - start

    return run


def measure_fit(n_rows: int) -> Callable[[int], float]:
    """Rapidity: the whole of `fit`, with validation, history and a checkpoint every epoch."""
    from rapidity.core.classes import ClassSet
    from rapidity.training import CheckpointFolder, TrainingPlan, fit, make_objective

    model, train, validation, config = prepare_rapidity(n_rows)
    objective = make_objective(config, ClassSet(("background", "signal")))

    def run(n_epochs: int) -> float:
        plan = TrainingPlan(config.model_copy(update={"epochs": n_epochs}), objective)
        with tempfile.TemporaryDirectory() as folder:
            start = time.perf_counter()
            fit(model, train, validation, plan, checkpoints=CheckpointFolder(folder))
            return time.perf_counter() - start

    return run


def make_torch_module() -> Any:
    """Return the network as a plain `torch.nn` module."""
    from torch import nn

    sizes = (N_FEATURES, *HIDDEN)
    layers: list[Any] = []
    for n_in, n_out in itertools.pairwise(sizes):
        layers += [nn.Linear(n_in, n_out), nn.ReLU()]
    return nn.Sequential(*layers, nn.Linear(sizes[-1], 1))


def measure_bare_torch(n_rows: int) -> Callable[[int], float]:
    """Bare PyTorch, a loop written by hand: all tensors in memory, `index_select`, fused Adam."""
    import torch
    from torch.nn import functional

    events = Events.draw(n_rows, 1)
    features, target = torch.from_numpy(events.features), torch.from_numpy(events.target).float()[:, None]
    module = make_torch_module()
    optimizer = torch.optim.Adam(module.parameters(), lr=LEARNING_RATE, fused=True)

    def run(n_epochs: int) -> float:
        start = time.perf_counter()
        for _ in range(n_epochs):
            for rows in torch.randperm(n_rows).split(BATCH_SIZE):
                logits = module(features.index_select(0, rows))
                loss = functional.binary_cross_entropy_with_logits(logits, target.index_select(0, rows))
                optimizer.zero_grad(set_to_none=True)
                loss.backward()
                optimizer.step()
        return time.perf_counter() - start

    return run


def measure_lightning(n_rows: int) -> Callable[[int], float]:
    """Lightning with a DataLoader over a TensorDataset; only the epochs are timed."""
    import lightning
    import torch
    from torch.nn import functional
    from torch.utils.data import DataLoader, TensorDataset

    logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
    events = Events.draw(n_rows, 1)
    tensors = torch.from_numpy(events.features), torch.from_numpy(events.target).float()[:, None]
    loader = DataLoader(TensorDataset(*tensors), batch_size=BATCH_SIZE, shuffle=True)

    class Classifier(lightning.LightningModule):
        def __init__(self) -> None:
            super().__init__()
            self.module = make_torch_module()
            self.seconds = 0.0

        def training_step(self, batch: Any) -> Any:
            loss = functional.binary_cross_entropy_with_logits(self.module(batch[0]), batch[1])
            # Rapidity, skorch and Keras give the loss of the training; here it must be asked for.
            self.log("loss", loss, on_step=False, on_epoch=True)
            return loss

        def configure_optimizers(self) -> Any:
            return torch.optim.Adam(self.parameters(), lr=LEARNING_RATE, fused=True)

        def on_train_epoch_start(self) -> None:
            self.start = time.perf_counter()

        def on_train_epoch_end(self) -> None:
            self.seconds += time.perf_counter() - self.start

    quiet = {"logger": False, "enable_checkpointing": False, "enable_progress_bar": False}

    def run(n_epochs: int) -> float:
        module = Classifier()
        trainer = lightning.Trainer(
            max_epochs=n_epochs, accelerator="cpu", enable_model_summary=False, **quiet
        )
        trainer.fit(module, loader)
        return module.seconds

    return run


def measure_skorch(n_rows: int) -> Callable[[int], float]:
    """Skorch with its default DataLoader; without validation split, callbacks or scores."""
    import torch
    from skorch import NeuralNetClassifier

    events = Events.draw(n_rows, 1)
    target = events.target.astype(np.float32)[:, None]
    net = NeuralNetClassifier(
        make_torch_module(),
        criterion=torch.nn.BCEWithLogitsLoss,
        optimizer=torch.optim.Adam,
        optimizer__fused=True,
        lr=LEARNING_RATE,
        batch_size=BATCH_SIZE,
        iterator_train__shuffle=True,
        train_split=None,
        callbacks=None,
        verbose=0,
    )
    net.initialize()

    def run(n_epochs: int) -> float:
        start = time.perf_counter()
        net.partial_fit(events.features, target, classes=[0, 1], epochs=n_epochs)
        return time.perf_counter() - start

    return run


def measure_keras(n_rows: int) -> Callable[[int], float]:
    """`keras.Model.fit` on TensorFlow with arrays."""
    os.environ["KERAS_BACKEND"] = "tensorflow"
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    import keras

    events = Events.draw(n_rows, 1)
    target = events.target.astype(np.float32)
    hidden = [keras.layers.Dense(units, activation="relu") for units in HIDDEN]
    model = keras.Sequential([keras.Input((N_FEATURES,)), *hidden, keras.layers.Dense(1)])
    model.compile(
        optimizer=keras.optimizers.Adam(LEARNING_RATE), loss=keras.losses.BinaryCrossentropy(from_logits=True)
    )

    def run(n_epochs: int) -> float:
        start = time.perf_counter()
        model.fit(events.features, target, batch_size=BATCH_SIZE, epochs=n_epochs, shuffle=True, verbose=0)
        return time.perf_counter() - start

    return run


@dataclass(frozen=True)
class Contender:
    """One way to train.

    Attributes
    ----------
    measure
        Takes the number of rows, prepares, and returns a function from a number of epochs to seconds.
    package
        What must be installed.
    target
        Rapidity's epochs shall reach at least this many times its rows per second.
    """

    title: str
    measure: Callable[[int], Callable[[int], float]]
    package: str
    target: float | None = None


CONTENDERS = {
    OURS: Contender("Rapidity, epochs alone", measure_epochs, "torch"),
    "fit": Contender("Rapidity, whole `fit`", measure_fit, "torch"),
    "torch": Contender("bare PyTorch", measure_bare_torch, "torch", 0.95),
    "lightning": Contender("Lightning + DataLoader", measure_lightning, "lightning", 4.0),
    "skorch": Contender("skorch", measure_skorch, "skorch", 4.0),
    "keras": Contender("keras.Model.fit", measure_keras, "tensorflow", 2.0),
}


def serve(name: str, n_rows: int, connection: Connection) -> None:
    """Build a contender, warm it up, then time epochs whenever asked."""
    warnings.simplefilter("ignore")
    run = CONTENDERS[name].measure(n_rows)
    run(1)
    connection.send("ready")
    while n_epochs := connection.recv():
        connection.send(run(n_epochs))


def race(names: list[str], n_rows: int, n_epochs: int, repeats: int) -> dict[str, list[float]]:
    """Return rows per second of every repeat of every contender."""
    context = multiprocessing.get_context("spawn")
    lanes: dict[str, Connection] = {}
    for name in names:
        ours, theirs = context.Pipe()
        context.Process(target=serve, args=(name, n_rows, theirs), daemon=True).start()
        print(f"  starting {CONTENDERS[name].title} ...", end="", flush=True)
        ours.recv()
        print(" ready")
        lanes[name] = ours
    rates: dict[str, list[float]] = {name: [] for name in names}
    for repeat in range(repeats):
        # Another one begins each time: nobody always follows the same neighbour.
        for name in names[repeat % len(names) :] + names[: repeat % len(names)]:
            lanes[name].send(n_epochs)
            rates[name].append(n_rows * n_epochs / lanes[name].recv())
    for connection in lanes.values():
        connection.send(0)
    return rates


def describe_machine() -> str:
    """Return processor, cores and versions."""
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text().splitlines() if cpuinfo.is_file() else []
    models = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    packages = ["numpy", *dict.fromkeys(contender.package for contender in CONTENDERS.values()), "keras"]
    versions = [f"{name} {importlib.metadata.version(name)}" for name in packages if is_installed(name)]
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    machine = f"{models[0] if models else platform.processor()}, {cores} cores"
    return ", ".join([machine, f"Python {platform.python_version()}", *versions])


def is_installed(package: str) -> bool:
    return importlib.util.find_spec(package) is not None


def report(rates: dict[str, list[float]], absent: list[str]) -> None:
    """Print a Markdown table of the medians and the ratios to them."""
    medians = {name: statistics.median(values) for name, values in rates.items()}
    print("\n| contender | rows/s (median) | lowest | highest | Rapidity's epochs over it | target |")
    print("|---|---|---|---|---|---|")
    for name, median in medians.items():
        contender = CONTENDERS[name]
        ratio = f"{medians[OURS] / median:.2f}" if OURS in medians else ""
        target = f">= {contender.target:g}" if contender.target else ""
        low, high = min(rates[name]), max(rates[name])
        print(f"| {contender.title} | {median:,.0f} | {low:,.0f} | {high:,.0f} | {ratio} | {target} |")
    for name in absent:
        print(f"| {CONTENDERS[name].title} | absent: {CONTENDERS[name].package} is not installed | | | | |")


def main() -> None:
    """Run the race."""
    parser = argparse.ArgumentParser(description="Rows per second of training, side by side.")
    parser.add_argument("--rows", type=int, default=200_000)
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--epochs", type=int, default=2, help="epochs in a repeat")
    parser.add_argument("--only", nargs="+", choices=list(CONTENDERS), default=list(CONTENDERS))
    arguments = parser.parse_args()
    wanted = [name for name in CONTENDERS if name in arguments.only]
    present = [name for name in wanted if is_installed(CONTENDERS[name].package)]
    print(describe_machine())
    print(
        f"{arguments.rows:,} rows x {N_FEATURES}, MLP {'-'.join(map(str, HIDDEN))}, batch {BATCH_SIZE}, "
        f"Adam, {arguments.repeats} repeats of {arguments.epochs} epochs"
    )
    rates = race(present, arguments.rows, arguments.epochs, arguments.repeats)
    report(rates, [name for name in wanted if name not in present])


if __name__ == "__main__":
    main()
