"""A finished run, as the Python interface and the command line see it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rapidity.core.classes import ClassSet
from rapidity.core.counting import counted
from rapidity.core.errors import DataError
from rapidity.workflow.run_folder import RunFolder

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rapidity.artefact import OnnxModel
    from rapidity.core.progress import Progress
    from rapidity.delivery import PredictionSummary
    from rapidity.workflow.probe import ProbeSummary


@dataclass(frozen=True)
class Run:
    """A finished run in its folder.

    Examples
    --------
    >>> Run.open("runs/no-such-run")
    Traceback (most recent call last):
    rapidity.core.errors.DataError: runs/no-such-run is not the folder of a run: ...
    """

    path: RunFolder

    @classmethod
    def open(cls, folder: Path | str) -> Run:
        """Return the finished run in a folder.

        Raises
        ------
        DataError
            If there is no run, or it is not finished.
        """
        path = RunFolder(Path(folder))
        record = path.read_record()
        if not record.get("finished"):
            message = f"the run in {folder} is not finished. Go on with it: rapidity train ... --resume"
            raise DataError(message)
        return cls(path)

    @property
    def folder(self) -> Path:
        """The folder of the run."""
        return self.path.path

    @property
    def metrics(self) -> dict[str, Any]:
        """The content of metrics.json."""
        metrics: dict[str, Any] = json.loads(self.path.metrics.read_text(encoding="utf-8"))
        return metrics

    @property
    def record(self) -> dict[str, Any]:
        """The content of run.json: versions, seeds, hashes, times, parity."""
        return self.path.read_record()

    @property
    def model(self) -> OnnxModel:
        """The artefact, ready to score raw columns."""
        from rapidity.artefact import OnnxModel

        return OnnxModel.load(self.path.model)

    def predict(
        self, files: str | Path | Sequence[str | Path], output: str | Path, **options: Any
    ) -> PredictionSummary:
        """Write the scores of every entry of the files, as ``rapidity predict`` does.

        The options are those of `rapidity.predict`: `tree`, `columns`, `inject`, `verify`, ...
        """
        from rapidity.workflow.predict import predict_files

        return predict_files(self.path.model, files, output, **options)

    def evaluate(self, data: Sequence[str] = (), *, progress: Progress | None = None) -> dict[str, Any]:
        """Return the metrics of the run, or of other events whose class is known."""
        from rapidity.workflow.evaluate import evaluate_run

        return evaluate_run(self.folder, data, progress=progress)

    def probe(
        self, layer: str, target: str, *, engine: str | None = None, progress: Progress | None = None
    ) -> ProbeSummary:
        """Fit a linear probe of a layer, as ``rapidity probe`` does."""
        from rapidity.workflow.probe import probe_run

        return probe_run(self.folder, layer, target, engine=engine, progress=progress)

    def summary(self) -> str:
        """Return the headline numbers and where the files are, for a terminal."""
        metrics, record = self.metrics, self.record
        lines = [f"Run {self.folder}", *summarise_metrics(metrics)]
        parity = record.get("parity", {})
        if parity:
            lines.append(f"  ONNX parity   {parity['max_deviation']:.1e} (at most {parity['tolerance']:.0e})")
            lines += [f"                {text}" for text in describe_jumps(parity)]
        lines += [f"  warning: {text.splitlines()[0]}" for text in record.get("warnings", ())]
        lines += [f"  model   {self.path.model}", f"  report  {self.path.report}"]
        return "\n".join(lines)


def describe_jumps(parity: Mapping[str, Any]) -> list[str]:
    """Return a line about the events whose scores differ between engine and model file, if there are any.

    Examples
    --------
    >>> jumps = {"n_events": 2, "n_allowed": 6, "largest": 0.034}
    >>> describe_jumps({"n_rows": 6144, "jumps": jumps})
    ['2 of 6,144 events differ by up to 0.034 (6 may): neighbours equally far away but for rounding']
    >>> describe_jumps({"n_rows": 6144})
    []
    """
    jumps = parity.get("jumps", {"n_events": 0})
    if not jumps["n_events"]:
        return []
    differ = "differs" if jumps["n_events"] == 1 else "differ"
    found = f"{jumps['n_events']} of {counted(parity['n_rows'], 'event')} {differ} by up to"
    allowed = f"{jumps['largest']:.2g} ({jumps['n_allowed']} may)"
    return [f"{found} {allowed}: neighbours equally far away but for rounding"]


def summarise_metrics(metrics: dict[str, Any]) -> list[str]:
    """Return the headline numbers, a line each; what too few events leave undefined says so.

    Examples
    --------
    >>> aucs = {"pion": 0.75, "kaon": 0.75}
    >>> metrics = {"split": "test", "classes": ["pion", "kaon"], "test_auc": aucs, "accuracy": 0.5}
    >>> metrics |= {"test_auc_interval": {"kaon": [None, None]}, "log_loss": 0.6}
    >>> for line in summarise_metrics(metrics):
    ...     print(line)
      test AUC kaon   0.7500  [undefined, undefined]
      accuracy 0.5000   log-loss 0.6000
    """
    lines = _summarise_classes(metrics) if metrics["classes"] else []
    return [*lines, *_summarise_outputs(metrics)]


def _summarise_outputs(metrics: dict[str, Any]) -> list[str]:
    """Return a line for each output that is no classification."""
    lines = []
    for name, found in metrics.get("outputs", {}).items():
        unit = f" {found['unit']}" if found.get("unit") else ""
        if found["task"] == "regression":
            shown = {"bias": "bias", "resolution": "resolution", "68 % half width": "half_width"}
            said = "   ".join(f"{title} {_short(found[key])}{unit}" for title, key in shown.items())
            lines.append(f"  {name}: {said}   R2 {_short(found['r2'])}")
        else:
            lines.append(
                f"  {name}: objects right {_show(found['accuracy'])}   events all right "
                f"{_show(found['all_right'])}"
            )
    return lines


def _summarise_classes(metrics: dict[str, Any]) -> list[str]:
    split = metrics["split"]
    classes = ClassSet(tuple(metrics["classes"]))
    # The AUC of one of two classes is that of the other.
    shown = [classes.names[classes.positive_index]] if len(classes) == 2 else classes.names
    width = max(map(len, shown))
    lines = []
    for name in shown:
        low, high = map(_show, metrics[f"{split}_auc_interval"][name])
        lines.append(
            f"  {split} AUC {name:<{width}}   {_show(metrics[f'{split}_auc'][name])}  [{low}, {high}]"
        )
    lines.append(f"  accuracy {_show(metrics['accuracy'])}   log-loss {_show(metrics['log_loss'])}")
    return [*lines, *_summarise_folds(metrics)]


def _summarise_folds(metrics: dict[str, Any]) -> list[str]:
    """Return the mean of each number over the folds with the spread of one fold, in one line."""
    if "folds" not in metrics:
        return []
    folds = metrics["folds"]
    names = {"macro_auc": "AUC", "accuracy": "accuracy", "log_loss": "log-loss"}
    shown = [
        f"{name} {_show(folds[key]['mean'])} +- {_show(folds[key]['spread'])}" for key, name in names.items()
    ]
    return [f"  {folds['count']} folds: {'   '.join(shown)}"]


def _short(value: float | None) -> str:
    return "undefined" if value is None else f"{value:.4g}"


def _show(value: float | None) -> str:
    return "undefined" if value is None else f"{value:.4f}"
