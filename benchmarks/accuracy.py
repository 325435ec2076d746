"""Accuracy on real data: each configuration of `accuracy/` beside LightGBM, on the same split.

    python benchmarks/accuracy.py [--data FOLDER] [--only NAME ...] [--seed N]

Both train on the training split and stop by the validation split; the numbers are those of the test split,
unweighted, with 95 % bootstrap intervals. The paired difference of the log-losses (below zero where the
network is better) has a much narrower interval than either loss, since both score the same events.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from trees import score_by_trees

from rapidity import OnnxModel
from rapidity.config import load_config, resolve_paths
from rapidity.core.progress import make_progress
from rapidity.metrics import (
    Estimate,
    log_loss_per_event,
    one_vs_rest_auc,
    paired_difference,
    percentile_interval,
    replicate,
)
from rapidity.workflow import train_run
from rapidity.workflow.prepare import PreparedRun, prepare_run
from rapidity.workflow.score import score_table

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from rapidity.config import RunConfig

CONFIGURATIONS = Path(__file__).parent / "accuracy"
DATA = Path(__file__).resolve().parents[2] / "shared" / "data"
N_REPLICAS = 500


@dataclass(frozen=True)
class Contender:
    """What one model says of the test split: losses ``(n_events,)``, scores ``(n_events, n_classes)``."""

    loss: NDArray[np.float64]
    scores: NDArray[np.float64]
    seconds: float


def train_network(config: RunConfig, prepared: PreparedRun) -> Contender:
    """Train by the configuration and score the test split with model.onnx."""
    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        run = train_run(config, output=Path(folder) / "run", progress=make_progress())
        seconds = time.perf_counter() - start
        test = prepared.table.take(prepared.splits.test.rows)
        scores = score_table(OnnxModel.load(run.path.model), test)
    log_probabilities = test.classes.log_probabilities(scores.logits)
    return Contender(
        log_loss_per_event(test.class_index, log_probabilities), np.exp(log_probabilities), seconds
    )


def train_lightgbm(prepared: PreparedRun) -> Contender:
    """Train boosted trees on the same features, as they are before scaling, NaN where missing."""
    start = time.perf_counter()
    scores = score_by_trees(prepared)
    seconds = time.perf_counter() - start
    rows = prepared.splits.test.rows
    return Contender(log_loss_per_event(prepared.table.class_index[rows], np.log(scores)), scores, seconds)


def estimate(
    contender: Contender, class_index: NDArray[np.int64], event_weight: Any, seed: int
) -> list[Estimate]:
    """Return log-loss, one-vs-rest AUC of each class and, with weights, the weighted AUCs."""

    def statistic(counts: NDArray[np.int8]) -> NDArray[np.float64]:
        numbers = counts.astype(np.float64)
        values = [np.average(contender.loss, weights=numbers)]
        values += list(one_vs_rest_auc(class_index, contender.scores, numbers))
        if event_weight is not None:
            values += list(one_vs_rest_auc(class_index, contender.scores, numbers * event_weight))
        return np.array(values)

    central = statistic(np.ones(len(class_index), dtype=np.int8))
    replicas = replicate(statistic, len(class_index), N_REPLICAS, np.random.default_rng(seed))
    low, high = percentile_interval(replicas, 0.95)
    return [Estimate(*values) for values in zip(central, low, high, strict=True)]


def compare(path: Path, data: Path, seed: int) -> None:
    """Train both and print a table."""
    config = resolve_paths(load_config(path, [f"training.seed={seed}"]).config, data)
    prepared = prepare_run(config, data)
    class_index = prepared.splits.test.class_index
    event_weight = prepared.splits.test.event_weight
    contenders = {"Rapidity": train_network(config, prepared), "LightGBM": train_lightgbm(prepared)}
    names = prepared.table.classes.names
    shown = range(len(names)) if len(names) > 2 else [prepared.table.classes.positive_index]
    titles = ["log-loss", *(f"AUC {names[index]}" for index in shown)]
    chosen = [0, *(1 + index for index in shown)]
    if event_weight is not None:
        titles += [f"weighted AUC {names[index]}" for index in shown]
        chosen += [1 + len(names) + index for index in shown]
    counts = ", ".join(f"{split} {sum(n.values())}" for split, n in prepared.splits.count_events().items())
    print(f"\n### {path.stem}\n\nEvents: {counts}; {len(prepared.features.all)} features; seed {seed}\n")
    print(f"| | {' | '.join(titles)} | seconds |\n|---|{'---|' * (len(titles) + 1)}")
    for name, contender in contenders.items():
        estimates = estimate(contender, class_index, event_weight, seed)
        cells = [
            f"{estimates[i].value:.4f} [{estimates[i].low:.4f}, {estimates[i].high:.4f}]" for i in chosen
        ]
        print(f"| {name} | {' | '.join(cells)} | {contender.seconds:.0f} |", flush=True)
    rng = np.random.default_rng(seed)
    difference = paired_difference(contenders["Rapidity"].loss, contenders["LightGBM"].loss, rng=rng)
    print(
        f"\nPaired difference of the log-losses, Rapidity minus LightGBM: "
        f"{difference.value:+.4f} [{difference.low:+.4f}, {difference.high:+.4f}]",
        flush=True,
    )


def main() -> None:
    """Run the comparisons that are asked for."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, default=DATA, help="folder of the real data sets")
    parser.add_argument("--only", nargs="*", help="names of configurations; all when left out")
    parser.add_argument("--seed", type=int, default=1, help="seed of the training")
    arguments = parser.parse_args()
    if not arguments.data.is_dir():
        parser.error(f"the real data sets are not in {arguments.data}; give their folder with --data")
    print("LightGBM", importlib.metadata.version("lightgbm"))
    for path in sorted(CONFIGURATIONS.glob("*.yaml")):
        if not arguments.only or path.stem in arguments.only:
            compare(path, arguments.data, arguments.seed)


if __name__ == "__main__":
    main()
