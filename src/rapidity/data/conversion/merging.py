"""Putting the parts together into the output: one after the other, or each at its place."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

import numpy as np

from rapidity.data.conversion.placing import PlaceTask
from rapidity.data.writers import OutputColumn

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path
    from types import TracebackType

    from rapidity.data.conversion.part_rows import PartOrigin, RowReader
    from rapidity.data.conversion.plan import PartPlan
    from rapidity.data.writers import Writer
    from rapidity.data.writers.hdf5_contiguous import ContiguousHdf5Writer

DEFAULT_COMPRESSION = "none"
"""Of HDF5: floats hardly compress, while writing them takes many times as long."""


class Merger:
    """Writes the output; it appears when the ``with`` block ends without error.

    Parameters
    ----------
    writer
        Not open yet.
    reader
        Makes the rows.
    """

    def __init__(self, writer: Writer, reader: RowReader) -> None:
        self._writer = writer
        self._reader = reader

    def __enter__(self) -> Self:
        self._writer.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._writer.__exit__(kind, error, trace)

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns of the output."""
        return self._reader.names

    @property
    def n_written(self) -> int:
        """Events written so far."""
        return self._writer.n_entries

    def describe(self, attributes: Mapping[str, str]) -> None:
        """Add texts about the whole file."""
        self._writer.describe(attributes)

    def add(self, path: Path, origin: PartOrigin) -> None:
        """Append the events of a part."""
        for rows in self._reader.read(path, origin):
            self._writer.write(rows)


class Placer(Merger):
    """Has parts written to their places in an output whose number of rows is known, by any process."""

    def __init__(self, writer: ContiguousHdf5Writer, reader: RowReader) -> None:
        super().__init__(writer, reader)
        self._file = writer

    def plan(self, path: Path, origin: PartOrigin, n_rows: int) -> PlaceTask:
        """Return the task that writes a part behind those planned before."""
        first_row = self._file.n_entries
        self._file.n_entries += n_rows
        output = str(self._file.temporary)
        return PlaceTask(str(path), self._reader, origin, output, self._file.regions, first_row, n_rows)


def describe_columns(
    plan: PartPlan, widths: Mapping[str, int], class_names: Sequence[str], files: Sequence[str]
) -> dict[str, OutputColumn]:
    """Return the columns of the output, in their order.

    Parameters
    ----------
    plan
        Of any sample: the columns are the same in all.
    widths
        Objects that each collection has room for, in formats that pad them.
    class_names, files
        What the codes of `class` and `source_file` stand for; no classes: no such column.
    """
    columns: dict[str, OutputColumn] = {}
    for column in plan.event_columns:
        columns[column.name] = _output_column(column, column.shape)
    for collection in plan.collections:
        columns[collection.count_name] = OutputColumn(np.int32, collection=collection.name)
        shape = (widths[collection.name],) if plan.is_padded else ()
        for column in plan.columns_of(collection):
            columns[column.name] = _output_column(column, shape, is_jagged=not plan.is_padded)
    if class_names:
        columns["class"] = OutputColumn(np.int32, class_names=tuple(class_names))
    if plan.generator_weight is not None:
        columns["event_weight"] = OutputColumn(np.float64)
    columns["source_file"] = OutputColumn(np.int32, class_names=tuple(files))
    columns["source_entry"] = OutputColumn(np.int64)
    return columns


def _output_column(column: Any, shape: tuple[int, ...], *, is_jagged: bool = False) -> OutputColumn:
    return OutputColumn(
        np.dtype(column.dtype),
        column.unit,
        source_branch=column.text if column.is_column else None,
        expression=None if column.is_column else column.text,
        collection=column.collection,
        shape=shape,
        is_jagged=is_jagged,
    )
