"""All augmentations of a training, applied in turn to some of its events."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from rapidity.core.random import make_generator
from rapidity.core.records import Batch

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from rapidity.core.records import FloatArray, RawColumns, ResidentBatches

WINDOW_NUMBERS = 2**22
"""float32 numbers that are augmented at a time, 16 MiB: enough that calls cost nothing, little memory."""
WINDOW_EVENTS = 2**15
"""Raw columns in float64, with many objects an event, take more memory than what is made of them."""


class ColumnStep(Protocol):
    """An augmentation of raw columns."""

    def apply(self, columns: dict[str, Any], rng: np.random.Generator) -> None:
        """Replace columns by changed ones."""
        ...


class InputStep(Protocol):
    """An augmentation of prepared inputs, such as images."""

    def apply(self, inputs: dict[str, FloatArray], rng: np.random.Generator) -> None:
        """Change arrays in place, or replace them by new ones."""
        ...


class EventStep(Protocol):
    """An augmentation of events with their targets and weights."""

    def apply(self, events: Batch, rng: np.random.Generator) -> Batch:
        """Return other events."""
        ...


class RawEvents(Protocol):
    """The raw columns of the training events, and the way from them to inputs; see `data.raw_events`."""

    @property
    def identity(self) -> str:
        """A hash of the columns."""
        ...

    def pick(self, rows: NDArray[np.int64], columns: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Return a copy of the columns of some events, by their numbers in the training split.

        `columns`: those of the events of a window, of which the rows are then meant.
        """
        ...

    def prepare(
        self, columns: Mapping[str, Any], rows: NDArray[np.int64]
    ) -> tuple[dict[str, FloatArray], dict[str, NDArray[Any]]]:
        """Return the inputs and the targets that depend on the columns, made of them."""
        ...


@dataclass(frozen=True)
class Augmenter:
    """Makes events for training out of those of the training split.

    What it makes follows from the seed, the augmentation, the epoch and the window, so that a training that
    goes on gets the same as one that was never interrupted, in any engine.

    Attributes
    ----------
    column_steps, input_steps, event_steps
        The augmentations with their numbers in the configuration, in the order in which they are applied.
    raw
        Where raw columns come from; None where none are changed.
    window_numbers
        See `WINDOW_NUMBERS`.
    """

    seed: int
    column_steps: Sequence[tuple[int, ColumnStep]] = ()
    input_steps: Sequence[tuple[int, InputStep]] = ()
    event_steps: Sequence[tuple[int, EventStep]] = ()
    raw: RawEvents | None = None
    window_numbers: int = WINDOW_NUMBERS

    @property
    def identity(self) -> str:
        """A hash of the raw columns that it takes."""
        return "" if self.raw is None else self.raw.identity

    def window_size(self, events: Batch, batch_size: int) -> int:
        """Return how many events to augment at a time: whole batches, one at least."""
        numbers = sum(int(np.prod(array.shape[1:])) for array in events.inputs.values())
        most = min(WINDOW_EVENTS, self.window_numbers // max(numbers, 1))
        return max(most // batch_size, 1) * batch_size

    def make(self, window: ResidentBatches, part: slice, purpose: Sequence[int]) -> Batch:
        """Return the augmented events of a part of a window, in the order of its batches.

        Parameters
        ----------
        part
            From where to where in the order of the window.
        purpose
            Numbers that no other part of the training has, such as epoch and place.
        """
        events = window.events
        rows = np.arange(window.n_events)[part] if window.order is None else window.order[part]
        inputs, targets = self._make_from_columns(window.raw, rows, purpose)
        # A copy of each array, which the following steps may write to.
        inputs = {
            name: inputs[name] if name in inputs else array[rows] for name, array in events.inputs.items()
        }
        for place, step in self.input_steps:
            step.apply(inputs, self._generator(place, purpose))
        weight = events.training_weight
        made = Batch(
            inputs,
            {
                name: targets[name] if name in targets else array[rows]
                for name, array in events.targets.items()
            },
            None if weight is None else weight[rows],
        )
        for place, mixing in self.event_steps:
            made = mixing.apply(made, self._generator(place, purpose))
        return made

    def _make_from_columns(
        self, read: RawColumns | None, rows: NDArray[np.int64], purpose: Sequence[int]
    ) -> tuple[dict[str, FloatArray], dict[str, NDArray[Any]]]:
        if self.raw is None:
            return {}, {}
        columns = self.raw.pick(rows) if read is None else self.raw.pick(rows, read.columns)
        for place, step in self.column_steps:
            step.apply(columns, self._generator(place, purpose))
        return self.raw.prepare(columns, rows if read is None else read.numbers[rows])

    def _generator(self, place: int, purpose: Sequence[int]) -> np.random.Generator:
        return make_generator(self.seed, "augmentation", place, *purpose)
