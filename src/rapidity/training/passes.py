"""Where the batches of an epoch come from: events in memory, or events that are streamed from disk.

An epoch is trained in segments. Of events in memory it is a single one; streamed events have as many as
windows pass through memory, and training may stop after each of them and go on later.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple, Protocol

import numpy as np

from rapidity.core.random import make_generator
from rapidity.core.records import Batch, ResidentBatches
from rapidity.training.identity import hash_events
from rapidity.training.monitoring import choose_rows, count_monitored, take_rows

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from rapidity.core.records import StreamedBatches


class TrainingStream(Protocol):
    """Epochs of streamed events; see `data.streaming`."""

    @property
    def n_segments(self) -> int:
        """Parts of an epoch."""
        ...

    def segment(self, epoch: int, number: int) -> StreamedBatches:
        """Return the batches of one part of an epoch."""
        ...

    def read_batch(self, epoch: int, step: int) -> tuple[Batch, NDArray[np.int64]]:
        """Return the events of a step, and their row numbers in the training split."""
        ...


class StreamedTraining(Protocol):
    """Training events on disk; see `data.streamed_splits`."""

    @property
    def n_events(self) -> int:
        """Number of training events."""
        ...

    @property
    def identity(self) -> str:
        """A hash of all that decides what the events are, and the order of every epoch."""
        ...

    @property
    def stream(self) -> TrainingStream:
        """The epochs."""
        ...

    @property
    def n_segments(self) -> int:
        """Parts of an epoch; known before anything is written."""
        ...

    def take_sample(self, n_wanted: int) -> Batch:
        """Return some events at random, to stay in memory."""
        ...


class Suspects(NamedTuple):
    """Events among which the cause of a loss that is not finite is looked for.

    Attributes
    ----------
    rows
        Where -> rows of `events` that lie there.
    row_numbers
        For each of the events its row in the training split.
    """

    events: Batch
    rows: Mapping[str, NDArray[np.int64]]
    row_numbers: NDArray[np.int64]


class Passes(Protocol):
    """The epochs of a training."""

    n_events: int
    batch_size: int
    n_segments: int

    @property
    def identity(self) -> str:
        """A hash of the events."""
        ...

    @property
    def monitored(self) -> Batch:
        """The events on which training metrics are computed."""
        ...

    def segment(self, epoch: int, number: int) -> ResidentBatches | StreamedBatches:
        """Return the batches of one part of an epoch."""
        ...

    def find_suspects(self, epoch: int, step: int) -> Suspects:
        """Return the events of a step and of the step before."""
        ...


class ResidentPasses:
    """Epochs over events in memory: another permutation of all of them each time (`Passes`)."""

    n_segments = 1

    def __init__(self, events: Batch, batch_size: int, seed: int) -> None:
        self.events = events
        self.n_events = events.n_events
        self.batch_size = batch_size
        self._seed = seed

    @property
    def identity(self) -> str:
        """A hash of the prepared events."""
        return hash_events(self.events)

    @cached_property
    def monitored(self) -> Batch:
        """A fixed part of the events."""
        return take_rows(self.events, choose_rows(self.n_events, self._seed))

    def segment(self, epoch: int, number: int) -> ResidentBatches:
        """Return the batches of an epoch, which has the single segment 0."""
        return ResidentBatches(self.events, self.batch_size, self._order(epoch))

    def find_suspects(self, epoch: int, step: int) -> Suspects:
        """Return the events of a step and of the step before."""
        order = self._order(epoch)
        first, size = step * self.batch_size, self.batch_size
        rows = {
            "in this batch": order[first : first + size],
            "in the batch before": order[max(first - size, 0) : first],
        }
        return Suspects(self.events, rows, np.arange(self.n_events))

    def _order(self, epoch: int) -> NDArray[np.int64]:
        return make_generator(self._seed, "shuffle", epoch).permutation(self.n_events)


class StreamedPasses:
    """Epochs over events on disk (`Passes`)."""

    def __init__(self, training: StreamedTraining, batch_size: int) -> None:
        self.training = training
        self.n_events = training.n_events
        self.batch_size = batch_size
        self.n_segments = training.n_segments

    @property
    def identity(self) -> str:
        """A hash of the events and their order."""
        return self.training.identity

    @cached_property
    def monitored(self) -> Batch:
        """A fixed part of the events, drawn at random."""
        return self.training.take_sample(count_monitored(self.n_events))

    def segment(self, epoch: int, number: int) -> StreamedBatches:
        """Return the batches of one window."""
        return self.training.stream.segment(epoch, number)

    def find_suspects(self, epoch: int, step: int) -> Suspects:
        """Return the events of a step and of the step before."""
        events, row_numbers = self.training.stream.read_batch(epoch, step)
        rows = {"in this batch": np.arange(events.n_events)}
        if step:
            before, numbers_before = self.training.stream.read_batch(epoch, step - 1)
            rows["in the batch before"] = events.n_events + np.arange(before.n_events)
            events = _join(events, before)
            row_numbers = np.concatenate([row_numbers, numbers_before])
        return Suspects(events, rows, row_numbers)


def _join(first: Batch, second: Batch) -> Batch:
    """Return the inputs of both, which is all that a search for large values needs."""
    return Batch({name: np.concatenate([array, second.inputs[name]]) for name, array in first.inputs.items()})
