"""The engines beside each other: rows per second and memory of training, all in one run.

    python benchmarks/engines.py [--repeats N] [--seconds S] [--case mlp cnn] [--only NAME ...]

Two cases: an MLP (26-128-128-128-1, batches of 1024) and LeNet-5 on images of 28 x 28 x 1 (batches of 128);
Adam, float32, on the CPU. Every contender lives in a process of its own and waits there until it is its
turn; the repeats are interleaved, each time begun by another one, and the ratio of a repeat is taken within
it, so that a busy moment of the machine does not fall on one of them alone. The median of the ratios is
compared. What each contender pays once (imports, first epochs, compilation) is not counted.

Memory is measured in fresh processes: the peak of the resident memory during two epochs over what there was
after imports, data, model and some steps of eight events each, with which libraries set themselves up; and
the live bytes (parameters, picked events, values, gradients) of one step after another, from the journal of
the tape and from PyTorch's profiler. On Linux only.
"""

from __future__ import annotations

import argparse
import importlib.util
import multiprocessing
import os
import statistics
import sys
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from training import describe_machine

if TYPE_CHECKING:
    from collections.abc import Mapping
    from multiprocessing.connection import Connection

LEARNING_RATE = 1e-3
N_MEMORY_STEPS = 3
CURVE_WIDTH = 64
BARS = " ▁▂▃▄▅▆▇█"

Run = Callable[[int], float]
"""From a number of epochs to seconds."""


@dataclass(frozen=True)
class Case:
    """A network with its events.

    Attributes
    ----------
    n_rows
        Events in an epoch.
    targets
        Contender -> (contender to compare with, least ratio of rows per second).
    """

    title: str
    shape: tuple[int, ...]
    n_classes: int
    batch_size: int
    n_rows: int
    network: Mapping[str, Any]
    targets: Mapping[str, tuple[str, float]]

    def draw_events(self) -> tuple[np.ndarray, np.ndarray]:
        """Return inputs ``(n_rows, *shape)`` and class indices that depend on them a little."""
        rng = np.random.default_rng(1)
        target = rng.integers(0, self.n_classes, self.n_rows)
        inputs = rng.standard_normal((self.n_rows, *self.shape), dtype=np.float32)
        inputs.reshape(self.n_rows, -1)[:, 0] += target
        return inputs, target


CASES = {
    "mlp": Case(
        title="MLP 26-128-128-128-1, batch 1024",
        shape=(26,),
        n_classes=2,
        batch_size=1024,
        n_rows=100_000,
        network={"type": "mlp", "hidden": (128, 128, 128)},
        targets={"numpy": ("torch", 0.8), "tensorflow": ("keras", 1.0)},
    ),
    "cnn": Case(
        title="LeNet-5 on 28 x 28 x 1, batch 128",
        shape=(28, 28, 1),
        n_classes=10,
        batch_size=128,
        n_rows=8_000,
        network={"type": "lenet"},
        targets={"numpy": ("torch", 0.4), "tensorflow": ("keras", 1.0)},
    ),
}
MEMORY_TARGET = 1.5
"""Largest peak memory of `numpy` over that of `torch`."""


def build_model(case: Case, engine: str) -> Any:
    """Return the network of a case, built by an engine, with the same parameters for each."""
    from pydantic import TypeAdapter

    from rapidity.engines import get_engine
    from rapidity.network import NetworkConfig, build_network

    config = TypeAdapter(NetworkConfig).validate_python(dict(case.network))
    n_logits = 1 if case.n_classes == 2 else case.n_classes
    network = build_network(config, {"x": case.shape}, {"class": n_logits})
    return get_engine(engine).build(network, network.initial_parameters(np.random.default_rng(1)), "cpu")


def make_epochs(case: Case, engine: str) -> Run:
    """Return the epochs of an engine, without validation or checkpoints."""
    from rapidity.config.training import Adam
    from rapidity.core.records import Batch, Objective, OutputObjective, ResidentBatches

    inputs, target = case.draw_events()
    events = Batch({"x": inputs}, {"class": target})
    objective = Objective({"class": OutputObjective(case.n_classes)})
    optimizer = Adam(type="adam", learning_rate=LEARNING_RATE)
    model, rng = build_model(case, engine), np.random.default_rng(1)

    def run(n_epochs: int) -> float:
        start = time.perf_counter()
        for _ in range(n_epochs):
            batches = ResidentBatches(events, case.batch_size, rng.permutation(case.n_rows))
            model.train_epoch(batches, objective, optimizer, lambda _: LEARNING_RATE, rng)
        return time.perf_counter() - start

    return run


def make_keras_fit(case: Case) -> Run:
    """Return `keras.Model.fit` on the model that the engine `tensorflow` built."""
    import keras

    inputs, target = case.draw_events()
    model = build_model(case, "tensorflow").native
    loss = (
        keras.losses.BinaryCrossentropy(from_logits=True)
        if case.n_classes == 2
        else keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    )
    model.compile(optimizer=keras.optimizers.Adam(LEARNING_RATE), loss=loss)

    def run(n_epochs: int) -> float:
        start = time.perf_counter()
        model.fit(inputs, target, batch_size=case.batch_size, epochs=n_epochs, shuffle=True, verbose=0)
        return time.perf_counter() - start

    return run


@dataclass(frozen=True)
class Contender:
    """One way to train; `package` is what must be installed."""

    title: str
    make: Callable[[Case], Run]
    package: str

    @property
    def is_installed(self) -> bool:
        """Whether it can take part."""
        return importlib.util.find_spec(self.package) is not None


CONTENDERS = {
    "torch": Contender("engine torch", lambda case: make_epochs(case, "torch"), "torch"),
    "numpy": Contender("engine numpy", lambda case: make_epochs(case, "numpy"), "numpy"),
    "tensorflow": Contender("engine tensorflow", lambda case: make_epochs(case, "tensorflow"), "tensorflow"),
    "keras": Contender("keras.Model.fit", make_keras_fit, "tensorflow"),
}


def serve(name: str, case_name: str, connection: Connection) -> None:
    """Build a contender, warm it up, then time epochs whenever asked."""
    warnings.simplefilter("ignore")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    run = CONTENDERS[name].make(CASES[case_name])
    run(1)
    connection.send(run(1))
    while n_epochs := connection.recv():
        connection.send(run(n_epochs))


def race(names: list[str], case_name: str, seconds: float, repeats: int) -> dict[str, list[float]]:
    """Return rows per second of every repeat of every contender; each repeat takes about `seconds`."""
    context = multiprocessing.get_context("spawn")
    lanes: dict[str, tuple[Connection, int]] = {}
    for name in names:
        ours, theirs = context.Pipe()
        context.Process(target=serve, args=(name, case_name, theirs), daemon=True).start()
        # Only the process holds its end now: if it dies, `recv` says so instead of waiting for ever.
        theirs.close()
        lanes[name] = (ours, max(1, round(seconds / ours.recv())))
    rates: dict[str, list[float]] = {name: [] for name in names}
    for repeat in range(repeats):
        # Another one begins each time: nobody always follows the same neighbour.
        for name in names[repeat % len(names) :] + names[: repeat % len(names)]:
            connection, n_epochs = lanes[name]
            connection.send(n_epochs)
            rates[name].append(CASES[case_name].n_rows * n_epochs / connection.recv())
    for connection, _ in lanes.values():
        connection.send(0)
    return rates


def report_speed(case: Case, rates: Mapping[str, list[float]]) -> None:
    """Print a Markdown table of the medians and of the ratios, each taken within a repeat."""
    print(f"\n### {case.title}: rows per second\n")
    print("| contender | median | lowest | highest | ratio (median) | lowest | highest | target |")
    print("|---|---|---|---|---|---|---|---|")
    for name, values in rates.items():
        cells = [f"{number:,.0f}" for number in (statistics.median(values), min(values), max(values))]
        other, least = case.targets.get(name, ("", 0.0))
        if other in rates:
            ratios = [ours / theirs for ours, theirs in zip(values, rates[other], strict=True)]
            cells += [f"{number:.2f}" for number in (statistics.median(ratios), min(ratios), max(ratios))]
            cells.append(f">= {least:g} of {CONTENDERS[other].title}")
        print(f"| {CONTENDERS[name].title} | {' | '.join(cells + [''] * (7 - len(cells)))} |")


@dataclass(frozen=True)
class Memory:
    """What training took: resident bytes beyond the start, and the live bytes of some steps in order."""

    resident: int
    live: list[int]


def measure_memory(engine: str, case_name: str, connection: Connection) -> None:
    """Train two epochs and send how far the resident memory rose; then look at single steps."""
    warnings.simplefilter("ignore")
    case = CASES[case_name]
    run_steps(replace(case, batch_size=8), engine)
    run = make_epochs(case, engine)
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    before = read_status("VmRSS")
    run(2)
    resident = read_status("VmHWM") - before
    connection.send(Memory(resident, LIVE_BYTES[engine](case)))


def read_status(key: str) -> int:
    """Return an entry of /proc/self/status in bytes."""
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return 1024 * int(next(line for line in lines if line.startswith(f"{key}:")).split()[1])


def follow_numpy(case: Case) -> list[int]:
    """Return the live bytes after each moment of some steps, from the journal of the tape."""
    from rapidity.autodiff import Journal, Workspace

    journal = Journal()
    run_steps(case, "numpy", lambda model: setattr(model, "workspace", Workspace(journal=journal)))
    return [event.live_bytes for event in journal.events]


def follow_torch(case: Case) -> list[int]:
    """Return the live bytes after each allocation of some steps, from PyTorch's profiler."""
    import torch

    activities = [torch.profiler.ProfilerActivity.CPU]
    with torch.profiler.profile(activities=activities, profile_memory=True) as profile:
        run_steps(case, "torch")
    events = [event for event in profile.profiler.kineto_results.events() if event.name() == "[memory]"]
    sizes = [event.nbytes() for event in sorted(events, key=lambda event: event.start_ns())]
    return [int(total) for total in np.cumsum(sizes)]


def run_steps(case: Case, engine: str, prepare: Callable[[Any], Any] | None = None) -> None:
    """Take some steps with plain SGD, which has no moments: values and gradients alone are seen."""
    from rapidity.config.training import Sgd
    from rapidity.core.records import Batch, Objective, OutputObjective, ResidentBatches

    inputs, target = case.draw_events()
    order = np.random.default_rng(1).permutation(N_MEMORY_STEPS * case.batch_size)
    model = build_model(case, engine)
    if prepare is not None:
        prepare(model)
    model.train_epoch(
        ResidentBatches(Batch({"x": inputs}, {"class": target}), case.batch_size, order),
        Objective({"class": OutputObjective(case.n_classes)}),
        Sgd(type="sgd"),
        lambda _: LEARNING_RATE,
        np.random.default_rng(1),
    )


LIVE_BYTES = {"numpy": follow_numpy, "torch": follow_torch}


def report_memory(case_name: str) -> None:
    """Print peaks and curves of the engines whose memory can be followed."""
    context = multiprocessing.get_context("spawn")
    found: dict[str, Memory] = {}
    for name in LIVE_BYTES:
        if CONTENDERS[name].is_installed:
            ours, theirs = context.Pipe()
            context.Process(target=measure_memory, args=(name, case_name, theirs), daemon=True).start()
            theirs.close()
            found[name] = ours.recv()
    print(f"\n### {CASES[case_name].title}: memory, target <= {MEMORY_TARGET:g} times that of torch\n")
    print("| engine | resident, beyond the start | ratio | live bytes of a step, peak | ratio |")
    print("|---|---|---|---|---|")
    for name, memory in found.items():
        base = found.get("torch", memory)
        peak, other = max(memory.live), max(base.live)
        print(
            f"| {name} | {memory.resident / 1e6:.1f} MB | {memory.resident / base.resident:.2f} "
            f"| {peak / 1e6:.2f} MB | {peak / other:.2f} |"
        )
    top = max(max(memory.live) for memory in found.values())
    print(f"\nLive bytes over {N_MEMORY_STEPS} steps, from 0 to {top / 1e6:.2f} MB:\n")
    for name, memory in found.items():
        print(f"    {name:<6} {draw_curve(memory.live, top)}")


def draw_curve(values: list[int], top: int) -> str:
    """Return the largest value of each of equal parts as a bar of text."""
    parts = np.array_split(np.array(values), min(CURVE_WIDTH, len(values)))
    return "".join(BARS[round((len(BARS) - 1) * part.max() / top)] for part in parts)


def main() -> None:
    """Run the races, then measure the memory."""
    parser = argparse.ArgumentParser(description="The engines, side by side.")
    parser.add_argument("--repeats", type=int, default=9)
    parser.add_argument("--seconds", type=float, default=1.0, help="of one contender in a repeat")
    parser.add_argument("--case", nargs="+", choices=list(CASES), default=list(CASES))
    parser.add_argument("--only", nargs="+", choices=list(CONTENDERS), default=list(CONTENDERS))
    parser.add_argument("--no-memory", action="store_true", help="leave the memory out")
    arguments = parser.parse_args()
    print(describe_machine())
    for name in arguments.only:
        if not CONTENDERS[name].is_installed:
            print(f"{CONTENDERS[name].title} is absent: {CONTENDERS[name].package} is not installed")
    names = [name for name in CONTENDERS if name in arguments.only and CONTENDERS[name].is_installed]
    for case_name in arguments.case:
        report_speed(CASES[case_name], race(names, case_name, arguments.seconds, arguments.repeats))
        if not arguments.no_memory and sys.platform == "linux":
            report_memory(case_name)


if __name__ == "__main__":
    main()
