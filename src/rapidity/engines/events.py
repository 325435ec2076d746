"""What engines take out of a batch, checked, as NumPy arrays: the same for every library."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from rapidity.core.errors import DataError, EngineError, shorten
from rapidity.network import describe_shape

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

    from rapidity.core.records import Batch, FloatArray, Objective, OutputObjective
    from rapidity.network import Shape

CACHED_SPLITS = 3
"""Resident events that stay prepared: those of the training, validation and test split."""


class EventCache:
    """Keeps what an engine made of the same `Batch` object, so that an epoch prepares nothing anew."""

    def __init__(self) -> None:
        self._entries: list[tuple[Batch, object, Any]] = []

    def get(self, events: Batch, purpose: object, make: Callable[[], Any]) -> Any:
        """Return what `make` returned for these events and this purpose, or call it now."""
        for entry in self._entries:
            if entry[0] is events and entry[1] == purpose:
                return entry[2]
        made = make()
        self._entries = [*self._entries[1 - 2 * CACHED_SPLITS :], (events, purpose, made)]
        return made


def take_inputs(batch: Batch, inputs: Mapping[str, Shape]) -> tuple[FloatArray, ...]:
    """Return the inputs of a network in order, float32 and contiguous; copies only where needed.

    Raises
    ------
    DataError
        If the batch lacks an input, or its shape is not that of the network.
    """
    arrays = []
    for name, shape in inputs.items():
        if name not in batch.inputs:
            message = (
                f"the events have no input '{name}', which the network needs."
                f" They have: {shorten(batch.inputs)}"
            )
            raise DataError(message)
        array = batch.inputs[name]
        if array.shape[1:] != tuple(shape):
            message = (
                f"input '{name}' of the events has shape {describe_shape(array.shape[1:])},"
                f" but the network was built for {describe_shape(shape)}."
                " Prepare them with the same configuration."
            )
            raise DataError(message)
        arrays.append(np.ascontiguousarray(array, dtype=np.float32))
    return tuple(arrays)


def take_class_index(batch: Batch, name: str, output: OutputObjective) -> NDArray[np.int64]:
    """Return the class index of each event for the output `name`, int64 ``(n_events,)``.

    Raises
    ------
    DataError
        If the batch lacks the target, or an index is not one of the classes (-1: unknown class).
    """
    if name not in batch.targets:
        message = (
            f"the events have no target for output '{name}'. Targets: {shorten(batch.targets) or 'none'}"
        )
        raise DataError(message)
    values = batch.targets[name]
    if len(values) and (values.min() < 0 or values.max() >= output.n_classes):
        message = (
            f"target '{name}' has class indices from {values.min()} to {values.max()};"
            f" a loss needs 0 to {output.n_classes - 1}. Leave events of unknown class out of the training."
        )
        raise DataError(message)
    return values.astype(np.int64, copy=False)


def take_relative_weight(batch: Batch, objective: Objective) -> FloatArray | None:
    """Return the training weight over the mean of the training split, float32 ``(n_events,)``.

    None stands for 1 everywhere. Signs are kept: single weights may be negative.
    """
    mean = objective.mean_training_weight
    if batch.training_weight is not None:
        return (batch.training_weight / mean).astype(np.float32, copy=False)
    return None if mean == 1 else np.full(batch.n_events, 1 / mean, dtype=np.float32)


def check_outputs(objective: Objective, outputs: Mapping[str, int]) -> None:
    """Raise an EngineError unless the objective speaks of the outputs of the network, and of any at all."""
    unknown = sorted(set(objective.outputs) ^ set(outputs))
    if unknown:
        message = f"objective and network differ in their outputs: {shorten(unknown)}"
        raise EngineError(message)
    if not objective.outputs:
        message = "the objective has no outputs, so there is nothing to minimise"
        raise EngineError(message)
