"""Training events that pass through memory in windows, in another order every epoch.

An epoch takes the blocks of the file in random order, a window of several blocks at a time; the rows of a
window are mixed in memory, and meanwhile the next window is read by another thread. Everything follows from
the seed, the epoch and the number of the window, so that a training may begin again at any window.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from rapidity.core.random import make_generator
from rapidity.core.records import Batch, RawColumns, ResidentBatches, StreamedBatches
from rapidity.data.collections import pick_rows
from rapidity.data.event_file import ROW, to_batch

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from rapidity.data.blocks import BlockLayout
    from rapidity.data.event_file import EventFile
    from rapidity.data.raw_blocks import RawFile


@dataclass(frozen=True)
class WindowPlan:
    """What a window of an epoch holds.

    Attributes
    ----------
    blocks
        Numbers of its blocks, in the order in which they are read.
    n_carried
        Events that were left over from the window before, fewer than a batch.
    n_rows
        Events of its own blocks.
    n_used
        Events that fill whole batches; of the last window all. The others are left to the next.
    """

    blocks: NDArray[np.int64]
    n_carried: int
    n_rows: int
    n_used: int


class EpochPlans:
    """The windows of every epoch, as they follow from the seed.

    Parameters
    ----------
    batch_size
        Events in a batch, at most as many as a window holds.
    """

    def __init__(self, layout: BlockLayout, batch_size: int, seed: int) -> None:
        self.layout = layout
        self.batch_size = batch_size
        self.edges = layout.edges
        self._seed = seed
        self._divided: tuple[int, list[NDArray[np.int64]], NDArray[np.int64]] | None = None

    def window(self, epoch: int, number: int) -> WindowPlan:
        """Return what window `number` (from 0) of an epoch holds."""
        windows, first_rows = self._divide(epoch)
        n_before, n_after = int(first_rows[number]), int(first_rows[number + 1])
        n_carried, n_rows = n_before % self.batch_size, n_after - n_before
        n_left = 0 if number == len(windows) - 1 else n_after % self.batch_size
        return WindowPlan(windows[number], n_carried, n_rows, n_carried + n_rows - n_left)

    def order(self, epoch: int, number: int) -> NDArray[np.int64]:
        """Return the order of the events of a window.

        The carried ones are numbered first, then those of the blocks; those left to the next window come
        last.
        """
        plan = self.window(epoch, number)
        shuffled = make_generator(self._seed, "shuffle", epoch, number).permutation(plan.n_rows)
        # First those that have waited: what is left over then always comes from the window's own blocks.
        return np.concatenate([np.arange(plan.n_carried), plan.n_carried + shuffled])

    def find(self, epoch: int, step: int) -> tuple[int, int]:
        """Return the window in which a step of an epoch is taken, and the number of the step there."""
        last = -(-self.layout.n_events // self.batch_size) - 1
        if not 0 <= step <= last:
            message = f"epoch {epoch} has no step {step}, its last is {last}"
            raise IndexError(message)
        # Of each window; what is left over of the last makes one more.
        first_steps = self._divide(epoch)[1][:-1] // self.batch_size
        number = int(np.searchsorted(first_steps, step, side="right")) - 1
        return number, step - int(first_steps[number])

    def positions(self, epoch: int, number: int) -> NDArray[np.int64]:
        """Return where the events of a window lie in the file, in the order of its batches."""
        plan = self.window(epoch, number)
        own = self._lying(plan)
        if plan.n_carried:
            before = self.window(epoch, number - 1)
            left = self.order(epoch, number - 1)[before.n_used :] - before.n_carried
            own = np.concatenate([self._lying(before)[left], own])
        return own[self.order(epoch, number)[: plan.n_used]]

    def _lying(self, plan: WindowPlan) -> NDArray[np.int64]:
        return np.concatenate([np.arange(self.edges[block], self.edges[block + 1]) for block in plan.blocks])

    def _divide(self, epoch: int) -> tuple[list[NDArray[np.int64]], NDArray[np.int64]]:
        """Return the blocks of each window, and how many events come before each, and before the end."""
        divided = self._divided
        if divided is None or divided[0] != epoch:
            blocks = make_generator(self._seed, "blocks", epoch).permutation(self.layout.n_blocks)
            windows = np.array_split(blocks, self.layout.n_windows)
            sizes = np.diff(self.edges)
            counts = [int(sizes[chosen].sum()) for chosen in windows]
            divided = epoch, windows, np.concatenate([[0], np.cumsum(counts)])
            # The thread that reads ahead asks too: it gets this one, or makes the same again.
            self._divided = divided
        return divided[1:]


@dataclass(frozen=True)
class _LoadedWindow:
    plan: WindowPlan
    order: NDArray[np.int64]
    buffers: dict[str, NDArray[Any]]
    columns: dict[str, Any] | None

    def to_batches(self, batch_size: int) -> ResidentBatches:
        """Return the whole batches of the window."""
        n_events = len(self.order)
        arrays = {name: array[:n_events] for name, array in self.buffers.items()}
        raw = None if self.columns is None else RawColumns(self.columns, arrays[ROW])
        return ResidentBatches(to_batch(arrays), batch_size, self.order[: self.plan.n_used], raw)


class TrainingStream:
    """The training events of a file, window by window, with the next one read ahead.

    Two windows are in memory. Their arrays are used in turn: the events of one are overwritten when the one
    after the next is read.

    Parameters
    ----------
    raw
        The raw columns of the events, where these are to be changed; windows then come with their own.
    """

    def __init__(self, file: EventFile, plans: EpochPlans, raw: RawFile | None = None) -> None:
        self.file = file
        self.plans = plans
        self.raw = raw
        self._buffers: list[dict[str, NDArray[Any]]] = []
        self._running: Iterator[ResidentBatches] | None = None
        self._next = (0, 0)

    @property
    def n_events(self) -> int:
        """Number of events of an epoch."""
        return self.plans.layout.n_events

    @property
    def n_segments(self) -> int:
        """Parts of an epoch after each of which training may stop and go on later: the windows."""
        return self.plans.layout.n_windows

    def segment(self, epoch: int, number: int) -> StreamedBatches:
        """Return the batches of one part of an epoch; one part after the other is quickest."""
        plan = self.plans.window(epoch, number)
        return StreamedBatches(plan.n_used, self.plans.batch_size, lambda: self._open(epoch, number))

    def read_batch(self, epoch: int, step: int) -> tuple[Batch, NDArray[np.int64]]:
        """Return the events of one step of an epoch, and their row numbers in the training split."""
        number, step_there = self.plans.find(epoch, step)
        first = step_there * self.plans.batch_size
        positions = self.plans.positions(epoch, number)[first : first + self.plans.batch_size]
        buffers = self.file.make_buffers(len(positions), {*self.file.prepared, ROW})
        for place, position in enumerate(positions):
            self.file.read(int(position), {name: array[place : place + 1] for name, array in buffers.items()})
        rows: NDArray[np.int64] = buffers.pop(ROW)
        return to_batch(buffers), rows

    def close(self) -> None:
        """Stop reading ahead, close the file and give the memory back."""
        self._stop()
        self._buffers = []
        self.file.close()
        if self.raw is not None:
            self.raw.close()

    def _stop(self) -> None:
        running, self._running = self._running, None
        if running is not None:
            running.close()  # type: ignore[attr-defined]  # it is a generator

    def _open(self, epoch: int, number: int) -> Iterator[ResidentBatches]:
        if self._running is None or self._next != (epoch, number):
            self._stop()
            self._running = self._iterate(epoch, number)
        self._next = (epoch, number + 1)
        yield next(self._running)

    def _iterate(self, epoch: int, first: int) -> Iterator[ResidentBatches]:
        """Yield the windows of an epoch from number `first` on; one is read while another is in use."""
        with ThreadPoolExecutor(1, thread_name_prefix="read-ahead") as thread:
            before = self._load(epoch, first - 1, None) if first else None
            loaded = self._load(epoch, first, before)
            for number in range(first, self.n_segments):
                has_more = number + 1 < self.n_segments
                ahead = thread.submit(self._load, epoch, number + 1, loaded) if has_more else None
                yield loaded.to_batches(self.plans.batch_size)
                if ahead is not None:
                    loaded = ahead.result()

    def _load(self, epoch: int, number: int, before: _LoadedWindow | None) -> _LoadedWindow:
        """Read a window into the arrays that the window `before` does not use."""
        if not self._buffers:
            n_events = self.plans.layout.most_rows + self.plans.batch_size
            names = None if self.raw is None else {*self.file.prepared, *self.raw.arrays, ROW}
            self._buffers = [self.file.make_buffers(n_events, names) for _ in range(min(self.n_segments, 2))]
        plan = self.plans.window(epoch, number)
        buffers = self._buffers[number % len(self._buffers)]
        carried = None
        if before is not None and plan.n_carried:
            left = before.order[before.plan.n_used :]
            for name, array in buffers.items():
                array[: plan.n_carried] = before.buffers[name][left]
            if before.columns is not None:
                carried = pick_rows(before.columns, before.columns, left)
        start = plan.n_carried
        for block in plan.blocks:
            first, last = int(self.plans.edges[block]), int(self.plans.edges[block + 1])
            stop = start + last - first
            self.file.read(first, {name: array[start:stop] for name, array in buffers.items()})
            start = stop
        columns = None
        if self.raw is not None:
            arrays = {name: array[:start] for name, array in buffers.items()}
            columns = self.raw.load(arrays, plan, carried)
        return _LoadedWindow(plan, self.plans.order(epoch, number), buffers, columns)
