"""Raw columns of training events on disk, block by block beside what was prepared of them.

A window that is read then holds the columns of its own events, to be changed and prepared anew, without a
look at the table, whose rows lie apart. Columns with one value an event are arrays of the group of the
training events. Of objects these hold the number in each event; the values lie in a group for each set of
columns with common counts, those of a block end to end.
"""

from __future__ import annotations

import math
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from rapidity.core.jagged import Jagged
from rapidity.data.collections import pick_rows
from rapidity.data.event_file import EventFile

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from rapidity.data.blocks import BlockLayout
    from rapidity.data.raw_events import RawTrainingEvents
    from rapidity.data.streaming import WindowPlan

COLUMN, COUNT = "raw/columns/", "raw/counts/"
OBJECTS = "objects"
"""Begins the names of the groups of values of objects."""
EDGES = "block_edges"
ROW_BYTES = 8
"""Of the number of an event, by which messages call it."""

Columns = dict[str, Any]


class RawBlocks:
    """How the raw columns of training events lie in a file of blocks.

    The names of columns may hold any character: in the file they are numbers.
    """

    def __init__(self, raw: RawTrainingEvents) -> None:
        self.raw = raw
        self._columns: Mapping[str, Any] = {name: raw.stored[name] for name in raw.columns}
        groups: dict[int, list[str]] = {}
        for name, values in self._columns.items():
            if isinstance(values, Jagged):
                groups.setdefault(id(values.offsets), []).append(name)
        self.groups: tuple[tuple[str, ...], ...] = tuple(tuple(names) for names in groups.values())
        self.plain = tuple(name for name, values in self._columns.items() if not isinstance(values, Jagged))

    @property
    def dtypes(self) -> dict[str, np.dtype[Any]]:
        """The arrays with one entry an event, by name, with their types."""
        types = {
            f"{COLUMN}{number}": np.dtype((self._columns[name].dtype, self._columns[name].shape[1:]))
            for number, name in enumerate(self.plain)
        }
        return types | {f"{COUNT}{number}": np.dtype(np.int32) for number in range(len(self.groups))}

    @property
    def event_bytes(self) -> int:
        """Bytes of the columns of an event, with the objects of a usual one."""
        n_bytes = ROW_BYTES + sum(dtype.itemsize for dtype in self.dtypes.values())
        return n_bytes + math.ceil(sum(self._bytes_of_objects(names) for names in self.groups))

    def _bytes_of_objects(self, names: Sequence[str]) -> float:
        first = self._columns[names[0]]
        per_object: int = sum(self._columns[name].dtype.itemsize for name in names)
        return per_object * float(first.offsets[-1]) / max(len(first), 1)

    @property
    def n_numbers(self) -> float:
        """Numbers of a usual event."""
        n_plain = sum(math.prod(dtype.shape) for dtype in self.dtypes.values())
        objects = (self._columns[name] for names in self.groups for name in names)
        return n_plain + sum(float(one.offsets[-1]) / max(len(one), 1) for one in objects)

    def describe(self) -> list[Any]:
        """Return what decides how the columns are written, as plain values."""
        types = {name: str(values.dtype) for name, values in self._columns.items()}
        return [types, self.groups]

    def count_values(
        self, layout: BlockLayout, chunks: Iterable[tuple[int, Sequence[NDArray[np.int64]]]]
    ) -> list[NDArray[np.int64]]:
        """Return for each group where the values of each block begin and the last ends ``(n_blocks + 1,)``.

        Parameters
        ----------
        chunks
            Of each chunk its first event, and which of its rows go to which block.
        """
        edges = [np.zeros(layout.n_blocks + 1, np.int64) for _ in self.groups]
        for start, assigned in chunks:
            for found, names in zip(edges, self.groups, strict=True):
                counts = self._pick(names[:1], np.concatenate(assigned) + start)[names[0]].counts
                borders = np.cumsum([0, *map(len, assigned)])
                sums = np.concatenate([[0], np.cumsum(counts)])
                found[1:] += np.diff(sums[borders])
        return [np.cumsum(found) for found in edges]

    def value_groups(
        self, edges: Sequence[NDArray[np.int64]]
    ) -> dict[str, tuple[int, dict[str, np.dtype[Any]]]]:
        """Return the groups of the file that hold values of objects, as `create_groups` takes them."""
        return {
            f"{OBJECTS}/{number}": (
                int(edges[number][-1]),
                {str(place): self._columns[name].dtype for place, name in enumerate(names)},
            )
            for number, names in enumerate(self.groups)
        }

    def pick(self, rows: NDArray[np.int64]) -> Columns:
        """Return the columns of some training events."""
        return self._pick(self.raw.columns, rows)

    def _pick(self, names: Sequence[str], rows: NDArray[np.int64]) -> Columns:
        return pick_rows(self._columns, names, self.raw.rows.rows[rows])

    def to_arrays(self, columns: Columns) -> dict[str, NDArray[Any]]:
        """Return the arrays with one entry an event, under the names that they have in a file."""
        arrays = {f"{COLUMN}{number}": columns[name] for number, name in enumerate(self.plain)}
        return arrays | {
            f"{COUNT}{number}": columns[names[0]].counts for number, names in enumerate(self.groups)
        }

    def from_arrays(
        self, arrays: Mapping[str, NDArray[Any]], contents: Sequence[Sequence[NDArray[Any]]]
    ) -> Columns:
        """Return the columns of arrays with the names of a file, and of the values of each group."""
        columns: Columns = {name: arrays[f"{COLUMN}{number}"] for number, name in enumerate(self.plain)}
        for number, (names, values) in enumerate(zip(self.groups, contents, strict=True)):
            first = Jagged.from_counts(values[0], arrays[f"{COUNT}{number}"])
            columns |= {
                name: Jagged(content, first.offsets) for name, content in zip(names, values, strict=True)
            }
        return columns


class ValueWriter:
    """Writes values of objects into their blocks, chunk after chunk."""

    def __init__(self, path: Path, blocks: RawBlocks, edges: Sequence[NDArray[np.int64]]) -> None:
        import h5py

        self._blocks = blocks
        self._written = [found[:-1].copy() for found in edges]
        with h5py.File(path, "r+") as file:
            for number, found in enumerate(edges):
                file[f"{OBJECTS}/{number}"].attrs[EDGES] = found
        self._files = [EventFile(path, f"{OBJECTS}/{number}", "rb+") for number in range(len(edges))]

    def write(self, columns: Columns, sizes: Sequence[int]) -> None:
        """Write the objects of events that are sorted by block, so many of each."""
        borders = np.cumsum([0, *sizes])
        for names, written, file in zip(self._blocks.groups, self._written, self._files, strict=True):
            values = columns[names[0]].offsets[borders]
            for block in np.flatnonzero(np.diff(values)).tolist():
                part = slice(int(values[block]), int(values[block + 1]))
                arrays = {str(place): columns[name].content[part] for place, name in enumerate(names)}
                file.write(int(written[block]), arrays)
                written[block] += part.stop - part.start

    def close(self) -> None:
        """Close the file."""
        for file in self._files:
            file.close()


class RawFile:
    """The raw columns in a file of blocks, open to be read."""

    def __init__(self, path: Path, blocks: RawBlocks) -> None:
        import h5py

        self.blocks = blocks
        groups = [f"{OBJECTS}/{number}" for number in range(len(blocks.groups))]
        with h5py.File(path, "r") as file:
            self._edges = [np.asarray(file[group].attrs[EDGES]) for group in groups]
        self._files = [EventFile(path, group) for group in groups]

    @cached_property
    def arrays(self) -> set[str]:
        """The arrays that are read with the events."""
        return set(self.blocks.dtypes)

    def load(
        self,
        arrays: Mapping[str, NDArray[Any]],
        plan: WindowPlan,
        carried: Columns | None,
    ) -> Columns:
        """Return the columns of a window: of events carried over from the one before, then of its blocks.

        Parameters
        ----------
        arrays
            Of all events of the window, carried ones first, under the names that they have in the file.
        carried
            Columns of the former; None if nobody asks for them, since the window is only begun for the next.
        """
        if carried is None:
            for group in range(len(self.blocks.groups)):
                arrays[f"{COUNT}{group}"][: plan.n_carried] = 0
        numbers = plan.blocks
        contents = [
            list(self._read(group, numbers, [carried[name].content for name in names] if carried else []))
            for group, names in enumerate(self.blocks.groups)
        ]
        return self.blocks.from_arrays(arrays, contents)

    def _read(
        self, group: int, numbers: NDArray[np.int64], carried: Sequence[NDArray[Any]]
    ) -> Iterator[NDArray[Any]]:
        edges, file = self._edges[group], self._files[group]
        n_values = int((edges[numbers + 1] - edges[numbers]).sum())
        for place, name in enumerate(sorted(file.places, key=int)):
            start = len(carried[place]) if carried else 0
            values = np.empty(start + n_values, file.places[name].dtype)
            if carried:
                values[:start] = carried[place]
            for block in numbers.tolist():
                first, last = int(edges[block]), int(edges[block + 1])
                file.read(first, {name: values[start : start + last - first]})
                start += last - first
            yield values

    def close(self) -> None:
        """Close the file."""
        for file in self._files:
            file.close()
