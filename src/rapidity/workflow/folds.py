"""A run with folds: a network for each, trained one by one or side by side, and one file of them all."""

from __future__ import annotations

import functools
import inspect
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from rapidity.config import dump_config, load_config
from rapidity.core.errors import ConfigError, DataError, InterruptedRunError, RapidityError, shorten
from rapidity.core.files import write_text
from rapidity.data.table import SPLITS
from rapidity.workflow.clouds import count_objects, describe_clouds
from rapidity.workflow.execution import open_executor
from rapidity.workflow.export import model_metadata
from rapidity.workflow.fold_results import (
    describe_trainings,
    draw_fold_figures,
    evaluate_folds,
    export_folds,
    write_history,
)
from rapidity.workflow.fold_run import (
    FoldTask,
    fold_config,
    fold_numbers,
    folds_of,
    run_fold,
    train_fold,
)
from rapidity.workflow.fold_workers import choose_workers
from rapidity.workflow.page import describe_figures, write_page
from rapidity.workflow.prepare import prepare_table, read_events
from rapidity.workflow.provenance import Stopwatch, begin_record, hash_files, timestamp
from rapidity.workflow.results import deliver_copies
from rapidity.workflow.run import Run

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rapidity.config import RunConfig
    from rapidity.config.cluster import ClusterBlock
    from rapidity.core.progress import Progress
    from rapidity.data.table import Table
    from rapidity.workflow.fold_run import TrainedFold
    from rapidity.workflow.prepare import PreparedRun
    from rapidity.workflow.run_folder import RunFolder

_NAMED_SPLIT = re.compile(rf" \((?:{'|'.join(SPLITS)})\)")


@dataclass
class FoldedStages:
    """A run with folds under way."""

    config: RunConfig
    """With absolute paths, so that `config.yaml` in the folder of the run goes on with it from anywhere."""
    folder: RunFolder
    progress: Progress
    module: Any = None
    cluster: str | ClusterBlock | None = None
    watch: Stopwatch = field(default_factory=Stopwatch)
    has_begun: bool = False
    is_trained: bool = False

    def run(self, *, resume: bool) -> None:
        """Go through all stages."""
        refuse_one_module(self.module)
        folds = prepare_folds(self.config, Path(), self.progress, self.watch, disk=self.folder.disk)
        warnings = join_warnings(folds)
        for warning in warnings:
            self.progress.note(f"warning: {warning}")
        record = self._begin(folds[0], warnings, is_fresh=not resume)
        with self.watch.stage("training"):
            trained = self._train(folds, record["data_sha256"])
        self.is_trained = True
        self._finish(folds[0], trained, record)

    def _begin(self, prepared: PreparedRun, warnings: list[str], *, is_fresh: bool) -> dict[str, Any]:
        """Claim the folder; from here on the run can be resumed."""
        with self.watch.stage("hashing"):
            data_hashes = hash_files((*prepared.table.files, *prepared.table.joined_files))
        record = begin_record(self.config, data_hashes, warnings)
        record["clouds"] = clouds = count_objects(prepared)
        for sentence in describe_clouds(clouds):
            self.progress.note(sentence)
        if is_fresh:
            self.folder.remove_run()
        # The record first: it makes the folder that of a run, which may be resumed or replaced.
        self.folder.write_record(record)
        write_text(self.folder.config, dump_config(self.config))
        self.has_begun = True
        return record

    def _train(self, folds: list[PreparedRun], data_sha256: dict[str, str]) -> list[TrainedFold]:
        """Return the trained folds, in their order."""
        n_workers = 1 if self.module is not None else choose_workers(folds[0], self.config.training)
        if n_workers == 1 and self.cluster is None:
            return list(self._train_here(folds, data_sha256))
        tasks = [
            FoldTask(prepared.config, self.folder.fold(index).path.absolute(), data_sha256)
            for index, prepared in enumerate(folds)
        ]
        trained = {}
        try:
            with (
                self.progress.task("Training folds", total=len(tasks), unit="fold") as task,
                open_executor(self.cluster, n_workers, self.progress) as executor,
            ):
                for index, result in executor.run(train_fold, tasks):
                    trained[index] = result
                    task.advance()
        except KeyboardInterrupt:
            message = (
                f"training was interrupted; {len(trained)} of {len(tasks)} folds are trained, the others are "
                f"saved in {self.folder.path / 'folds'} up to their last checkpoints."
            )
            raise InterruptedRunError(message) from None
        return [trained[index] for index in range(len(tasks))]

    def _train_here(self, folds: list[PreparedRun], data_sha256: dict[str, str]) -> Iterator[TrainedFold]:
        for index, prepared in enumerate(folds):
            self.progress.note(f"fold {index} of {len(folds)}")
            yield run_fold(prepared, self.folder.fold(index), data_sha256, self.progress, self.module)

    def _finish(self, prepared: PreparedRun, trained: list[TrainedFold], record: dict[str, Any]) -> None:
        """Write everything that follows from the networks of the folds."""
        config, folder = self.config, self.folder
        with self.watch.stage("export"):
            metadata = model_metadata(prepared, dump_config(config), record["data_sha256"])
            parity = export_folds(
                folder,
                config,
                prepared.table,
                {**metadata, "name": config.name},
                is_continuous=self.module is not None or prepared.network.is_continuous,
            )
        record["parity"] = parity.to_dict()
        record["n_parameters"] = trained[0].n_parameters
        write_history(folder.history, [fold.training.history for fold in trained])
        with self.watch.stage("evaluation"):
            result = evaluate_folds(folder, config, prepared.table, prepared.features)
        with self.watch.stage("plots"):
            network = prepared.network if self.module is None else None
            figures = draw_fold_figures(folder, config, prepared, trained, result, network)
        record["training"] = describe_trainings(trained)
        record["figures"] = describe_figures(figures, folder.path)
        record |= {"seconds": dict(self.watch.seconds), "finished": timestamp()}
        folder.write_record(record)
        write_page(Run(folder))
        deliver_copies(folder, config.deliver)


def check_same_folds(folder: RunFolder, config: RunConfig) -> None:
    """Refuse to go on with other folds than those that the folder was begun with, or with none.

    Raises
    ------
    ConfigError
        Naming what was and what is.
    """
    if not folder.config.is_file():
        return
    old, new = _describe_folds(load_config(folder.config).config), _describe_folds(config)
    if old != new:
        message = (
            f"cannot resume {folder.path}: training.folds was {old}, is {new}. A resumed run must end like "
            "one that was never interrupted: set it back, or start a new run (another --output, or "
            "--overwrite)."
        )
        raise ConfigError(message)


def refuse_one_module(module: Any) -> None:
    """Raise a ConfigError for a module that is there already: every fold needs one of its own."""
    is_partial = isinstance(module, functools.partial)
    if module is not None and not (inspect.isclass(module) or inspect.isroutine(module) or is_partial):
        message = (
            f"training.folds trains several networks, but the module given is one ({type(module).__name__}). "
            "Give a function (or class) that makes it from the shapes of the inputs: each fold calls it."
        )
        raise ConfigError(message)


def prepare_folds(
    config: RunConfig,
    base: Path,
    progress: Progress | None = None,
    watch: Stopwatch | None = None,
    *,
    disk: Path | None = None,
) -> list[PreparedRun]:
    """Read the events once, then split, guard and prepare them for each fold; nothing is written that stays.

    `disk`: see `read_events`.

    Raises
    ------
    ConfigError, DataError, GraphError
        If the configuration and the data do not fit together, in whichever fold.
    """
    watch = watch or Stopwatch()
    with watch.stage("reading"):
        table, features = read_events(config, base, progress, disk=disk)
    check_folds(config, table)
    folds = []
    for index in range(folds_of(config)[0]):
        try:
            folds.append(prepare_table(fold_config(config, index), table, features, watch.stage))
        except RapidityError as error:
            message = f"fold {index}: {error}"
            raise type(error)(message) from error
    return folds


def check_folds(config: RunConfig, table: Table) -> None:
    """Raise a DataError if a fold has no event of some class: each network is tested on its fold."""
    (count, column), names = folds_of(config), table.classes.names
    cell = fold_numbers(config, table) * len(names) + table.class_index
    numbers = np.bincount(cell, minlength=count * len(names)).reshape(count, len(names))
    for index, of_class in enumerate(numbers):
        absent = [name for name, n in zip(names, of_class.tolist(), strict=True) if not n]
        if absent:
            listed = shorten((f"{i}: {n}" for i, n in enumerate(numbers.sum(axis=1).tolist())), 20)
            message = (
                f"training.folds: fold {index} (where '{column}' modulo {count} is {index}) has no event of "
                f"class {shorten(absent)}; events of each fold: {listed}. Every fold tests a network, so it "
                "needs every class: choose another training.folds.event_number, fewer folds, or use more "
                "events."
            )
            raise DataError(message)


def join_warnings(folds: Sequence[PreparedRun]) -> list[str]:
    """Return the warnings of all folds, each once, with the folds that it is about unless it is all.

    Warnings that differ only in the splits of the events that they name are the same.
    """
    found: dict[str, tuple[str, list[int]]] = {}
    for index, prepared in enumerate(folds):
        for warning in dict.fromkeys(prepared.warnings):
            found.setdefault(_NAMED_SPLIT.sub("", warning), (warning, []))[1].append(index)
    return [
        warning if len(where) == len(folds) else f"fold {shorten(where)}: {warning}"
        for warning, where in found.values()
    ]


def _describe_folds(config: RunConfig) -> str:
    folds = config.training.folds
    return "not given" if folds is None else f"{folds.count} by '{config.fold_column}'"
