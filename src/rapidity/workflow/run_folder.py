"""The folder of a run: where everything lies, and the rules for one that is already there."""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rapidity.core.errors import ConfigError, DataError
from rapidity.core.files import write_text

if TYPE_CHECKING:
    from pathlib import Path

FORMAT_VERSION = 1
OWN_FILES = (
    "config.yaml",
    "run.json",
    "model.onnx",
    "model.rejected.onnx",
    "metrics.json",
    "history.csv",
    "scores.parquet",
    "report.html",
    "parity.npz",
)
OWN_FOLDERS = ("checkpoints", "plots", "probes", "folds", "cache")


@dataclass(frozen=True)
class RunFolder:
    """Paths inside the folder of a run; making the record touches nothing on disk."""

    path: Path

    @property
    def config(self) -> Path:
        """The resolved configuration; it runs again as it is."""
        return self.path / "config.yaml"

    @property
    def record(self) -> Path:
        """Versions, seeds, hashes of data and configuration, timings."""
        return self.path / "run.json"

    @property
    def model(self) -> Path:
        """The artefact."""
        return self.path / "model.onnx"

    @property
    def metrics(self) -> Path:
        """The numbers of the evaluation."""
        return self.path / "metrics.json"

    @property
    def history(self) -> Path:
        """A row an epoch."""
        return self.path / "history.csv"

    @property
    def scores(self) -> Path:
        """The scores of every event."""
        return self.path / "scores.parquet"

    @property
    def report(self) -> Path:
        """One self-contained page."""
        return self.path / "report.html"

    @property
    def checkpoints(self) -> Path:
        """The best and the last state of the training."""
        return self.path / "checkpoints"

    @property
    def cache(self) -> Path:
        """Prepared events that memory does not hold, while they are trained on."""
        return self.path / "cache"

    @property
    def disk(self) -> Path:
        """An existing folder on the disk of the run, for files without a name."""
        return next(folder for folder in (self.path, *self.path.absolute().parents) if folder.is_dir())

    @property
    def plots(self) -> Path:
        """Figures: `inputs`, `validation`, `evaluation`."""
        return self.path / "plots"

    @property
    def interactive(self) -> Path:
        """Plots to zoom into, as HTML."""
        return self.plots / "interactive"

    @property
    def probes(self) -> Path:
        """What probes of layers found, a folder each."""
        return self.path / "probes"

    @property
    def parity(self) -> Path:
        """Of the run of one fold: logits of the engine, which the file of all folds must reproduce."""
        return self.path / "parity.npz"

    def fold(self, index: int) -> RunFolder:
        """Return the folder of the run of one fold."""
        return RunFolder(self.path / "folds" / str(index))

    @property
    def is_run(self) -> bool:
        """Whether a run, finished or not, lies here."""
        return self.record.is_file()

    def read_record(self) -> dict[str, Any]:
        """Return the content of run.json.

        Raises
        ------
        DataError
            If there is no run here, or run.json cannot be read.
        """
        if not self.is_run:
            message = (
                f"{self.path} is not the folder of a run: it has no run.json. "
                "Give the folder that `rapidity train` made."
            )
            raise DataError(message)
        try:
            record: dict[str, Any] = json.loads(self.record.read_text(encoding="utf-8"))
        except ValueError as error:
            message = f"{self.record} is not valid JSON ({error}). Train the run again with --overwrite."
            raise DataError(message) from error
        return record

    def write_record(self, record: dict[str, Any]) -> None:
        """Write run.json."""
        write_text(self.record, json.dumps({"format_version": FORMAT_VERSION, **record}, indent=2) + "\n")

    def require_free(self, *, resume: bool, overwrite: bool) -> None:
        """Check that a run may be written here, before anything is read or changed.

        Raises
        ------
        ConfigError
            If both flags are given, if a run is here and neither is, if `resume` finds no run, if the
            folder holds files of something else, or if it cannot be made or written to.
        """
        if resume and overwrite:
            message = "--resume and --overwrite exclude each other. Give one of them."
            raise ConfigError(message)
        self._require_writable()
        if self.is_run:
            if not (resume or overwrite):
                message = (
                    f"{self.path} already holds a run. Give --resume to go on with it, --overwrite to "
                    "replace it, or --output for another folder. Nothing was changed."
                )
                raise ConfigError(message)
            return
        if self.path.exists() and (not self.path.is_dir() or any(self.path.iterdir())):
            message = (
                f"{self.path} exists and is not the folder of a run. Give another --output, or move it away. "
                "Nothing was changed."
            )
            raise ConfigError(message)
        if resume:
            message = f"nothing to resume: {self.path} holds no run. Leave --resume out to start one."
            raise ConfigError(message)

    def _require_writable(self) -> None:
        """Find out now, rather than after the data are read, that nothing can be written."""
        try:
            folder = next(folder for folder in (self.path, *self.path.parents) if folder.exists())
        except OSError as error:
            message = f"cannot write to {self.path}: {error.strerror}. Give another --output."
            raise ConfigError(message) from error
        if folder != self.path and not folder.is_dir():
            message = f"cannot make the folder {self.path}: {folder} is a file. Give another --output."
            raise ConfigError(message)
        if folder.is_dir() and not os.access(folder, os.W_OK | os.X_OK):
            message = f"cannot write to {self.path}: no permission for {folder}. Give another --output."
            raise ConfigError(message)

    def remove_run(self) -> None:
        """Remove the files of the run, and nothing that a run does not write."""
        for name in OWN_FILES:
            (self.path / name).unlink(missing_ok=True)
        for name in OWN_FOLDERS:
            shutil.rmtree(self.path / name, ignore_errors=True)
