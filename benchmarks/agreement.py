"""Whole trainings of one configuration with every engine, and whether the test AUCs agree.

    python benchmarks/agreement.py [--data FOLDER] [--tracks N] [--only NAME ...] [--seed N]

`alice_pid` is the configuration of `accuracy/` with a perceptron of dropout 0; `lhcb_pid` is that of the
example, on a sample generated here. Only ``--engine`` differs between the rows of a table. The scores are
those of model.onnx on the test split, the intervals bootstrap ones of 95 %.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rapidity import generate, train
from rapidity.core.progress import make_progress
from rapidity.engines import ENGINES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

HERE = Path(__file__).resolve().parent
DATA = HERE.parents[1] / "shared" / "data"
ALICE = HERE / "accuracy" / "alice_pid_root.yaml"
LHCB = HERE.parent / "examples" / "lhcb_pid" / "config.yaml"
ALICE_CHANGES = (
    "network={type: mlp, hidden: [128, 128, 128], dropout: 0.0}",
    "training.epochs=12",
)

Metrics = dict[str, Any]


def train_everywhere(config: Path, overrides: Sequence[str], seed: int) -> dict[str, tuple[Metrics, float]]:
    """Return engine -> metrics of its run and seconds."""
    results = {}
    for engine in [name for name, entry in ENGINES.items() if entry.is_installed]:
        with tempfile.TemporaryDirectory() as folder:
            start = time.perf_counter()
            run = train(
                config,
                output=Path(folder) / "run",
                engine=engine,
                overrides=[*overrides, f"training.seed={seed}"],
                progress=make_progress(),
            )
            results[engine] = run.metrics, time.perf_counter() - start
    return results


def print_table(title: str, results: Mapping[str, tuple[Metrics, float]]) -> None:
    """Print one row an engine, and whether each AUC lies in the intervals of the others."""
    first, _ = next(iter(results.values()))
    classes = first["classes"]
    print(
        f"\n### {title}\n\n| engine | log-loss | {' | '.join(f'AUC {name}' for name in classes)} | seconds |"
    )
    print(f"|---|{'---|' * (len(classes) + 2)}")
    for engine, (metrics, seconds) in results.items():
        cells = [show(metrics["log_loss"], metrics["log_loss_interval"])]
        cells += [show(metrics["test_auc"][name], metrics["test_auc_interval"][name]) for name in classes]
        print(f"| {engine} | {' | '.join(cells)} | {seconds:.0f} |")
    apart = list(find_disagreements(results, classes))
    print("\n" + ("; ".join(apart) if apart else "Every AUC lies within the intervals of the other engines."))


def show(value: float, interval: Sequence[float]) -> str:
    """Return a value with its interval."""
    return f"{value:.4f} [{interval[0]:.4f}, {interval[1]:.4f}]"


def find_disagreements(results: Mapping[str, tuple[Metrics, float]], classes: Sequence[str]) -> Sequence[str]:
    """Return a sentence for each AUC of one engine outside the interval of another."""
    return [
        f"AUC {name} of {one} lies outside the interval of {other}"
        for name in classes
        for one, (metrics, _) in results.items()
        for other, (others, _) in results.items()
        if not others["test_auc_interval"][name][0]
        <= metrics["test_auc"][name]
        <= others["test_auc_interval"][name][1]
    ]


def compare_on_alice(data: Path, seed: int) -> None:
    """Train on the tracks that ALICE recorded."""
    with tempfile.TemporaryDirectory() as folder:
        # Paths of a configuration are relative to its file.
        config = Path(folder) / ALICE.name
        config.write_text(ALICE.read_text(encoding="utf-8").replace("path: ", f"path: {data}/"))
        print_table("alice_pid", train_everywhere(config, ALICE_CHANGES, seed))


def compare_on_lhcb(n_tracks: int, seed: int) -> None:
    """Train on generated tracks."""
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder) / LHCB.name
        config.write_text(LHCB.read_text(encoding="utf-8"))
        generate("lhcb_pid", Path(folder) / "training.csv.gz", n_events=n_tracks, seed=seed)
        print_table(f"lhcb_pid, {n_tracks:,} tracks", train_everywhere(config, (), seed))


def main() -> None:
    """Run the comparisons that are asked for."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, default=DATA, help="folder of the real data sets")
    parser.add_argument("--tracks", type=int, default=200_000, help="tracks to generate for lhcb_pid")
    parser.add_argument("--only", nargs="*", choices=["alice_pid", "lhcb_pid"], help="all when left out")
    parser.add_argument("--seed", type=int, default=1, help="seed of the training")
    arguments = parser.parse_args()
    chosen = arguments.only or ["alice_pid", "lhcb_pid"]
    if "alice_pid" in chosen and arguments.data.is_dir():
        compare_on_alice(arguments.data, arguments.seed)
    elif "alice_pid" in chosen:
        print(f"alice_pid is left out: there is no folder {arguments.data}; give it with --data")
    if "lhcb_pid" in chosen:
        compare_on_lhcb(arguments.tracks, arguments.seed)


if __name__ == "__main__":
    main()
