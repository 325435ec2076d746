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
PROBABILITY_TOLERANCE = 1e-3
"""How far from 1 the probabilities of the classes may add up to: float32, mixed a few times."""


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


def take_target(batch: Batch, name: str) -> NDArray[Any]:
    """Return what is true of each event for the output `name`; a DataError if the batch does not say."""
    if name not in batch.targets:
        message = (
            f"the events have no target for output '{name}'. Targets: {shorten(batch.targets) or 'none'}"
        )
        raise DataError(message)
    return batch.targets[name]


def take_class_index(batch: Batch, name: str, output: OutputObjective) -> NDArray[np.int64]:
    """Return the class index of each event, or of each object, for the output `name`, int64.

    Shape ``(n_events,)``, of an assignment ``(n_events, n_objects)``; -1 stands for an unknown class where
    the objective allows it, and for what is no object.

    Raises
    ------
    DataError
        If the batch lacks the target, or an index is not one of the classes (-1: unknown class).
    """
    values = take_target(batch, name)
    lowest = -1 if output.ignores_missing or output.task == "assignment" else 0
    if values.size and (values.min() < lowest or values.max() >= output.n_classes):
        message = (
            f"target '{name}' has class indices from {values.min()} to {values.max()};"
            f" a loss needs {lowest} to {output.n_classes - 1}. Leave events of unknown class out of the"
            " training."
        )
        raise DataError(message)
    return values.astype(np.int64, copy=False)


def take_class_probability(batch: Batch, name: str, output: OutputObjective) -> FloatArray:
    """Return the probability of each class for the output `name`, float32 ``(n_events, n_classes)``.

    Raises
    ------
    DataError
        If there are not as many columns as classes, or a row is no probability: negative, or not adding up
        to 1 (NaN included).
    """
    values = take_target(batch, name).astype(np.float32, copy=False)
    if values.shape[1:] != (output.n_classes,):
        message = (
            f"target '{name}' has shape {describe_shape(values.shape[1:])}; probabilities of classes need"
            f" {describe_shape((output.n_classes,))}, one column for each class."
        )
        raise DataError(message)
    is_probability = (values >= 0).all(axis=1) & (np.abs(values.sum(axis=1) - 1) < PROBABILITY_TOLERANCE)
    if not is_probability.all():
        event = int(np.argmin(is_probability))
        message = (
            f"target '{name}' of event {event} is {values[event].tolist()}, which are no probabilities of the"
            " classes. Each has to be at least 0, and they have to add up to 1."
        )
        raise DataError(message)
    return values


def take_value(batch: Batch, name: str, output: OutputObjective) -> FloatArray:
    """Return the true value of each event for the regression `name`, float32 ``(n_events, 1)``.

    Raises
    ------
    DataError
        If the batch lacks the target, or a value is infinite, or NaN where the objective does not allow it.
    """
    values = take_target(batch, name).astype(np.float32, copy=False)
    is_known = ~np.isnan(values) if output.ignores_missing else np.ones(len(values), dtype=np.bool_)
    n_bad = int((~np.isfinite(values[is_known])).sum())
    if n_bad:
        message = (
            f"target '{name}' is not a finite number for {n_bad:,} of {len(values):,} events. Leave them out"
            " of the training, or state `missing: ignore` where the truth is not known (NaN)."
        )
        raise DataError(message)
    return values[:, np.newaxis]


def take_relative_weight(batch: Batch, mean: float) -> FloatArray | None:
    """Return the training weight over its mean in the training split, float32 ``(n_events,)``.

    None stands for 1 everywhere. Signs are kept: single weights may be negative.
    """
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
