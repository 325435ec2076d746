"""Events as arrays, prepared once and picked by row number into buffers that are used again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from rapidity.core.records import Batch, Batches, ResidentBatches, StreamedBatches

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rapidity.autodiff.workspace import Array, Memory


@dataclass(frozen=True)
class EventArrays:
    """Events ready for a network and its loss.

    Attributes
    ----------
    inputs
        The inputs of the network, in order.
    targets
        For each output the arrays that its loss needs; empty for prediction.
    """

    inputs: tuple[Array, ...]
    targets: tuple[tuple[Array, ...], ...] = ()

    @property
    def n_events(self) -> int:
        """Number of events."""
        return len(self.inputs[0])

    def pick(self, rows: np.ndarray[Any, np.dtype[np.intp]], memory: Memory) -> EventArrays:
        """Return a copy of the events of these row numbers, which must be there."""
        return EventArrays(
            tuple([_take(array, rows, memory) for array in self.inputs]),
            tuple([tuple([_take(array, rows, memory) for array in target]) for target in self.targets]),
        )

    def slice(self, start: int, stop: int) -> EventArrays:
        """Return a view of consecutive events."""
        return EventArrays(
            tuple([array[start:stop] for array in self.inputs]),
            tuple([tuple([array[start:stop] for array in target]) for target in self.targets]),
        )


def _take(array: Array, rows: np.ndarray[Any, np.dtype[np.intp]], memory: Memory) -> Array:
    result = memory.empty((len(rows), *array.shape[1:]), array.dtype)
    # With mode="raise" NumPy would fill a second array first, in case a row is not there.
    return np.take(array, rows, axis=0, out=result, mode="clip")


def iterate_arrays(
    batches: Batches,
    make: Callable[[Batch], EventArrays],
    resident: Callable[[Batch], EventArrays],
    memory: Memory,
) -> Iterator[EventArrays]:
    """Yield the events of each batch.

    Parameters
    ----------
    make
        Prepares one batch, or the events of one window.
    resident
        The same for events that stay: their rows are picked into `memory`.

    Raises
    ------
    IndexError
        If the order of resident batches names a row that is not there.
    """
    if isinstance(batches, ResidentBatches):
        yield from _pick_batches(batches, resident(batches.events), memory)
    elif isinstance(batches, StreamedBatches):
        for window in batches.open_windows():
            yield from _pick_batches(window, make(window.events), memory)
    else:
        for batch in batches:
            yield make(batch)


def _pick_batches(batches: ResidentBatches, events: EventArrays, memory: Memory) -> Iterator[EventArrays]:
    """Yield the events of each batch, given all as arrays."""
    size = batches.batch_size
    order = None if batches.order is None else np.asarray(batches.order, dtype=np.intp)
    if order is not None and len(order) and (order.min() < 0 or order.max() >= batches.events.n_events):
        message = (
            f"the order of the batches has rows from {order.min()} to {order.max()},"
            f" but there are {batches.events.n_events} events, numbered from 0"
        )
        raise IndexError(message)
    for start in range(0, batches.n_events, size):
        stop = min(start + size, batches.n_events)
        yield events.slice(start, stop) if order is None else events.pick(order[start:stop], memory)
