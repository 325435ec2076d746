"""Converting one part: a range of entries of one file, chunk by chunk, into a part file."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from rapidity.core.errors import ConfigError, DataError
from rapidity.core.jagged import Jagged
from rapidity.data.collections import align_counts, pick_rows
from rapidity.data.conversion.arrangement import arrange_objects, arrange_rows
from rapidity.data.conversion.looking import BadFile, FileId, identify_file, open_stored
from rapidity.data.conversion.padded_arrays import KEY
from rapidity.data.conversion.part_file import UnwritablePartError, write_part
from rapidity.data.object_arrays import with_objects
from rapidity.expressions import parse_expression

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from rapidity.data.conversion.arrangement import Arrangement, RowArrangement
    from rapidity.data.conversion.plan import PartPlan, PlannedCollection, PlannedColumn
    from rapidity.data.readers import Reader


@dataclass(frozen=True)
class PartTask:
    """One part: which entries of which file, what is done with them, and where the result goes.

    Attributes
    ----------
    entries
        First entry and one past the last; None for a file whose number of entries only reading tells.
    destination
        The part file.
    """

    file: FileId
    entries: tuple[int, int] | None
    plan: PartPlan
    destination: str

    @property
    def name(self) -> str:
        """How messages call it."""
        if self.entries is None:
            return self.file.path
        return f"entries {self.entries[0]} to {self.entries[1]} of {self.file.path}"


@dataclass(frozen=True)
class PartResult:
    """What became of a part.

    Attributes
    ----------
    n_bytes
        Size of the part file.
    sum_of_weights
        Generator weights of all entries, before the selection; None without weights.
    n_negative
        Selected events with a negative weight.
    n_largest
        By collection: objects of the fullest event, after the cut.
    n_cut, n_events_cut
        By collection: objects left out because an event has too many; events that lose some.
    """

    n_read: int
    n_selected: int
    n_bytes: int
    seconds: float
    sum_of_weights: float | None = None
    n_negative: int = 0
    n_largest: Mapping[str, int] = field(default_factory=dict)
    n_cut: Mapping[str, int] = field(default_factory=dict)
    n_events_cut: Mapping[str, int] = field(default_factory=dict)


def convert_part(task: PartTask) -> PartResult | BadFile:
    """Read the entries of a part, select, compute, arrange, and write the part file.

    What is wrong with the file or its content is returned: it is for the caller to stop or to go on.

    Raises
    ------
    UnwritablePartError
        If the part cannot be written.
    """
    try:
        return _Conversion(task).run()
    except UnwritablePartError:
        raise
    except DataError as error:
        return BadFile(task.file.path, str(error))


@lru_cache(maxsize=1)
def _open(file: FileId) -> Reader:
    """Return the table of a file; that of the last one is known, as the next part is often of the same."""
    return with_objects(open_stored(Path(file.path), file.source), file.arrays, KEY)


class _Conversion:
    """The work on one part, and what is counted on the way."""

    def __init__(self, task: PartTask) -> None:
        self._task = task
        self._plan = plan = task.plan
        self._selection = None if plan.selection is None else self._parse(plan.selection)
        self._weight = self._parse(plan.generator_weight) if isinstance(plan.generator_weight, str) else None
        self._columns = {
            column.name: None if column.is_column else self._parse(column.text) for column in plan.columns
        }
        self._n_read = self._n_selected = self._n_negative = 0
        self._sums: list[float] = []
        names = [collection.name for collection in plan.collections]
        self._n_largest = dict.fromkeys(names, 0)
        self._n_cut = dict.fromkeys(names, 0)
        self._n_events_cut = dict.fromkeys(names, 0)

    def _parse(self, text: str) -> Any:
        return parse_expression(text, self._plan.objects, self._plan.collection_of)

    def run(self) -> PartResult:
        start = time.perf_counter()
        task = self._task
        path = Path(task.file.path)
        if identify_file(path) != (task.file.size, task.file.mtime_ns):
            message = f"{path} has changed since the conversion began. Let it be finished, and convert again."
            raise DataError(message)
        self._reader = _open(task.file)
        destination = Path(task.destination)
        first_entry = task.entries[0] if task.entries else 0
        types = {column.name: column.type for column in self._plan.raw}
        with write_part(destination) as append:
            for chunk in self._reader.read(types, self._plan.chunk_size, task.entries):
                arrays = self._convert(chunk, first_entry + self._n_read)
                if arrays:
                    append(arrays)
                del chunk, arrays  # before the next ones are read
        return PartResult(
            self._n_read,
            self._n_selected,
            destination.stat().st_size,
            time.perf_counter() - start,
            None if self._plan.generator_weight is None else math.fsum(self._sums),
            self._n_negative,
            self._n_largest,
            self._n_cut,
            self._n_events_cut,
        )

    def _convert(self, chunk: dict[str, Any], first_entry: int) -> list[NDArray[Any]]:
        """Return the arrays of a chunk, entries, weight, counts, columns; none if nothing is selected."""
        chunk = align_counts(chunk, self._plan.collection_of, self._reader.where, first_entry)
        n_events = len(next(iter(chunk.values())))
        self._n_read += n_events
        weight = self._generator_weight(chunk, n_events, first_entry)
        rows = self._select(chunk, first_entry)
        n_selected = n_events if rows is None else len(rows)
        self._n_selected += n_selected
        if not n_selected:
            return []
        entries = np.arange(first_entry, first_entry + n_events, dtype=np.int64)
        arrays: list[NDArray[Any]] = [entries if rows is None else entries[rows]]
        if weight is not None:
            arrays.append(weight if rows is None else weight[rows])
            self._n_negative += int(np.count_nonzero(arrays[-1] < 0))
        chunk = pick_rows(chunk, chunk, rows)
        values = {column.name: self._values(column, chunk) for column in self._plan.event_columns}
        for collection in self._plan.collections:
            counts, objects = self._arrange(collection, chunk)
            arrays.append(counts)
            values |= objects
        return [*arrays, *(values[column.name] for column in self._plan.columns)]

    def _generator_weight(
        self, chunk: Mapping[str, Any], n_events: int, first_entry: int
    ) -> NDArray[np.float64] | None:
        if self._plan.generator_weight is None:
            return None
        if self._weight is None:
            weight = np.full(n_events, float(self._plan.generator_weight))
        else:
            weight = np.asarray(_evaluate(self._weight, chunk), np.float64)
        bad = np.flatnonzero(~np.isfinite(weight))
        if len(bad):
            message = (
                f"generator_weight '{self._plan.generator_weight}' is {weight[bad[0]]} at entry "
                f"{first_entry + bad[0]} of {self._reader.where}. Weights must be finite numbers: correct "
                "the file or the expression."
            )
            raise DataError(message)
        self._sums.append(float(weight.sum()))
        return weight

    def _select(self, chunk: Mapping[str, Any], first_entry: int) -> NDArray[np.int64] | None:
        """Return the rows that fulfil the selection; None for all."""
        if self._selection is None:
            return None
        values = np.asarray(_evaluate(self._selection, chunk))
        if values.dtype != np.bool_:
            bad = np.flatnonzero(~np.isin(values, (0, 1)))
            if len(bad):
                message = (
                    f"selection '{self._selection.text}' gives {values[bad[0]]:g} at entry "
                    f"{first_entry + bad[0]} of {self._reader.where}. A selection must be true or false for "
                    "every event: compare with something, as in `pt > 20`."
                )
                raise DataError(message)
            values = values != 0
        return None if values.all() else np.flatnonzero(values)

    def _values(self, column: PlannedColumn, chunk: Mapping[str, Any]) -> Any:
        """Return the values of a column in the type they are stored as; of objects as `Jagged`."""
        expression = self._columns[column.name]
        values = chunk[column.text] if expression is None else _evaluate(expression, chunk)
        dtype = np.dtype(column.dtype)
        if isinstance(values, Jagged):
            return _cast(values.content, dtype, values.offsets)
        return _cast(np.asarray(values), dtype)

    def _values_of_objects(
        self, column: PlannedColumn, chunk: Mapping[str, Any], offsets: NDArray[np.int64]
    ) -> Jagged:
        values: Jagged = self._values(column, chunk)
        if values.offsets is not offsets and not np.array_equal(values.offsets, offsets):
            message = (
                f"column '{column.name}' (`{column.text}`) has another number of values than the collection "
                f"'{column.collection}' has objects. Choose the objects of a collection with its `select`."
            )
            raise ConfigError(message)
        return values

    def _arrange(
        self, collection: PlannedCollection, chunk: Mapping[str, Any]
    ) -> tuple[NDArray[np.int32], dict[str, NDArray[Any]]]:
        """Return the number of objects of each event, and the columns of the objects that are kept."""
        offsets = next(
            chunk[name].offsets
            for name, source in self._plan.collection_of.items()
            if source == collection.source
        )
        columns = {
            column.name: self._values_of_objects(column, chunk, offsets)
            for column in self._plan.columns_of(collection)
        }
        is_kept = self._of_objects(collection.select, chunk)
        if is_kept is not None:
            is_kept = is_kept.astype(np.bool_, copy=False)
        key = self._of_objects(collection.order_by, chunk)
        width = self._plan.width_of(collection)
        objects: dict[str, NDArray[Any]]
        if width is not None:
            rows = arrange_rows(offsets, is_kept, key, width)
            objects = {name: rows.apply(values) for name, values in columns.items()}
            self._count(collection, rows)
            return rows.counts.astype(np.int32), objects
        arranged = arrange_objects(offsets, is_kept, key, collection.n_objects)
        objects = {name: arranged.apply(values).content for name, values in columns.items()}
        self._count(collection, arranged)
        return arranged.counts.astype(np.int32), objects

    def _of_objects(self, text: str | None, chunk: Mapping[str, Any]) -> NDArray[Any] | None:
        if text is None:
            return None
        values = chunk[text] if text in chunk else _evaluate(self._parse(text), chunk)
        content: NDArray[Any] = values.content
        return content

    def _count(self, collection: PlannedCollection, arranged: Arrangement | RowArrangement) -> None:
        name = collection.name
        self._n_largest[name] = max(self._n_largest[name], int(arranged.counts.max(initial=0)))
        self._n_cut[name] += arranged.n_cut
        self._n_events_cut[name] += arranged.n_events_cut


def _evaluate(expression: Any, chunk: Mapping[str, Any]) -> Any:
    return expression.evaluate({name: chunk[name] for name in expression.columns})


def _cast(values: NDArray[Any], dtype: np.dtype[Any], offsets: NDArray[np.int64] | None = None) -> Any:
    with np.errstate(over="ignore", invalid="ignore"):
        stored = values.astype(str).astype(object) if dtype.kind == "O" else values.astype(dtype, copy=False)
    return stored if offsets is None else Jagged(stored, offsets)
