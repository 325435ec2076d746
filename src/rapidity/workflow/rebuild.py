"""A finished run, brought back: its events, read again, and its network with the parameters of model.onnx."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from rapidity.artefact import check_all_outputs
from rapidity.config import load_config
from rapidity.core.errors import DataError, GraphError, ParityError
from rapidity.data.columns import plan_columns
from rapidity.data.sources import open_source
from rapidity.data.split import needed_columns
from rapidity.engines import get_engine
from rapidity.engines.state import separate_parameters
from rapidity.training import CheckpointFolder
from rapidity.workflow.export import engine_outputs
from rapidity.workflow.prepare import prepare_run
from rapidity.workflow.provenance import hash_files

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rapidity.config import RunConfig
    from rapidity.config.data import DataBlock
    from rapidity.core.progress import Progress
    from rapidity.core.records import Model, Parameters
    from rapidity.data.sources import OpenSource
    from rapidity.workflow.prepare import PreparedRun
    from rapidity.workflow.run import Run

N_COMPARED = 512
"""Events whose scores must be those of model.onnx before the network is used."""


@dataclass(frozen=True)
class RebuiltRun:
    """Events and network of a finished run."""

    prepared: PreparedRun
    model: Model
    engine: str


def rebuild_run(
    run: Run, columns: Sequence[str], needed_by: str, *, engine: str | None, progress: Progress | None
) -> RebuiltRun:
    """Read the events of a run again and build its network in an engine.

    Parameters
    ----------
    columns
        Raw columns that the table must hold besides those that training needed.
    needed_by
        What needs them, for messages.
    engine
        Name of an engine; None for the one that trained.

    Raises
    ------
    DataError
        If a file of the data has changed or is gone, a column is missing, the checkpoint is, or the
        rebuilt network does not give the scores of model.onnx.
    GraphError
        If the network is a module of the user's own.
    EngineError
        If the engine is not there, or lacks a layer.
    """
    config = load_config(run.path.config).config
    _refuse_folds(run, config)
    name = engine or config.training.engine
    builder = get_engine(name)
    parameters = _kept_parameters(run)
    _check_files(run)
    explicit, extra = _name_columns(config, columns, needed_by)
    prepared = prepare_run(explicit, Path(), progress, kept_columns=extra, disk=run.path.disk)
    rebuilt = RebuiltRun(prepared, builder.build(prepared.network, parameters), name)
    _compare_with_artefact(run, rebuilt)
    return rebuilt


def _refuse_folds(run: Run, config: RunConfig) -> None:
    """Refuse a run of several networks: each has a run of its own, which can be rebuilt."""
    if config.training.folds is not None:
        last = config.training.folds.count - 1
        message = (
            f"{run.folder} holds a network for each of {last + 1} folds, of which one must be chosen. "
            f"Give the folder of its run, {run.path.fold(0).path} to {run.path.fold(last).path}."
        )
        raise DataError(message)


def _kept_parameters(run: Run) -> Parameters:
    """Return the parameters of model.onnx, from the checkpoints."""
    position, configuration = CheckpointFolder(run.path.checkpoints).load()
    if not isinstance(configuration.get("network"), dict):
        message = (
            f"the network of {run.folder} is a module of your own, not one that a configuration declares: "
            "Rapidity cannot build it again from its checkpoint. Look into your module with its own library."
        )
        raise GraphError(message)
    kept = run.record["training"]["kept_epoch"]
    state = position.state if position.epoch == kept else position.best_state
    return separate_parameters(state)[0]


def _check_files(run: Run) -> None:
    """Refuse data that are not those of the run: events of its test split might have been trained on."""
    for file, sha256 in run.record["data_sha256"].items():
        if not Path(file).exists():
            message = f"{file}, on which {run.folder} was trained, is gone. Put it back."
            raise DataError(message)
        if hash_files([file])[file] != sha256:
            message = (
                f"{file} has changed since {run.folder} was trained on it, so its splits may be others. "
                "Put the old file back, or train again."
            )
            raise DataError(message)


def _name_columns(
    config: RunConfig, columns: Sequence[str], needed_by: str
) -> tuple[RunConfig, tuple[str, ...]]:
    """Return the configuration with its columns named, and those of `columns` that it does not keep.

    `columns: all` leaves out columns with another role, which the new ones would now have.
    """
    split_columns = needed_columns(config.preparation.split, config.data.objects)
    sources = _open_sources(config.data, columns, needed_by)
    plan = plan_columns(config.data, config.inputs, split_columns, sources, outputs=config.outputs)
    inputs = {}
    for name, block in config.inputs.items():
        if getattr(block, "columns", None) == "all":
            names = tuple(feature.columns[0] for feature in plan.features.tables[name])
            inputs[name] = block.model_copy(update={"columns": names, "exclude": ()})
        else:
            inputs[name] = block
    extra = tuple(name for name in columns if name not in plan.stored)
    return config.model_copy(update={"inputs": inputs}), extra


def _open_sources(data: DataBlock, columns: Sequence[str], needed_by: str) -> list[OpenSource]:
    sources = [
        open_source(index, source, Path(), data.collections) for index, source in enumerate(data.sources)
    ]
    for source in sources:
        for file in source.files:
            for name in columns:
                file.require_column(name, needed_by)
    return sources


def _compare_with_artefact(run: Run, rebuilt: RebuiltRun) -> None:
    prepared = rebuilt.prepared
    artefact = run.model
    rows = prepared.splits.validation.rows[:N_COMPARED]
    expected = engine_outputs(prepared, rebuilt.model, rows)
    columns = {name: prepared.table.columns[name][rows] for name in artefact.inputs}
    try:
        check_all_outputs(artefact, columns, expected, is_continuous=prepared.network.is_continuous)
    except ParityError as error:
        message = (
            f"the network rebuilt from {run.path.checkpoints} does not give the scores of {run.path.model}. "
            f"Was a file of the run replaced? Train it again. ({error})"
        )
        raise DataError(message) from error
