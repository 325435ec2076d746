"""The second stage: building the network in an engine and training it."""

from __future__ import annotations

import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rapidity.core.random import make_generator
from rapidity.core.sizes import show_size
from rapidity.engines import get_engine
from rapidity.training import TrainingPlan, fit, make_objective, make_output_objectives
from rapidity.workflow.augment import build_augmenter, raw_events

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rapidity.core.progress import Progress
    from rapidity.core.records import Model
    from rapidity.data.streamed_splits import StreamedSplits
    from rapidity.training import CheckpointFolder, TrainingResult
    from rapidity.workflow.prepare import PreparedRun

DECIDING_BLOCKS = ("data", "inputs", "outputs", "preparation", "network")
"""Blocks that, besides `training`, decide what a training gives; a resumed run must not change them."""


def build_model(prepared: PreparedRun, module: Any = None) -> Model:
    """Return the network of the configuration, or the user's own `module`, ready to train.

    `module` may also be a function (or class) that makes the module from input name -> shape. Its initial
    parameters are then drawn with the engine's seed set to that of the run.

    Raises
    ------
    EngineError
        If the engine is not installed or lacks the device.
    GraphError
        If the layers do not fit together.
    ExportError
        If the user's own module has a layer that the model file cannot hold, as far as the engine can tell.
    """
    config = prepared.config.training
    engine = get_engine(config.engine)
    rng = make_generator(config.seed, "parameters")
    if module is not None:
        outputs, shapes = prepared.outputs.n_logits, prepared.preparation.input_shapes()
        model = engine.wrap(module, shapes, outputs, config.device, config.precision, rng)
        # What could not be written as ONNX in the end is better refused before it is trained.
        engine.describe(model)
        return model
    parameters = prepared.network.initial_parameters(rng)
    return engine.build(prepared.network, parameters, config.device, config.precision)


def fit_model(
    model: Model,
    prepared: PreparedRun,
    checkpoints: CheckpointFolder | None,
    progress: Progress | None,
    *,
    resume: bool,
    is_declared: bool = True,
) -> TrainingResult:
    """Train the model on the training split, watching the validation split.

    Events beyond `data.memory` are streamed from a file beside the checkpoints, which is removed when the
    training is complete and kept while it is interrupted.
    """
    plan = make_plan(prepared, is_declared=is_declared)
    if not prepared.is_streamed:
        train, validation = prepared.train_batch(), prepared.validation_batch()
        return fit(model, train, validation, plan, checkpoints=checkpoints, progress=progress, resume=resume)
    with _cache_folder(checkpoints) as folder:
        splits = prepared.streamed_splits(folder, raw_events(plan.augmenter))
        if progress is not None:
            progress.note(_describe_stream(prepared, splits))
        try:
            result = fit(
                model, splits, splits.validation, plan,
                checkpoints=checkpoints, progress=progress, resume=resume,
            )  # fmt: skip
        finally:
            splits.close()
        splits.remove()
    return result


@contextmanager
def _cache_folder(checkpoints: CheckpointFolder | None) -> Iterator[Path]:
    """Give the folder for prepared events; a temporary one where nothing could be gone on with."""
    if checkpoints is not None:
        yield checkpoints.path.parent / "cache"
        return
    with tempfile.TemporaryDirectory(prefix="rapidity-") as folder:
        yield Path(folder) / "cache"


def _describe_stream(prepared: PreparedRun, splits: StreamedSplits) -> str:
    n_bytes = splits.n_events * splits.window_bytes
    beside = "" if splits.raw is None else ", with the columns that are augmented"
    return (
        f"note: {splits.n_events:,} prepared training events ({show_size(n_bytes)}{beside}) are streamed "
        f"from {splits.folder}, in {splits.n_segments} windows an epoch."
    )


def make_plan(prepared: PreparedRun, *, is_declared: bool) -> TrainingPlan:
    """Return what the training is to do."""
    config = prepared.config
    blocks = config.model_dump(mode="json", by_alias=True, include=set(DECIDING_BLOCKS))
    if not is_declared:
        blocks["network"] = "a module of the user's own"
    classes = prepared.table.classes
    outputs = make_output_objectives(config.training, config.outputs, classes, prepared.known_means())
    objective = make_objective(config.training, classes, prepared.train_weights.mean, outputs)
    return TrainingPlan(
        config=config.training,
        objective=objective,
        configuration=blocks,
        feature_names=prepared.preparation.number_names(),
        describe_event=prepared.describe_train_event,
        augmenter=build_augmenter(prepared, objective.outputs),
    )


def describe_training(training: TrainingResult) -> dict[str, Any]:
    """Return what run.json says of a training."""
    return {
        "engine": training.history.rows[-1].engine,
        "engines": training.history.engines(),
        "epochs": len(training.history),
        "kept_epoch": training.kept_epoch,
        "best_epoch": training.best_epoch,
        "stopped_early": training.stopped_early,
    }
