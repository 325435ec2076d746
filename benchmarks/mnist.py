"""The two MNIST labs with the engine `numpy`: accuracy, time and the parity probe, over several seeds.

    python benchmarks/mnist.py [--data FOLDER] [--seeds 1 2 3] [--only perceptron cnn] [--engine numpy]

Runs the configurations of `examples/mnist_perceptron` and `examples/mnist_cnn` as they are. The accuracy is
that of model.onnx on the 10,000 test images; the probe is a logistic regression on the last hidden layer of
the perceptron that tells even from odd digits, scored on the same images.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import rapidity
from rapidity.core.progress import make_progress

HERE = Path(__file__).resolve().parent
EXAMPLES = HERE.parent / "examples"
DATA = HERE.parents[1] / "shared" / "data" / "mnist"
LABS = {"perceptron": "mnist_perceptron", "cnn": "mnist_cnn"}
PROBED_LAYER = {"perceptron": "relu_2"}
PARITY = "label % 2"


@dataclass(frozen=True)
class Outcome:
    """What one training gave: accuracies in per cent, time of training, export and evaluation together."""

    accuracy: float
    seconds: float
    probe_accuracy: float | None


def run_lab(lab: str, data: Path, engine: str, seed: int) -> Outcome:
    """Train once and, for the perceptron, probe it."""
    with tempfile.TemporaryDirectory() as folder:
        example = EXAMPLES / LABS[lab] / "config.yaml"
        config = Path(folder) / "config.yaml"
        config.write_text(example.read_text(encoding="utf-8"))
        (Path(folder) / "mnist").symlink_to(data, target_is_directory=True)
        start = time.perf_counter()
        run = rapidity.train(
            config,
            output=Path(folder) / "run",
            engine=engine,
            overrides=[f"training.seed={seed}"],
            progress=make_progress(),
        )
        seconds = time.perf_counter() - start
        probe = None
        if lab in PROBED_LAYER:
            result = rapidity.probe(run.path.path, layer=PROBED_LAYER[lab], target=PARITY)
            probe = 100 * result.accuracy.value
        return Outcome(100 * run.metrics["accuracy"], seconds, probe)


def describe(values: list[float]) -> str:
    """Return mean and standard deviation, and the single values."""
    spread = statistics.stdev(values) if len(values) > 1 else float("nan")
    return f"{statistics.mean(values):.2f} +- {spread:.2f} ({', '.join(f'{value:.2f}' for value in values)})"


def main() -> None:
    """Run the labs and print a table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, default=DATA, help="folder of the four IDX files")
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--only", nargs="*", choices=list(LABS), help="all when left out")
    parser.add_argument("--engine", default="numpy")
    arguments = parser.parse_args()
    if not arguments.data.is_dir():
        parser.error(f"MNIST is not in {arguments.data}; run `rapidity fetch mnist -o FOLDER`, give --data")
    print("| lab | test accuracy, % | parity probe, % | seconds of a run |\n|---|---|---|---|", flush=True)
    for lab in arguments.only or LABS:
        outcomes = [
            run_lab(lab, arguments.data.resolve(), arguments.engine, seed) for seed in arguments.seeds
        ]
        probes = [outcome.probe_accuracy for outcome in outcomes if outcome.probe_accuracy is not None]
        cells = [describe([outcome.accuracy for outcome in outcomes]), describe(probes) if probes else ""]
        seconds = max(outcome.seconds for outcome in outcomes)
        print(f"| {lab} | {' | '.join(cells)} | {seconds:.0f} at most |", flush=True)


if __name__ == "__main__":
    main()
