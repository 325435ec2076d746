"""The run of one fold: an ordinary run whose split is the fold, in a folder inside that of the whole."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from rapidity.artefact import OnnxModel
from rapidity.config import dump_config
from rapidity.config.evaluation import Deliver
from rapidity.config.preparation import SplitBy
from rapidity.core.errors import ConfigError
from rapidity.core.files import write_atomically, write_text
from rapidity.core.jagged import Jagged
from rapidity.core.progress import SilentProgress
from rapidity.core.random import make_generator
from rapidity.training import CheckpointFolder
from rapidity.workflow.export import engine_outputs, export_model, model_metadata, most_parity_rows
from rapidity.workflow.fit import build_model, describe_training, fit_model
from rapidity.workflow.page import write_page
from rapidity.workflow.prepare import PreparedRun, prepare_table, read_events
from rapidity.workflow.provenance import Stopwatch, begin_record, timestamp
from rapidity.workflow.results import evaluate_model
from rapidity.workflow.run import Run
from rapidity.workflow.run_folder import RunFolder

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from rapidity.config import RunConfig
    from rapidity.core.progress import Progress
    from rapidity.core.records import Model
    from rapidity.data.table import Table
    from rapidity.training import TrainingResult


OUTPUT, OFFSETS = "output_", "offsets_"
"""Begin the names of what the engine says, in the file that keeps it; of objects also where events begin."""


@dataclass(frozen=True)
class FoldTask:
    """What a worker needs to train the network of one fold.

    Attributes
    ----------
    config
        That of the fold (`fold_config`), with absolute paths.
    folder
        Of the run of the fold.
    data_sha256
        File -> hash, taken once for all folds.
    """

    config: RunConfig
    folder: Path
    data_sha256: Mapping[str, str]

    @property
    def name(self) -> str:
        """How messages call the task."""
        return self.config.name


@dataclass(frozen=True)
class TrainedFold:
    """What the whole needs to know of the training of a fold; all else lies in its folder."""

    training: TrainingResult
    parity: dict[str, Any]
    n_parameters: int
    seconds: dict[str, float]


def folds_of(config: RunConfig) -> tuple[int, str]:
    """Return the number of folds and the column that tells them, of a configuration that has folds."""
    folds, column = config.training.folds, config.fold_column
    if folds is None or column is None:
        message = f"the configuration '{config.name}' has no folds"
        raise ConfigError(message)
    return folds.count, column


def fold_numbers(config: RunConfig, table: Table) -> NDArray[np.int64]:
    """Return the fold of each event ``(n_events,)``: its event number modulo the count, never negative."""
    count, column = folds_of(config)
    numbers: NDArray[np.int64] = np.mod(table.columns[column], np.int64(count))
    return numbers


def fold_config(config: RunConfig, index: int) -> RunConfig:
    """Return the configuration of the run of one fold.

    Its test split is the fold, its validation split the next one. The seed is that of the run plus the
    number of the fold, so that the spread over the folds knows of the random start too.
    """
    count, column = folds_of(config)
    split = SplitBy(by=f"{_quoted(column)} % {count}", validation=((index + 1) % count,), test=(index,))
    training = config.training.model_copy(update={"folds": None, "seed": config.training.seed + index})
    return config.model_copy(
        update={
            "name": f"{config.name}-fold-{index}",
            "preparation": config.preparation.model_copy(update={"split": split}),
            "training": training,
            "evaluation": config.evaluation.model_copy(update={"interactive": False}),
            "deliver": Deliver(signature=config.deliver.signature),
            "cluster": None,
        }
    )


def _quoted(column: str) -> str:
    """Return a column as expressions name it."""
    return column if column.isidentifier() else f"`{column}`"


def train_fold(task: FoldTask) -> TrainedFold:
    """Read the events and train the network of one fold, in a process of its own."""
    table, features = read_events(task.config, Path(), disk=RunFolder(task.folder).disk)
    # The guards have seen the same events before, in the process that handed out the folds.
    prepared = prepare_table(task.config, table, features, is_guarded=False)
    return run_fold(prepared, RunFolder(task.folder), task.data_sha256, SilentProgress())


def run_fold(
    prepared: PreparedRun,
    folder: RunFolder,
    data_sha256: Mapping[str, str],
    progress: Progress,
    module: Any = None,
) -> TrainedFold:
    """Train, export, check and evaluate the network of one fold; it goes on where its folder says."""
    watch = Stopwatch()
    config = prepared.config
    record = begin_record(config, data_sha256, prepared.warnings)
    folder.write_record(record)
    write_text(folder.config, dump_config(config))
    model = build_model(prepared, module)
    with watch.stage("training"):
        training = fit_model(
            model,
            prepared,
            CheckpointFolder(folder.checkpoints),
            progress,
            resume=True,
            is_declared=module is None,
        )
    training.history.write_csv(folder.history)
    with watch.stage("export"):
        metadata = model_metadata(prepared, dump_config(config), dict(data_sha256))
        parity = export_model(folder.model, prepared, model, metadata)
        _write_parity_rows(folder.parity, prepared, model)
    with watch.stage("evaluation"):
        evaluate_model(folder, prepared)
    trained = TrainedFold(
        training, parity.to_dict(), _count_parameters(prepared, model, module), dict(watch.seconds)
    )
    record |= {
        "parity": trained.parity,
        "n_parameters": trained.n_parameters,
        "training": describe_training(training),
        "figures": {},
        "seconds": trained.seconds,
        "finished": timestamp(),
    }
    folder.write_record(record)
    write_page(Run(folder))
    return trained


def _write_parity_rows(path: Path, prepared: PreparedRun, model: Model) -> None:
    """Write what the engine says of some events of the fold, by their rows in the table."""
    test = prepared.splits.test
    rng = make_generator(prepared.config.training.seed, "parity", "fold")
    rows = rng.choice(test.rows, size=min(most_parity_rows(prepared), test.n_events), replace=False)
    arrays: dict[str, NDArray[Any]] = {"rows": rows}
    for name, values in engine_outputs(prepared, model, rows).items():
        if isinstance(values, Jagged):
            arrays |= {f"{OUTPUT}{name}": values.content, f"{OFFSETS}{name}": values.offsets}
        else:
            arrays[f"{OUTPUT}{name}"] = values
    with write_atomically(path) as temporary, temporary.open("wb") as stream:
        np.savez(stream, **arrays)  # type: ignore[arg-type]  # the stub takes no names but its own


def read_parity_rows(path: Path, most: int) -> tuple[NDArray[np.int64], dict[str, Any]]:
    """Return rows of the table, `most` at most, and what the engine of a fold says of them."""
    said: dict[str, Any] = {}
    with np.load(path) as stored:
        rows: NDArray[np.int64] = stored["rows"][:most]
        for key in stored:
            if key.startswith(OUTPUT):
                name, values = key.removeprefix(OUTPUT), stored[key]
                offsets = f"{OFFSETS}{name}"
                said[name] = (Jagged(values, stored[offsets]) if offsets in stored else values)[:most]
    return rows, said


def _count_parameters(prepared: PreparedRun, model: Model, module: Any) -> int:
    if module is None:
        return prepared.network.n_parameters
    return int(sum(values.size for values in model.parameters().values()))


def read_fold_model(folder: RunFolder) -> OnnxModel:
    """Return the model file of one fold, opened."""
    return OnnxModel.load(folder.model)
