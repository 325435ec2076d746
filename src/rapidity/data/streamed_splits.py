"""The prepared events of a run on disk: training events in blocks, validation events in their order.

The file is written when training first needs it, and used again by a training that goes on, if it was made
of the same events in the same way.
"""

from __future__ import annotations

import hashlib
import json
import math
import shutil
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from rapidity.core.files import write_atomically
from rapidity.core.jagged import Jagged
from rapidity.core.random import make_generator
from rapidity.core.sizes import show_size
from rapidity.data.batches import make_batch
from rapidity.data.blocks import assign_blocks, plan_blocks
from rapidity.data.event_file import INPUT, ROW, TARGET, WEIGHT, EventFile, create_groups, to_arrays, to_batch
from rapidity.data.fitted_outputs import FittedOutputs
from rapidity.data.raw_blocks import RawBlocks, RawFile, ValueWriter
from rapidity.data.spool import full_disk
from rapidity.data.streaming import EpochPlans, TrainingStream

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    from rapidity.core.records import Batch
    from rapidity.data.preparation import FittedPreparation
    from rapidity.data.raw_events import RawTrainingEvents
    from rapidity.data.split import SplitRows, TrainRows, ValidationRows
    from rapidity.data.weights import TrainingWeights

FILE_NAME = "prepared.h5"
KEY = "identity"
TRAIN, VALIDATION = "train", "validation"
CHUNK_SHARE = 16
"""Events prepared, or looked at, at a time take this part of the bound."""
LEAST_CHUNK = 2**22
"""Bytes of a chunk at least; smaller ones cost more than they are worth."""
HASHED_BYTES = 2**22
N_CHECKED, CHECKED_BYTES = 1000, 2**24
"""So many events, and of large ones as many as have so many bytes, are prepared for the identity."""


def bytes_per_event(preparation: FittedPreparation, outputs: FittedOutputs, *, has_weight: bool) -> int:
    """Return the bytes of a prepared event: float32 inputs, the targets, a float32 weight."""
    n_numbers = sum(math.prod(shape) for shape in preparation.input_shapes().values())
    return 4 * n_numbers + outputs.event_bytes(preparation) + (4 if has_weight else 0)


@dataclass(frozen=True)
class StreamSettings:
    """How events are streamed.

    Attributes
    ----------
    memory
        Bytes that the events may take in memory.
    batch_size
        Events in a batch of training.
    seed
        Decides which event lies in which block, and the order of every epoch.
    """

    memory: int
    batch_size: int
    seed: int


class StreamedSplits:
    """The training and validation split of a run, of which only a part is in memory at a time.

    Parameters
    ----------
    folder
        Where the file is kept; it is made, and nothing else should be in it.
    outputs
        Whose targets the events get; None: a single classification.
    raw
        The columns of the training events that are changed before training sees them; they then lie beside
        the prepared events, and pass through memory with them.
    """

    def __init__(
        self,
        folder: Path,
        train: TrainingWeights[TrainRows],
        validation: TrainingWeights[ValidationRows],
        preparation: FittedPreparation,
        settings: StreamSettings,
        outputs: FittedOutputs | None = None,
        raw: RawTrainingEvents | None = None,
    ) -> None:
        self.folder = folder
        self.outputs = outputs or FittedOutputs.usual(train.rows.table.classes)
        self.weights: dict[str, TrainingWeights[Any]] = {TRAIN: train, VALIDATION: validation}
        self.preparation = preparation
        self.settings = settings
        self.event_bytes = bytes_per_event(preparation, self.outputs, has_weight=train.values is not None)
        self.raw = None if raw is None else RawBlocks(raw)
        n_events, memory, window_bytes = train.rows.n_events, settings.memory, self.window_bytes
        self.layout = plan_blocks(n_events, window_bytes, memory, settings.batch_size)
        # In bytes: a thousand images are hundreds of megabytes, and a forward pass takes several times that.
        self.chunk_size = max(memory // CHUNK_SHARE, LEAST_CHUNK) // window_bytes or 1

    @property
    def window_bytes(self) -> int:
        """Bytes of a training event in a window, its raw columns included."""
        return self.event_bytes + (0 if self.raw is None else self.raw.event_bytes)

    @cached_property
    def identity(self) -> str:
        """A hash of all that decides what is in the file: raw events, how they are prepared and divided."""
        digest = hashlib.blake2b(digest_size=16)
        described: list[Any] = [self.preparation.to_dict(), str(self.layout), self.settings.seed]
        described.append({name: output.to_dict() for name, output in self.outputs.outputs.items()})
        described += [] if self.raw is None else self.raw.describe()
        digest.update(json.dumps(described, sort_keys=True).encode())
        table = self.weights[TRAIN].rows.table
        n_checked = min(N_CHECKED, CHECKED_BYTES // self.event_bytes or 1)
        for weights in self.weights.values():
            _update(digest, weights.rows.rows)
            if weights.values is not None:
                _update(digest, weights.values)
            # What the program makes of some events: another version of it may make something else.
            checked = type(weights.rows)(table, weights.rows.rows[:n_checked])
            for array in to_arrays(make_batch(checked, self.preparation, None, self.outputs)).values():
                _update(digest, array)
        _update(digest, table.class_index)
        for truth in table.targets.values():
            for array in (truth.content, truth.offsets) if isinstance(truth, Jagged) else (truth,):
                _update(digest, array)
        further = [] if self.raw is None else [name for name in self.raw.raw.columns if name in table.columns]
        for name in dict.fromkeys((*self.preparation.columns, *further)):
            column = table.columns[name]
            for array in (column.content, column.offsets) if isinstance(column, Jagged) else (column,):
                _update(digest, array)
        return digest.hexdigest()

    @cached_property
    def path(self) -> Path:
        """The file, written now if it is not there."""
        path = self.folder / FILE_NAME
        if _read_key(path) == self.identity:
            return path
        self.remove()
        self._require_disk()
        with write_atomically(path) as temporary:
            self._write(temporary)
        return path

    @cached_property
    def stream(self) -> TrainingStream:
        """The training events, epoch by epoch."""
        plans = EpochPlans(self.layout, self.settings.batch_size, self.settings.seed)
        raw = None if self.raw is None else RawFile(self.path, self.raw)
        return TrainingStream(EventFile(self.path, TRAIN), plans, raw)

    @property
    def n_events(self) -> int:
        """Number of training events."""
        return self.layout.n_events

    @property
    def n_segments(self) -> int:
        """Parts of an epoch after each of which training may stop: the windows."""
        return self.layout.n_windows

    @property
    def validation(self) -> StreamedValidation:
        """The validation events."""
        return StreamedValidation(self)

    def take_sample(self, n_wanted: int) -> Batch:
        """Return some training events at random, to stay in memory; at most an eighth of the bound."""
        n_wanted = max(min(n_wanted, self.settings.memory // (8 * self.event_bytes), self.n_events), 1)
        edges = self.layout.edges
        # Each block is a random sample of all events.
        n_blocks = int(np.searchsorted(edges, n_wanted))
        chosen = make_generator(self.settings.seed, "monitor").choice(
            int(edges[n_blocks]), n_wanted, replace=False
        )
        chosen.sort()
        with EventFile(self.path, TRAIN) as file:
            taken = file.make_buffers(n_wanted)
            for block in range(n_blocks):
                first, last = np.searchsorted(chosen, edges[block : block + 2])
                buffers = file.make_buffers(int(edges[block + 1] - edges[block]))
                file.read(int(edges[block]), buffers)
                for name, array in taken.items():
                    array[first:last] = buffers[name][chosen[first:last] - edges[block]]
        return to_batch(taken)

    def close(self) -> None:
        """Stop reading."""
        if "stream" in self.__dict__:
            self.stream.close()
            del self.__dict__["stream"]

    def remove(self) -> None:
        """Remove the file, and what an earlier, interrupted writing has left beside it."""
        self.close()
        shutil.rmtree(self.folder, ignore_errors=True)
        self.__dict__.pop("path", None)

    def _require_disk(self) -> None:
        n_validation = self.weights[VALIDATION].rows.n_events
        needed = self.n_events * (self.window_bytes + 8) + n_validation * self.event_bytes
        folder = next(folder for folder in self.folder.parents if folder.exists())
        free = shutil.disk_usage(folder).free
        if needed > free:
            why = f"the prepared events need {show_size(needed)}, and {show_size(free)} are free"
            raise full_disk(folder, why)

    def _write(self, path: Path) -> None:
        import h5py

        dtypes = self._dtypes()
        n_validation = self.weights[VALIDATION].rows.n_events
        of_columns = {} if self.raw is None else self.raw.dtypes
        groups = {
            TRAIN: (self.n_events, {**dtypes, ROW: np.dtype(np.int64), **of_columns}),
            VALIDATION: (n_validation, dtypes),
        }
        edges = []
        if self.raw is not None:
            starts = range(0, self.n_events, self.chunk_size)
            edges = self.raw.count_values(self.layout, zip(starts, self._assign_blocks(), strict=True))
            groups |= self.raw.value_groups(edges)
        create_groups(path, groups)
        values = None if self.raw is None else ValueWriter(path, self.raw, edges)
        try:
            self._write_blocks(path, values)
        finally:
            if values is not None:
                values.close()
        with EventFile(path, VALIDATION, "rb+") as file:
            start = 0
            for _, events in self._prepare(self.weights[VALIDATION]):
                file.write(start, to_arrays(events))
                start += events.n_events
        with h5py.File(path, "r+") as file:
            file.attrs[KEY] = self.identity
            file[TRAIN].attrs["block_edges"] = self.layout.edges

    def _assign_blocks(self) -> Iterator[list[NDArray[np.int64]]]:
        """Yield, for each chunk, which of its rows go to which block."""
        sizes = (
            min(self.chunk_size, self.n_events - start) for start in range(0, self.n_events, self.chunk_size)
        )
        return assign_blocks(self.layout, sizes, self.settings.seed)

    def _write_blocks(self, path: Path, values: ValueWriter | None) -> None:
        written = self.layout.edges[:-1].copy()
        chunks = zip(self._assign_blocks(), self._prepare(self.weights[TRAIN]), strict=True)
        with EventFile(path, TRAIN, "rb+") as file:
            for assigned, (start, events) in chunks:
                order = np.concatenate(assigned)
                arrays = {name: array[order] for name, array in to_arrays(events).items()}
                arrays[ROW] = start + order
                if self.raw is not None and values is not None:
                    columns = self.raw.pick(start + order)
                    arrays |= self.raw.to_arrays(columns)
                    values.write(columns, list(map(len, assigned)))
                first = 0
                for block, rows in enumerate(assigned):
                    last = first + len(rows)
                    if len(rows):
                        file.write(
                            int(written[block]), {name: array[first:last] for name, array in arrays.items()}
                        )
                        written[block] += len(rows)
                    first = last

    def _prepare(self, weights: TrainingWeights[Any]) -> Iterator[tuple[int, Batch]]:
        """Yield the number of the first event of each chunk, and its prepared events."""
        rows: SplitRows = weights.rows
        for start in range(0, rows.n_events, self.chunk_size):
            part = slice(start, min(start + self.chunk_size, rows.n_events))
            chosen = type(rows)(rows.table, rows.rows[part])
            values = None if weights.values is None else weights.values[part]
            yield start, make_batch(chosen, self.preparation, values, self.outputs)

    def _dtypes(self) -> dict[str, np.dtype[Any]]:
        dtypes: dict[str, np.dtype[Any]] = {
            INPUT + name: np.dtype((np.float32, shape))
            for name, shape in self.preparation.input_shapes().items()
        }
        for name, dtype in self.outputs.target_dtypes(self.preparation).items():
            dtypes[TARGET + name] = dtype
        if self.weights[TRAIN].values is not None:
            dtypes[WEIGHT] = np.dtype(np.float32)
        return dtypes


class StreamedValidation:
    """The validation events, chunk by chunk in their order (`core.records.StreamedEvents`)."""

    def __init__(self, splits: StreamedSplits) -> None:
        self._splits = splits
        self._weights = splits.weights[VALIDATION]

    @property
    def n_events(self) -> int:
        """Number of events."""
        return int(self._weights.rows.n_events)

    @property
    def total_weight(self) -> float:
        """Sum of the training weights."""
        values = self._weights.values
        return float(self.n_events if values is None else values.sum(dtype=np.float64))

    @property
    def identity(self) -> str:
        """A hash of all that decides what the events are."""
        return self._splits.identity

    def chunks(self) -> Iterator[Batch]:
        """Yield the events from the beginning; the memory of a chunk is used again for the next."""
        with EventFile(self._splits.path, VALIDATION) as file:
            size = self._splits.chunk_size
            buffers = file.make_buffers(min(size, self.n_events))
            for start in range(0, self.n_events, size):
                n_rows = min(size, self.n_events - start)
                part = {name: array[:n_rows] for name, array in buffers.items()}
                file.read(start, part)
                yield to_batch(part)


def _read_key(path: Path) -> str | None:
    """Return the identity of a file; None if it is not there, or not whole."""
    import h5py

    try:
        with h5py.File(path, "r") as file:
            return str(file.attrs.get(KEY))
    except OSError:
        return None


def _update(digest: Any, array: NDArray[Any]) -> None:
    """Add type, shape and values of an array to a hash, piece by piece."""
    digest.update(f"{array.dtype.str} {array.shape}".encode())
    size = max(HASHED_BYTES // max(array.dtype.itemsize * math.prod(array.shape[1:]), 1), 1)
    for start in range(0, len(array), size):
        digest.update(np.ascontiguousarray(array[start : start + size]).data)
