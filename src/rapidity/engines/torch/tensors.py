"""Events as tensors, made once and picked by row number: the inner loop touches no Python rows.

A data loader that collates rows one by one costs several times the training step itself.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from rapidity.core.records import Batch, Batches, ResidentBatches, StreamedBatches
from rapidity.engines.events import take_inputs

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from rapidity.network import Shape

BATCHES_PICKED_AT_ONCE = 64
"""Picking the rows of many batches in one call costs half as much as batch by batch, and little memory."""
PICKED_NUMBERS = 2**24
"""Of large events (images) fewer batches: a copy of half the training split would be no little memory."""


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

    inputs: tuple[Tensor, ...]
    targets: tuple[tuple[Tensor, ...], ...] = ()

    def pick(self, rows: Tensor) -> EventTensors:
        """Return a copy of the events of these row numbers."""
        return EventTensors(
            tuple([tensor.index_select(0, rows) for tensor in self.inputs]),
            tuple([tuple([tensor.index_select(0, rows) for tensor in target]) for target in self.targets]),
        )

    def slice(self, start: int, stop: int) -> EventTensors:
        """Return a view of consecutive events."""
        return EventTensors(
            tuple([tensor[start:stop] for tensor in self.inputs]),
            tuple([tuple([tensor[start:stop] for tensor in target]) for target in self.targets]),
        )


def to_tensor(array: np.ndarray[Any, Any], device: torch.device) -> Tensor:
    """Return a tensor on the device; on the CPU it shares the memory of the array."""
    # torch warns about memory that it must not write to, even though nothing here writes.
    values = array if array.flags.writeable else array.copy()
    return torch.from_numpy(values).to(device)


def input_tensors(batch: Batch, inputs: Mapping[str, Shape], device: torch.device) -> tuple[Tensor, ...]:
    """Return the inputs of the network in order; a DataError if the batch lacks one or its shape differs."""
    return tuple([to_tensor(array, device) for array in take_inputs(batch, inputs)])


def iterate_tensors(
    batches: Batches, make: Callable[[Batch], EventTensors], resident: Callable[[Batch], EventTensors]
) -> Iterator[EventTensors]:
    """Yield the events of each batch as tensors.

    Parameters
    ----------
    make
        Makes tensors of one batch, or of the events of one window.
    resident
        The same for events that stay: their rows are picked on the device.
    """
    if isinstance(batches, ResidentBatches):
        yield from _pick_batches(batches, resident(batches.events))
    elif isinstance(batches, StreamedBatches):
        for window in batches.open_windows():
            yield from _pick_batches(window, make(window.events))
    else:
        for batch in batches:
            yield make(batch)


def _pick_batches(batches: ResidentBatches, tensors: EventTensors) -> Iterator[EventTensors]:
    """Yield the events of each batch, given those of all as tensors."""
    size = batches.batch_size
    if batches.order is None:
        for start in range(0, batches.n_events, size):
            yield tensors.slice(start, min(start + size, batches.n_events))
        return
    order = torch.from_numpy(np.array(batches.order, dtype=np.int64)).to(tensors.inputs[0].device)
    n_numbers = sum(math.prod(tensor.shape[1:]) for tensor in tensors.inputs)
    stride = size * max(min(BATCHES_PICKED_AT_ONCE, PICKED_NUMBERS // (size * n_numbers)), 1)
    for first in range(0, len(order), stride):
        rows = order[first : first + stride]
        picked = tensors.pick(rows)
        for start in range(0, len(rows), size):
            yield picked.slice(start, min(start + size, len(rows)))
