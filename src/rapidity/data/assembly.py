"""Reading all sources into one table: selection, classes, weights, duplicates, limits, row identity.

Everything happens chunk by chunk, so that besides the kept events only one chunk is in memory.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from rapidity.core.errors import DataError
from rapidity.core.jagged import JaggedType
from rapidity.core.progress import SilentProgress
from rapidity.data.collections import align_counts, pick_rows, share_offsets
from rapidity.data.columns import ColumnPlan, plan_columns
from rapidity.data.disk_array import DiskArray
from rapidity.data.features import FeatureSet, evaluate_expression
from rapidity.data.growing import GrowingArray
from rapidity.data.growing_jagged import GrowingJagged
from rapidity.data.row_hash import SeenHashes, find_empty, hash_rows
from rapidity.data.sources import open_source
from rapidity.data.table import SPLITS, SourceCounts, Table
from rapidity.data.table_checks import check_classes, check_event_weight, check_selected
from rapidity.data.targets import ClassAssigner, make_class_assigner

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from numpy.typing import DTypeLike, NDArray

    from rapidity.config.data import DataBlock
    from rapidity.config.inputs import AnyInput
    from rapidity.config.outputs import AnyOutput
    from rapidity.core.progress import Progress, Task
    from rapidity.data.column_types import ColumnType
    from rapidity.data.sources import Chunk, JoinedFile, OpenSource
    from rapidity.data.spool import Spool


def read_table(  # noqa: PLR0913 - what is read, all but the first few by name
    data: DataBlock,
    inputs: Mapping[str, AnyInput],
    split_columns: Sequence[str],
    base: Path,
    progress: Progress | None = None,
    *,
    require_all_classes: bool = True,
    spool: Spool | None = None,
    further: Mapping[str, str] | None = None,
    outputs: Mapping[str, AnyOutput] | None = None,
) -> tuple[Table, FeatureSet]:
    """Read the selected events of all sources, and the features that the inputs mean.

    Parameters
    ----------
    split_columns
        Further columns that the split needs (see `split.needed_columns`).
    base
        Folder that file names are relative to.
    require_all_classes
        Whether a class without events is an error; False for new data to be evaluated.
    spool
        Where the columns are collected; None: in memory.
    further
        Other columns of numbers that the table is to hold, and what needs each of them.
    outputs
        Name -> output of the network, for the targets of the table; None: one classification.

    Raises
    ------
    DataError
        If a file or a column is missing or not what it should be, nothing is selected, a class has no
        events, there is one class only, or the event weights are NaN or sum to nothing.
    """
    sources = [
        open_source(index, source, base, data.collections) for index, source in enumerate(data.sources)
    ]
    plan = plan_columns(data, inputs, split_columns, sources, further, outputs)
    collector = _Collector(data, plan, GrowingArray if spool is None else spool.make_array)
    n_entries = _count_entries(sources)
    event_bytes = _prepared_bytes(plan.features, outputs)
    if spool is not None and n_entries is not None and plan.selection is None and not data.drop_duplicates:
        _look_ahead(spool, plan, n_entries, event_bytes)
    with (progress or SilentProgress()).task("Reading", total=n_entries, unit="event") as task:
        for source in sources:
            _read_source(source, plan, collector, task)
    check_selected(collector.counts, data)
    if spool is not None:
        n_kept = sum(count.n_kept for count in collector.counts)
        spool.reserve(n_kept * event_bytes)
    table = replace(collector.finish(sources), spool=spool)
    is_class_asked = outputs is None or any(one.task == "classification" for one in outputs.values())
    check_classes(table, require_all_classes=require_all_classes, is_asked=is_class_asked)
    check_event_weight(table, data)
    return table, plan.features


def _look_ahead(spool: Spool, plan: ColumnPlan, n_entries: int, event_bytes: int) -> None:
    """Go to disk at once if the columns will not fit into memory, and see whether the disk has room.

    For entries that are all kept: how much of them a selection keeps, and how many objects they have, only
    reading tells.

    Parameters
    ----------
    event_bytes
        What a prepared event takes.
    """
    types = [dtype for dtype in plan.stored.values() if not isinstance(dtype, JaggedType)]
    row_bytes = IDENTITY_BYTES + sum(dtype.itemsize for dtype in types if dtype.base.kind != "O")
    if not spool.has_room(n_entries * (row_bytes + event_bytes)):
        spool.require_disk(n_entries * row_bytes, f"the columns of {n_entries:,} events")
        spool.move_to_disk()


def _prepared_bytes(features: FeatureSet, outputs: Mapping[str, AnyOutput] | None = None) -> int:
    """Return how many bytes a prepared event takes at most: features with indicators, and the targets.

    `outputs`: those of the network; None is one classification. See `FittedOutputs.target_dtypes`.
    """
    pixels = sum(math.prod(image.shape) for image in features.images.values())
    n_features = sum(len(listed) for listed in features.tables.values())
    n_momenta = sum(len(momentum.features) for momentum in features.momenta.values())
    of_objects = sum(
        cloud.n_objects * (1 + 2 * len(cloud.features) + len(cloud.momenta) + len(cloud.coordinates))
        for cloud in features.clouds.values()
    )
    of_targets = CLASS_BYTES if outputs is None else 0
    for output in (outputs or {}).values():
        if output.task == "assignment":
            of_targets += CLASS_BYTES * features.clouds[output.cloud].n_objects
        else:
            of_targets += CLASS_BYTES if output.task == "classification" else NUMBER_BYTES
    return NUMBER_BYTES * (pixels + 2 * n_features + n_momenta + of_objects) + of_targets + WEIGHT_BYTES


def _count_entries(sources: Sequence[OpenSource]) -> int | None:
    """Return how many entries there are to read, or None where only reading tells."""
    total = 0
    for source in sources:
        counts = [file.parts[0].n_entries for file in source.files]
        if source.config.limit is not None or None in counts:
            return None
        total += sum(count for count in counts if count is not None)
    return total


def _read_source(source: OpenSource, plan: ColumnPlan, collector: _Collector, task: Task) -> None:
    collector.begin_source(source)
    for file in source.files:
        collector.begin_file(file)
        for chunk in file.read(plan.read_dtypes(file), plan.rows_at_once(file)):
            task.advance(collector.add(chunk))
            if collector.is_full:
                return


IDENTITY_BYTES = 33
"""Bytes of what is kept of an event besides its columns: source, entry, sample, class, weight, split."""
CLASS_BYTES, NUMBER_BYTES, WEIGHT_BYTES = 8, 4, 4
"""Bytes of the class of an event or object, of a prepared number, of the training weight of an event."""
TARGET = "\0target "
"""Begins the name of a target among columns, none of which has this character."""


class _Collector:
    """The kept events so far, as lists of chunks."""

    def __init__(
        self, data: DataBlock, plan: ColumnPlan, make_array: Callable[[DTypeLike], GrowingArray]
    ) -> None:
        self._data = data
        self._plan = plan
        self._make_array = make_array
        self._assigner: ClassAssigner = make_class_assigner(data)
        self._seen = SeenHashes()
        self._columns: dict[str, Any] = {
            name: _make_growing(dtype, make_array) for name, dtype in plan.stored.items()
        }
        self._source_file = make_array(np.int32)
        self._source_entry = make_array(np.int64)
        self._sample = make_array(np.int32)
        self._class_code = make_array(np.int64)
        self._event_weight = make_array(np.float64)
        self._fixed_split = make_array(np.int8)
        self._targets = {name: _make_growing(one.stored, make_array) for name, one in plan.targets.items()}
        self._files: list[JoinedFile] = []
        self._tables: list[str] = []
        self.counts: list[SourceCounts] = []

    def begin_source(self, source: OpenSource) -> None:
        self._source = source
        self.counts.append(SourceCounts(source.name, 0, 0, 0, 0))

    def begin_file(self, file: JoinedFile) -> None:
        self._file = file
        self._files.append(file)
        self._tables.append(self._source.config.tree or self._source.config.dataset or "")
        self._first_entry = 0

    @property
    def is_full(self) -> bool:
        """Whether the limit of the source is reached."""
        limit = self._source.config.limit
        return limit is not None and self.counts[-1].n_kept >= limit

    def add(self, chunk: Chunk) -> int:
        """Take in what is to be kept of a chunk; return the number of entries read."""
        n_read = len(next(iter(chunk.values())))
        chunk = align_counts(chunk, self._plan.collections, self._file.where, self._first_entry)
        entries = np.arange(self._first_entry, self._first_entry + n_read, dtype=np.int64)
        self._first_entry += n_read
        chunk, entries = _select(chunk, entries, self._plan, self._file)
        n_selected = len(entries)
        codes = self._assign_classes(chunk, n_selected)
        weight = self._evaluate_weight(chunk, entries)
        targets = self._evaluate_targets(chunk, entries)
        stored = {
            name: chunk[name].astype(_type_of_values(dtype), copy=False)
            for name, dtype in self._plan.stored.items()
        }
        rows, n_duplicates = self._choose_rows(stored, targets, codes)
        self._append({**stored, **targets}, entries, codes, weight, rows)
        n_kept = n_selected if rows is None else len(rows)
        self._count(n_read, n_selected, n_duplicates, n_kept)
        return n_read

    def _assign_classes(self, chunk: Chunk, n_events: int) -> NDArray[np.int64]:
        target: NDArray[Any] | None = None
        if self._plan.class_value is not None:
            target = evaluate_expression(self._plan.class_value, chunk)
        elif self._data.target is not None:
            target = chunk[self._data.target]
        return self._assigner.assign(self._source.config, target, n_events, self._file.where)

    def _evaluate_weight(self, chunk: Chunk, entries: NDArray[np.int64]) -> NDArray[np.float64] | None:
        if self._plan.event_weight is None:
            return None
        weight = evaluate_expression(self._plan.event_weight, chunk)
        bad = np.flatnonzero(~np.isfinite(weight))
        if len(bad):
            message = (
                f"data.event_weight is {weight[bad[0]]} at entry {entries[bad[0]]} of {self._file.where}. "
                "Weights must be finite numbers: correct the file, or leave such events out with "
                "data.selection."
            )
            raise DataError(message)
        return weight

    def _evaluate_targets(self, chunk: Chunk, entries: NDArray[np.int64]) -> Chunk:
        """Return what is true of the events, by the number of the output: a column may have its name."""

        def name_row(row: int) -> str:
            return f"entry {entries[row]} of {self._file.where}"

        targets = self._plan.targets.values()
        return {f"{TARGET}{index}": one.evaluate(chunk, name_row) for index, one in enumerate(targets)}

    def _choose_rows(
        self, stored: Chunk, targets: Chunk, codes: NDArray[np.int64]
    ) -> tuple[NDArray[np.int64] | None, int]:
        """Return the rows to keep (None for all) and the number of duplicates among the others."""
        limit = self._source.config.limit
        n_free = len(codes) if limit is None else limit - self.counts[-1].n_kept
        if not self._data.drop_duplicates or not len(codes):
            return (np.arange(n_free) if n_free < len(codes) else None), 0
        columns = [stored[name] for name in self._plan.features.columns]
        hashes = hash_rows([*columns, *targets.values()], start=codes.view(np.uint64))
        is_new = find_empty(columns, len(codes))
        comparable = np.flatnonzero(~is_new)
        is_new[comparable[self._seen.find_new(hashes[comparable])]] = True
        new = np.flatnonzero(is_new)
        # Events cut by the limit are not in the table, so a later equal one is no duplicate of them.
        self._seen.add(hashes[np.intersect1d(new[:n_free], comparable)])
        return new[:n_free], len(codes) - len(new)

    def _append(
        self,
        stored: Chunk,
        entries: NDArray[np.int64],
        codes: NDArray[np.int64],
        weight: NDArray[np.float64] | None,
        rows: NDArray[np.int64] | None,
    ) -> None:
        kept: Any = slice(None) if rows is None else rows
        growing = {**self._columns, **{f"{TARGET}{n}": one for n, one in enumerate(self._targets.values())}}
        for name, values in pick_rows(stored, stored, kept).items():
            growing[name].append(values)
        entries = entries[kept]
        split = self._source.config.split
        self._source_entry.append(entries)
        self._source_file.append(np.full(len(entries), len(self._files) - 1))
        self._sample.append(np.full(len(entries), self._source.index))
        self._class_code.append(codes[kept])
        self._fixed_split.append(np.full(len(entries), -1 if split is None else SPLITS.index(split)))
        if weight is not None:
            self._event_weight.append(weight[kept])

    def _count(self, n_read: int, n_selected: int, n_duplicates: int, n_kept: int) -> None:
        before = self.counts[-1]
        self.counts[-1] = SourceCounts(
            before.source,
            before.n_read + n_read,
            before.n_selected + n_selected,
            before.n_duplicates + n_duplicates,
            before.n_kept + n_kept,
        )

    def finish(self, sources: Sequence[OpenSource]) -> Table:
        """Return the table."""
        finished = {name: growing.finish() for name, growing in self._columns.items()}
        columns = share_offsets(finished, self._plan.collections)
        codes = self._class_code.finish()
        classes, class_index = self._assigner.finish(codes)
        if isinstance(codes, DiskArray) and not isinstance(class_index, DiskArray):
            kept = self._make_array(np.int64)
            kept.append(class_index)
            class_index = kept.finish()
        return Table(
            columns=columns,
            files=tuple(str(file.path) for file in self._files),
            source_file=self._source_file.finish(),
            source_entry=self._source_entry.finish(),
            sample=self._sample.finish(),
            classes=classes,
            class_index=class_index,
            event_weight=self._event_weight.finish() if self._plan.event_weight else None,
            fixed_split=self._fixed_split.finish(),
            event_key=self._data.event_key or (),
            units=_collect_units(columns, sources, self._plan),
            counts=tuple(self.counts),
            tables=tuple(self._tables),
            targets={name: growing.finish() for name, growing in self._targets.items()},
            joined_files=tuple(str(part.path) for file in self._files for part in file.parts[1:]),
        )


def _select(
    chunk: Chunk, entries: NDArray[np.int64], plan: ColumnPlan, file: JoinedFile
) -> tuple[Chunk, NDArray[np.int64]]:
    """Return the rows of a chunk that fulfil the selection."""
    if plan.selection is None:
        return chunk, entries
    values = evaluate_expression(plan.selection, chunk)
    is_kept = values != 0
    if not np.isin(values, (0.0, 1.0)).all():
        row = int(np.flatnonzero(~np.isin(values, (0.0, 1.0)))[0])
        message = (
            f"data.selection '{plan.selection.text}' gives {values[row]:g} at entry {entries[row]} of "
            f"{file.where}. "
            "A selection must be true or false for every event: compare with something, as in `pt > 20`."
        )
        raise DataError(message)
    if is_kept.all():
        return chunk, entries
    rows = np.flatnonzero(is_kept)
    return pick_rows(chunk, chunk, rows), entries[rows]


def _make_growing(dtype: ColumnType, make_array: Callable[[DTypeLike], GrowingArray]) -> Any:
    """Return what a column of this type is collected in."""
    return GrowingJagged(dtype.dtype, make_array) if isinstance(dtype, JaggedType) else make_array(dtype)


def _type_of_values(dtype: ColumnType) -> np.dtype[Any]:
    return dtype.dtype if isinstance(dtype, JaggedType) else dtype.base


def _collect_units(
    columns: Mapping[str, Any], sources: Sequence[OpenSource], plan: ColumnPlan
) -> dict[str, str]:
    known = sources[0].files[0].columns
    of_targets = [name for one in plan.targets.values() for name in one.expression.columns]
    return {name: unit for name in (*columns, *of_targets) if (unit := known[name].unit) is not None}
