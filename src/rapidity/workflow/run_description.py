"""What lies in the folder of a run, finished or not: how it went, its numbers, its files."""

from __future__ import annotations

import csv
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rapidity.core.counting import counted
from rapidity.core.errors import DataError
from rapidity.workflow.run import summarise_metrics
from rapidity.workflow.run_folder import OWN_FILES, OWN_FOLDERS, RunFolder


@dataclass(frozen=True)
class RunDescription:
    """A run in its folder.

    Attributes
    ----------
    status
        ``finished`` or ``not finished``.
    n_epochs
        Epochs that are in the history, or in the last checkpoint of a run that has none yet; of folds in all
        of them together.
    kept_epoch
        Epoch whose parameters are in the model; None of folds, and of a run that is not finished.
    metrics
        Content of metrics.json; empty where there is none yet.
    files
        What the run wrote: name, and size in bytes (of a folder that of all files in it).
    """

    path: Path
    name: str | None
    status: str
    started: str | None
    finished: str | None
    engine: str | None
    n_epochs: int
    kept_epoch: int | None
    n_folds: int | None
    n_parameters: int | None
    metrics: dict[str, Any]
    warnings: tuple[str, ...]
    files: tuple[tuple[str, int], ...]

    def to_dict(self) -> dict[str, Any]:
        """Return everything as plain values that JSON can hold."""
        return {"format_version": 1, **asdict(self), "path": str(self.path), "files": dict(self.files)}

    def __str__(self) -> str:
        until = f" to {self.finished}" if self.finished else ""
        lines = [f"{self.path}: run {self.name or '(without a name)'}, {self.status}"]
        lines.append(f"  started {self.started}{until}")
        kept = f", kept epoch {self.kept_epoch}" if self.kept_epoch else ""
        folds = f" in {self.n_folds} folds" if self.n_folds else ""
        size = f", {counted(self.n_parameters, 'parameter')}" if self.n_parameters else ""
        epochs = counted(self.n_epochs, "epoch")
        lines.append(f"  engine {self.engine or 'unknown'}, {epochs}{folds}{kept}{size}")
        lines += summarise_metrics(self.metrics) if self.metrics else []
        lines += [f"  warning: {text.splitlines()[0]}" for text in self.warnings]
        if self.status != "finished":
            lines.append("  Go on with it: rapidity train ... --resume")
        width = max((len(name) for name, _ in self.files), default=0)
        lines += ["  files", *(f"    {name:<{width}}  {size:>12,} bytes" for name, size in self.files)]
        return "\n".join(lines)


def describe_run(path: Path | str) -> RunDescription:
    """Return what lies in the folder of a run, also of one that is not finished.

    Raises
    ------
    DataError
        If there is no run in the folder, or one of its JSON files cannot be read.
    """
    folder = RunFolder(Path(path))
    record = folder.read_record()
    training = record.get("training") or {}
    folds = sorted(path for path in folder.fold(0).path.parent.glob("*") if path.is_dir())
    runs = [folder] if not folds or folder.history.is_file() else [RunFolder(path) for path in folds]
    rows = [row for run in runs for row in _read_rows(run)]
    finished = record.get("finished")
    return RunDescription(
        path=folder.path,
        name=record.get("name"),
        status="finished" if finished else "not finished",
        started=record.get("started"),
        finished=finished,
        engine=training.get("engine")
        or next((row["engine"] for row in rows[-1:] if row.get("engine")), None),
        n_epochs=len(rows),
        kept_epoch=training.get("kept_epoch"),
        n_folds=len(folds) or None,
        n_parameters=record.get("n_parameters"),
        metrics=_read_metrics(folder.metrics),
        warnings=tuple(record.get("warnings", ())),
        files=tuple(_list_files(folder.path)),
    )


def _read_rows(run: RunFolder) -> list[dict[str, Any]]:
    """Return the epochs of a run; without a history yet, those that its last checkpoint knows."""
    if run.history.is_file():
        with run.history.open(encoding="utf-8", newline="") as stream:
            return list(csv.DictReader(stream))
    last = run.checkpoints / "last.json"
    rows: list[dict[str, Any]] = _read_json(last, "Begin anew: rapidity train --overwrite").get("history", [])
    return rows


def _read_metrics(path: Path) -> dict[str, Any]:
    return _read_json(path, f"Write it again: rapidity evaluate {path.parent}")


def _read_json(path: Path, cure: str) -> dict[str, Any]:
    """Return what is in the file; nothing where there is none."""
    if not path.is_file():
        return {}
    try:
        content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        message = f"{path} is not valid JSON ({error}). {cure}"
        raise DataError(message) from error
    return content


def _list_files(folder: Path) -> list[tuple[str, int]]:
    found = [(name, (folder / name).stat().st_size) for name in OWN_FILES if (folder / name).is_file()]
    for name in OWN_FOLDERS:
        if (folder / name).is_dir():
            sizes = [path.stat().st_size for path in (folder / name).rglob("*") if path.is_file()]
            found.append((f"{name}/ ({counted(len(sizes), 'file')})", sum(sizes)))
    return found
