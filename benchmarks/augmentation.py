"""What the augmentation of training events costs: by itself, and beside the training that it runs ahead of.

Prints processor time, which other work on the machine hardly changes: of each augmentation for an event,
picking it included; the same of events that are streamed from disk with their columns; and of training for an
image, with flips and shifts and without.

    OMP_NUM_THREADS=1 python benchmarks/augmentation.py [--engine E] [--images N]
                                                        [--only kinds|streaming|training]
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from training import describe_machine

from rapidity.config.preparation import Preparation
from rapidity.config.training import Adam, Training
from rapidity.core.classes import ClassSet
from rapidity.core.jagged import Jagged
from rapidity.core.records import Batch
from rapidity.data.features import FeatureSet, make_features
from rapidity.data.preparation import fit_preparation
from rapidity.data.raw_events import RawTrainingEvents
from rapidity.data.split import TrainRows, ValidationRows
from rapidity.data.streamed_splits import StreamedSplits, StreamSettings
from rapidity.data.table import Table
from rapidity.data.weights import TrainingWeights
from rapidity.engines import get_engine
from rapidity.network import build_network
from rapidity.network.catalogue import CATALOGUE
from rapidity.training import make_objective
from rapidity.training.augmentation import AugmentedPasses, Augmenter, Sources, make_augmenter
from rapidity.training.passes import ResidentPasses, StreamedPasses

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rapidity.training.passes import Passes

BATCH_SIZE, SEED, REPEATS = 64, 1, 5
PICTURES = ["flip", {"type": "shift", "pixels": 4}]
CLASSES = ClassSet(tuple("0123456789"))
JETS = {"pt": "jet_pt", "eta": "jet_eta", "phi": "jet_phi", "mass": "jet_m"}
COLLECTIONS = dict.fromkeys(JETS.values(), "jets")
FEATURES = [
    "jet_pt[0]", "jet_eta[0]", "jet_pt[1]", "jet_eta[1]", "ht = sum(jet_pt)", "count(jet_pt)",
    "mass(jets[0], jets[1])", "delta_r(jets[0], jets[1])", "mass(sum(jets))", "min_delta_r(jets)",
]  # fmt: skip


def make_images(n_images: int) -> Batch:
    """Return pictures of 32 x 32 x 3 and their classes."""
    rng = np.random.default_rng(SEED)
    return Batch(
        {"image": rng.random((n_images, 32, 32, 3), np.float32)}, {"class": np.arange(n_images) % 10}
    )


def make_jets(n_events: int) -> tuple[RawTrainingEvents, Batch]:
    """Return events of 2 to 8 jets, as raw columns and prepared."""
    rng = np.random.default_rng(SEED)
    counts = rng.integers(2, 9, n_events)
    total = int(counts.sum())
    first = Jagged.from_counts(rng.exponential(40.0, total) + 20, counts)
    columns: dict[str, Any] = {
        "jet_pt": first,
        "jet_eta": Jagged(rng.normal(0, 1.5, total), first.offsets),
        "jet_phi": Jagged(rng.uniform(-np.pi, np.pi, total), first.offsets),
        "jet_m": Jagged(rng.exponential(8.0, total), first.offsets),
    }
    target = np.arange(n_events) % 10
    table = Table(
        columns, ("events",), np.zeros(n_events, np.int32), np.arange(n_events), np.zeros(n_events, np.int32),
        CLASSES, target, None, np.full(n_events, -1, np.int8),
    )  # fmt: skip
    features = make_features(FEATURES, "features", columns, {"jets": JETS}, COLLECTIONS)
    rows = TrainRows(table, np.arange(n_events))
    preparation = fit_preparation(
        Preparation(), FeatureSet({"features": features}, {"jets": JETS}, COLLECTIONS), rows
    )
    return RawTrainingEvents(rows, preparation, ()), Batch(preparation.apply(columns), {"class": target})


def make_passes(
    events: Batch, blocks: Sequence[Any], raw: RawTrainingEvents | None = None
) -> AugmentedPasses:
    """Return epochs of augmented events."""
    sources = Sources(
        objects={"jets": JETS},
        columns=tuple(COLLECTIONS),
        used_columns=tuple(COLLECTIONS),
        collections=COLLECTIONS,
        empty_images={"image": np.zeros(3, np.float32)},
    )

    def make_raw(changed: Sequence[str], further: Sequence[str]) -> RawTrainingEvents:
        if raw is None:
            message = "images have no raw columns here"
            raise ValueError(message)
        return RawTrainingEvents(raw.rows, raw.preparation, changed, further)

    config = Training.model_validate({"augmentation": blocks})
    outputs = make_objective(config, CLASSES).outputs
    augmenter = make_augmenter(config.augmentation, sources, SEED, make_raw=make_raw, outputs=outputs)
    return AugmentedPasses(ResidentPasses(events, BATCH_SIZE, SEED), augmenter)


def time_epochs(passes: AugmentedPasses) -> float:
    """Return the processor time of an event, in microseconds: the median over some epochs."""
    times = []
    for epoch in range(1, REPEATS + 1):
        start = time.process_time()
        for _ in passes.segment(epoch, 0).open_windows():
            pass
        times.append(time.process_time() - start)
    return 1e6 * statistics.median(times) / passes.n_events


def report_kinds(n_events: int) -> None:
    """Print what each augmentation takes for an event."""
    images, (raw, jets) = make_images(n_events), make_jets(4 * n_events)
    picking = AugmentedPasses(ResidentPasses(images, BATCH_SIZE, SEED), Augmenter(SEED))
    print("| augmentation | microseconds an event |\n|---|---|")
    print(f"| none: picking pictures of 32 x 32 x 3 | {time_epochs(picking):.1f} |")
    for blocks in (PICTURES[:1], PICTURES[1:], PICTURES, ["mix_up"]):
        print(f"| pictures: {_name(blocks)} | {time_epochs(make_passes(images, blocks)):.1f} |")
    dropping = {"type": "drop_objects", "objects": ["jets"], "keep": 2}
    for blocks in (["rotate_phi"], ["reflect_eta"], ["boost_z"], ["smear_momentum"], [dropping]):
        seconds = time_epochs(make_passes(jets, blocks, raw))
        print(f"| 2 to 8 jets, ten features: {_name(blocks)} | {seconds:.1f} |")


def _name(blocks: Sequence[Any]) -> str:
    return ", ".join(block if isinstance(block, str) else block["type"] for block in blocks)


def make_streamed(raw: RawTrainingEvents, folder: Path, memory: int, *, has_columns: bool) -> StreamedSplits:
    """Return the events on disk, with the columns that are changed or without; not written yet."""
    validation = ValidationRows(raw.rows.table, raw.rows.rows[:1000])
    return StreamedSplits(
        folder,
        TrainingWeights(raw.rows, None),
        TrainingWeights(validation, None),
        raw.preparation,
        StreamSettings(memory, BATCH_SIZE, SEED),
        raw=raw if has_columns else None,
    )


def time_segments(passes: Passes) -> float:
    """Return the processor time of an event, in microseconds, as `time_epochs` does of one segment."""
    times = []
    for epoch in range(1, REPEATS + 1):
        start = time.process_time()
        for number in range(passes.n_segments):
            for _ in passes.segment(epoch, number):
                pass
        times.append(time.process_time() - start)
    return 1e6 * statistics.median(times) / passes.n_events


def report_streaming(n_events: int) -> None:
    """Print what augmented events take that are streamed with their columns, beside those in memory."""
    raw, jets = make_jets(n_events)
    whole = replace(raw, changed=tuple(COLLECTIONS))
    blocks = ["rotate_phi", "boost_z", "smear_momentum"]
    held = make_passes(jets, blocks, raw)
    print("\n| 2 to 8 jets, ten features, an epoch with its batches | microseconds an event |\n|---|---|")
    print(f"| in memory, as they are | {time_segments(held.passes):.1f} |")
    print(f"| in memory, {_name(blocks)} | {time_segments(held):.1f} |")
    for has_columns in (False, True):
        with tempfile.TemporaryDirectory() as folder:
            splits = make_streamed(whole, Path(folder) / "cache", n_events * 25, has_columns=has_columns)
            start = time.process_time()
            _ = splits.path
            writing = 1e6 * (time.process_time() - start) / n_events
            passes: Passes = StreamedPasses(splits, BATCH_SIZE)
            name = "as they are"
            if has_columns:
                passes, name = AugmentedPasses(passes, held.augmenter), _name(blocks)
            print(f"| written to disk once{', with their columns' * has_columns} | {writing:.1f} |")
            print(f"| streamed in {passes.n_segments} windows, {name} | {time_segments(passes):.1f} |")
            splits.close()


def report_training(engine: str, n_images: int) -> None:
    """Print the processor time of training an image, with flips and shifts and without, in turns."""
    images = make_images(n_images)
    config = CATALOGUE["inception"].model_validate({"type": "inception", "filters": (32, 64, 128)})
    network = build_network(config, {"image": (32, 32, 3)}, {"class": 10})
    objective = make_objective(Training(), CLASSES)
    contenders: dict[str, Passes] = {
        "without": ResidentPasses(images, BATCH_SIZE, SEED),
        "with flip and shift": make_passes(images, PICTURES),
    }
    parameters = network.initial_parameters(np.random.default_rng(SEED))
    models = {name: get_engine(engine).build(network, parameters, device="cpu") for name in contenders}
    times: dict[str, list[float]] = {name: [] for name in contenders}
    for epoch in range(1, REPEATS + 2):
        for name, passes in contenders.items():
            start = time.process_time()
            models[name].train_epoch(
                passes.segment(epoch, 0),
                objective,
                Adam(type="adam"),
                lambda _: 1e-3,
                np.random.default_rng(1),
            )
            # The first epoch also sets libraries up.
            times[name] += [time.process_time() - start] if epoch > 1 else []
    print("\n| training | images per second of processor time |\n|---|---|")
    for name, found in times.items():
        print(f"| `{engine}`, inception 32-64-128, {name} | {n_images / statistics.median(found):.0f} |")
    ratios = [a / b for a, b in zip(*times.values(), strict=True)]
    listed = ", ".join(f"{ratio:.3f}" for ratio in ratios)
    print(f"\nSpeed with over without, of each turn: {listed}; median {statistics.median(ratios):.3f}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--engine", default="torch")
    parser.add_argument("--images", type=int, default=1024)
    parser.add_argument("--only", choices=("kinds", "streaming", "training"))
    arguments = parser.parse_args()
    print(describe_machine() + "\n")
    if arguments.only in (None, "kinds"):
        report_kinds(10_000)
    if arguments.only in (None, "streaming"):
        report_streaming(100_000)
    if arguments.only in (None, "training"):
        report_training(arguments.engine, arguments.images)
