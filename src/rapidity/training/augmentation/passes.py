"""Epochs whose events are augmented anew, a window at a time, while the one before is trained on."""

from __future__ import annotations

from collections import deque
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import numpy as np

from rapidity.core.records import Batch, ResidentBatches, StreamedBatches
from rapidity.training.passes import ResidentPasses, Suspects

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rapidity.training.augmentation.augmenter import Augmenter
    from rapidity.training.passes import Passes


class AugmentedPasses:
    """The epochs of other `Passes`, with augmented events in the same order (`Passes`).

    Besides the events themselves, two windows are in memory, the one in use and the one being made, and what
    an engine copies of them. What is monitored on the training split stays as it is.
    """

    def __init__(self, passes: Passes, augmenter: Augmenter) -> None:
        self.passes = passes
        self.augmenter = augmenter
        self.n_events = passes.n_events
        self.batch_size = passes.batch_size
        self.n_segments = passes.n_segments

    @property
    def identity(self) -> str:
        """A hash of the events, and of the columns that are augmented."""
        return " ".join(filter(None, (self.passes.identity, self.augmenter.identity)))

    @property
    def monitored(self) -> Batch:
        """The events on which training metrics are computed, not augmented."""
        return self.passes.monitored

    def segment(self, epoch: int, number: int) -> StreamedBatches:
        """Return the batches of one part of an epoch."""
        whole = self.passes.segment(epoch, number)
        return StreamedBatches(whole.n_events, whole.batch_size, lambda: self._open(whole, epoch, number))

    def find_suspects(self, epoch: int, step: int) -> Suspects:
        """Return the events of a step and of the step before: of events in memory as they were augmented."""
        found = self.passes.find_suspects(epoch, step)
        if not isinstance(self.passes, ResidentPasses):
            return found
        window = self.passes.segment(epoch, 0)
        size = self.augmenter.window_size(window.events, self.batch_size)
        numbers = range(max(step - 1, 0) * self.batch_size // size, step * self.batch_size // size + 1)
        parts = [self._make(window, size, (epoch, 0), number).inputs for number in numbers]
        inputs = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
        first = step * self.batch_size - numbers[0] * size
        rows = np.arange(len(next(iter(inputs.values()))))
        places = {
            "in this batch": rows[first : first + self.batch_size],
            "in the batch before": rows[max(first - self.batch_size, 0) : first],
        }
        start = numbers[0] * size
        row_numbers = rows + start if window.order is None else window.order[start : start + len(rows)]
        return Suspects(Batch(inputs), places, row_numbers)

    def _open(
        self, whole: ResidentBatches | StreamedBatches, epoch: int, number: int
    ) -> Iterator[ResidentBatches]:
        windows = iter((whole,)) if isinstance(whole, ResidentBatches) else whole.open_windows()
        for place, window in enumerate(windows):
            yield from self._augment(window, (epoch, number, place) if number or place else (epoch, 0))

    def _augment(self, window: ResidentBatches, purpose: tuple[int, ...]) -> Iterator[ResidentBatches]:
        """Yield the batches of a window, augmented; the next ones are made while some are in use."""
        size = self.augmenter.window_size(window.events, window.batch_size)
        n_parts = -(-window.n_events // size)
        with ThreadPoolExecutor(1, thread_name_prefix="augmentation") as thread:
            waiting = deque([thread.submit(self._make, window, size, purpose, 0)])
            for following in range(1, n_parts + 1):
                events = waiting.popleft().result()
                if following < n_parts:
                    waiting.append(thread.submit(self._make, window, size, purpose, following))
                # With an order, engines copy each batch into memory of their own. The last digit of a product
                # of matrices may depend on where these begin, which would differ from run to run.
                yield ResidentBatches(events, window.batch_size, np.arange(events.n_events))

    def _make(self, window: ResidentBatches, size: int, purpose: tuple[int, ...], number: int) -> Batch:
        part = slice(number * size, min((number + 1) * size, window.n_events))
        return self.augmenter.make(window, part, (*purpose, number))
