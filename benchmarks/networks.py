"""Accuracy of the networks for images and clouds over several seeds, beside boosted trees.

    python benchmarks/networks.py [--samples NAME ...] [--configurations NAME ...] [--seeds 1 2 3]
                                  [--folder FOLDER] [--data FOLDER] [--set KEY=VALUE ...]

A sample is a folder of configurations, of `examples/` or of `benchmarks/networks/`; its events are generated
into `--folder` (kept from one call to the next), or taken from the real data sets. All configurations of a
sample have the same test split. `features.yaml` is a perceptron on summary features; LightGBM sees the same.
Each row: mean and standard deviation over the seeds, and the single values.
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import h5py
import numpy as np
from shower_shapes import summarize_showers
from training import describe_machine
from trees import score_by_trees

import rapidity
from rapidity.config import load_config, resolve_paths
from rapidity.core.progress import make_progress
from rapidity.metrics import one_vs_rest_auc
from rapidity.workflow.prepare import prepare_run

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

HERE = Path(__file__).resolve().parent
EXAMPLES = HERE.parent / "examples"
OWN = HERE / "networks"
DATA = HERE.parents[1] / "shared" / "data"
FEATURES = "features"
"""The configuration whose features the trees see too."""
MOST_CLASSES = 4
"""Of more classes the mean of the AUCs is shown."""


@dataclass(frozen=True)
class Sample:
    """Events, and the configurations that are trained on them.

    Attributes
    ----------
    folders
        Where the configurations are.
    provide
        Puts the files that the configurations name into a folder; the second folder is that of the real data.
    """

    folders: tuple[Path, ...]
    provide: Callable[[Path, Path], None]


def generate(sample: str, n_events: int, file: str) -> Callable[[Path, Path], None]:
    """Return what generates a sample unless it is there."""

    def provide(folder: Path, data: Path) -> None:
        if not (folder / file).exists():
            command = [sys.executable, "-m", "rapidity", "generate", sample, "--events", str(n_events)]
            subprocess.run([*command, "-o", str(folder / file), "--quiet"], check=True)

    return provide


def take(*files: str) -> Callable[[Path, Path], None]:
    """Return what puts files of the real data sets into the folder, under their own names."""

    def provide(folder: Path, data: Path) -> None:
        for file in files:
            target = folder / Path(file).name
            if not target.exists():
                target.symlink_to(data / file)

    return provide


def split_cifar10(folder: Path, data: Path) -> None:
    """Write the training and test images of the part of CIFAR-10 into files of their own."""
    arrays = np.load(data / "cifar10" / "cifar10_subset.npz")
    for part in ("train", "test"):
        labels = arrays["classes"][arrays[f"y_{part}"]]
        np.savez(folder / f"{part}.npz", image=arrays[f"x_{part}"], label=labels)


def generate_showers(folder: Path, data: Path) -> None:
    """Generate the images, and write their summaries beside them."""
    images, summaries = folder / "electron_photon.h5", folder / "shower_shapes.npz"
    generate("electron_photon", 40_000, images.name)(folder, data)
    if not summaries.exists():
        with h5py.File(images) as file:
            labels = np.array(["photon", "electron"])[file["y"][:]]
            np.savez(summaries, y=labels, **summarize_showers(file["X"][:]))


def convert_top_pairs(folder: Path, data: Path) -> None:
    """Generate the ntuple, and convert it as its example does."""
    generate("tth_bb", 8000, "tth_bb.root")(folder, data)
    if not (folder / "tth_bb.h5").exists():
        shutil.copyfile(EXAMPLES / "tth_bb" / "convert.yaml", folder / "convert.yaml")
        rapidity.convert(folder / "convert.yaml")


SAMPLES = {
    "electron_photon": Sample((EXAMPLES / "electron_photon", OWN / "electron_photon"), generate_showers),
    "cifar10": Sample((EXAMPLES / "cifar10_inception",), split_cifar10),
    "qg_jets": Sample(
        (OWN / "qg_jets",), take("qg_jets/x10_sorted_12500.npy", "qg_jets/y10_sorted_12500.npy")
    ),
    "cms_jets": Sample((EXAMPLES / "cms_jets",), take("cms_jets/ntuple_ttbar.root")),
    "quark_gluon": Sample(
        (EXAMPLES / "quark_gluon",), generate("quark_gluon", 12_000, "quark_gluon.parquet")
    ),
    "tth_bb": Sample((EXAMPLES / "tth_bb",), convert_top_pairs),
}


@dataclass(frozen=True)
class Outcome:
    """What one training gave on the test split."""

    auc: dict[str, float]
    """Class -> AUC against the rest; of two classes the one that the score stands for."""
    accuracy: float
    seconds: float


def train_network(configuration: Path, folder: Path, overrides: list[str]) -> Outcome:
    """Train once into a folder that is made anew."""
    output = folder / "runs" / configuration.stem
    copy = folder / configuration.name
    shutil.copyfile(configuration, copy)
    start = time.perf_counter()
    run = rapidity.train(copy, output=output, overrides=overrides, overwrite=True, progress=make_progress())
    seconds = time.perf_counter() - start
    return Outcome(choose(run.metrics["test_auc"]), run.metrics["accuracy"], seconds)


def choose(auc: dict[str, float]) -> dict[str, float]:
    """Return the AUCs that are worth a look: of two classes one, of many their mean."""
    if len(auc) > MOST_CLASSES:
        return {"mean": statistics.mean(auc.values())}
    return auc if len(auc) > 2 else dict(list(auc.items())[-1:])


def train_trees(configuration: Path, folder: Path, seed: int) -> Outcome:
    """Train LightGBM on the features of a configuration; the seed picks events and features for each tree."""
    config = resolve_paths(load_config(configuration, []).config, folder)
    prepared = prepare_run(config, folder)
    start = time.perf_counter()
    scores = score_by_trees(prepared, seed, feature_fraction=0.9, bagging_fraction=0.9, bagging_freq=1)
    seconds = time.perf_counter() - start
    class_index = prepared.table.class_index[prepared.splits.test.rows]
    accuracy = float(np.mean(scores.argmax(axis=1) == class_index))
    auc = dict(zip(prepared.table.classes.names, one_vs_rest_auc(class_index, scores), strict=True))
    return Outcome(choose(auc), accuracy, seconds)


def describe(values: Iterable[float]) -> str:
    """Return mean and standard deviation, and the single values."""
    values = list(values)
    spread = f" +- {statistics.stdev(values):.4f}" if len(values) > 1 else ""
    return f"{statistics.mean(values):.4f}{spread} ({', '.join(f'{value:.4f}' for value in values)})"


def print_row(name: str, outcomes: list[Outcome]) -> None:
    seconds = statistics.mean(outcome.seconds for outcome in outcomes)
    auc = [
        f"{class_name} {describe(outcome.auc[class_name] for outcome in outcomes)}"
        for class_name in outcomes[0].auc
    ]
    accuracy = describe(outcome.accuracy for outcome in outcomes)
    print(f"| {name} | {'; '.join(auc)} | {accuracy} | {seconds:.0f} |", flush=True)


def compare(name: str, arguments: argparse.Namespace) -> None:
    """Train everything on one sample and print a table."""
    sample, folder = SAMPLES[name], arguments.folder.resolve() / name
    folder.mkdir(parents=True, exist_ok=True)
    sample.provide(folder, arguments.data)
    print(f"\n### {name}\n\n| | AUC | accuracy | seconds of a run |\n|---|---|---|---|", flush=True)
    for configuration in sorted(path for part in sample.folders for path in part.glob("*.yaml")):
        left_out = arguments.configurations and configuration.stem not in arguments.configurations
        if left_out or configuration.stem == "convert":
            continue
        if configuration.stem == FEATURES:
            print_row("LightGBM", [train_trees(configuration, folder, seed) for seed in arguments.seeds])
        outcomes = [
            train_network(configuration, folder, [f"training.seed={seed}", *arguments.set])
            for seed in arguments.seeds
        ]
        print_row(configuration.stem, outcomes)


def main() -> None:
    """Compare on the samples that are asked for."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--samples", nargs="*", choices=list(SAMPLES), default=list(SAMPLES))
    parser.add_argument("--configurations", nargs="*", help="names of files; all when left out")
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--folder", type=Path, default=Path("networks"), help="for events and runs")
    parser.add_argument("--data", type=Path, default=DATA, help="folder of the real data sets")
    parser.add_argument("--set", nargs="*", default=[], help="training.epochs=1, say")
    arguments = parser.parse_args()
    print(describe_machine())
    for name in arguments.samples:
        compare(name, arguments)


if __name__ == "__main__":
    main()
