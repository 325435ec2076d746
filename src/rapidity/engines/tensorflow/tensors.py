"""Events as tensors, made once and picked by row number inside the compiled steps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import tensorflow as tf

from rapidity.core.records import Batch, Batches, ResidentBatches, StreamedBatches
from rapidity.engines.events import take_inputs

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from rapidity.network import Shape


def compile_function(function: Callable[..., Any], signature: Sequence[Any]) -> Callable[..., Any]:
    """Return a function of tensors, compiled for these specifications and never again.

    A `tf.function` would watch for being compiled often, and take many models in one process for a mistake.
    """
    compiled: Callable[..., Any] = tf.function(
        function, input_signature=signature, autograph=False
    ).get_concrete_function()
    return compiled


@dataclass(frozen=True)
class EventTensors:
    """Events on the device.

    Attributes
    ----------
    inputs
        The inputs of the network, in order.
    targets
        For each output the tensors that its loss needs; empty for prediction.
    """

    inputs: tuple[Any, ...]
    targets: tuple[tuple[Any, ...], ...] = ()

    def pick(self, rows: Any) -> EventTensors:
        """Return a copy of the events of these row numbers."""
        return EventTensors(
            tuple([tf.gather(tensor, rows) for tensor in self.inputs]),
            tuple([tuple([tf.gather(tensor, rows) for tensor in target]) for target in self.targets]),
        )


@dataclass(frozen=True)
class Pass:
    """Some steps over the same tensors.

    Attributes
    ----------
    order
        Row numbers in the order of the steps ``(n,)`` int64.
    batch_size
        Events in a step; the last step takes the rest.
    """

    events: EventTensors
    order: NDArray[np.int64]
    batch_size: int

    @property
    def n_steps(self) -> int:
        """Number of steps, the last and possibly shorter one included."""
        return -(-len(self.order) // self.batch_size)


def input_tensors(batch: Batch, inputs: Mapping[str, Shape]) -> tuple[Any, ...]:
    """Return the inputs of the network in order; a DataError if the batch lacks one or its shape differs."""
    return tuple([tf.convert_to_tensor(array) for array in take_inputs(batch, inputs)])


def iterate_passes(
    batches: Batches, make: Callable[[Batch], EventTensors], resident: Callable[[Batch], EventTensors]
) -> Iterator[Pass]:
    """Yield all steps at once for events that stay or those of a window, else one step for each batch.

    Parameters
    ----------
    make
        Makes tensors of one batch, or of the events of one window.
    resident
        The same for events that stay.
    """
    if isinstance(batches, ResidentBatches):
        if batches.n_events:
            yield _all_steps(batches, resident(batches.events))
    elif isinstance(batches, StreamedBatches):
        for window in batches.open_windows():
            if window.n_events:
                yield _all_steps(window, make(window.events))
    else:
        for batch in batches:
            yield Pass(make(batch), np.arange(batch.n_events), max(batch.n_events, 1))


def _all_steps(batches: ResidentBatches, events: EventTensors) -> Pass:
    order = np.arange(batches.n_events) if batches.order is None else batches.order
    return Pass(events, order.astype(np.int64, copy=False), batches.batch_size)


def iterate_inputs(
    batches: Batches, make: Callable[[Batch], EventTensors], resident: Callable[[Batch], EventTensors]
) -> Iterator[tuple[Any, ...]]:
    """Yield the inputs of each batch, for prediction."""
    if isinstance(batches, ResidentBatches):
        yield from _pick_inputs(batches, resident(batches.events))
    elif isinstance(batches, StreamedBatches):
        for window in batches.open_windows():
            yield from _pick_inputs(window, make(window.events))
    else:
        for batch in batches:
            yield make(batch).inputs


def _pick_inputs(batches: ResidentBatches, events: EventTensors) -> Iterator[tuple[Any, ...]]:
    for start in range(0, batches.n_events, batches.batch_size):
        rows = slice(start, min(start + batches.batch_size, batches.n_events))
        if batches.order is None:
            yield tuple([tensor[rows] for tensor in events.inputs])
        else:
            yield events.pick(batches.order[rows]).inputs
