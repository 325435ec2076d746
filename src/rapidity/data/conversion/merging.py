"""Putting the parts together, in the order of the files, into the output."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from rapidity.core.jagged import Jagged
from rapidity.data.conversion.part_file import read_part
from rapidity.data.writers import OutputColumn, open_writer

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path
    from types import TracebackType

    from numpy.typing import NDArray

    from rapidity.data.conversion.plan import PartPlan, PlannedCollection

DEFAULT_COMPRESSION = "none"
"""Of HDF5: floats hardly compress, while writing them takes many times as long."""


class Merger:
    """Writes the output; it appears when the ``with`` block ends without error.

    Parameters
    ----------
    plan
        Of any sample: the columns are the same in all.
    widths
        Objects that each collection has room for, in formats that pad them.
    class_names, files
        What the codes of `class` and `source_file` stand for; no classes: no such column.
    is_weighted
        Whether a physics weight is written.
    """

    def __init__(
        self,
        output: Path,
        plan: PartPlan,
        widths: Mapping[str, int],
        class_names: Sequence[str],
        files: Sequence[str],
        *,
        layout: str,
        compression: str | None,
    ) -> None:
        self._plan = plan
        self._widths = widths
        self._class_names = tuple(class_names)
        self._is_weighted = plan.generator_weight is not None
        self.columns = self._describe(tuple(files))
        self._writer = open_writer(output, columns=self.columns, layout=layout, compression=compression)
        self._opened = ExitStack()

    def __enter__(self) -> Self:
        self._opened.enter_context(self._writer)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._opened.__exit__(kind, error, trace)

    @property
    def n_written(self) -> int:
        """Events written so far."""
        return self._writer.n_entries

    def describe(self, attributes: Mapping[str, str]) -> None:
        """Add texts about the whole file."""
        self._writer.describe(attributes)

    def add(self, path: Path, file_code: int, class_code: int, factor: float) -> None:
        """Append the events of a part.

        Parameters
        ----------
        file_code, class_code
            Positions of its file and class in their lists.
        factor
            What its generator weights are multiplied by.
        """
        for arrays in read_part(path):
            self._writer.write(self._rows(iter(arrays), file_code, class_code, factor))
            arrays.clear()  # before the next ones are read

    def _rows(self, arrays: Any, file_code: int, class_code: int, factor: float) -> dict[str, Any]:
        entries = next(arrays)
        n_events = len(entries)
        rows: dict[str, Any] = {}
        if self._is_weighted:
            rows["event_weight"] = next(arrays) * factor
        counts = {collection.name: next(arrays) for collection in self._plan.collections}
        of_name = {collection.name: collection for collection in self._plan.collections}
        for column in self._plan.columns:
            values = next(arrays)
            if column.collection is not None:
                values = self._lay_out(values, of_name[column.collection], counts[column.collection])
            rows[column.name] = values
        for collection in self._plan.collections:
            rows[collection.count_name] = counts[collection.name]
        if self._class_names:
            rows["class"] = np.full(n_events, class_code, np.int32)
        rows["source_file"] = np.full(n_events, file_code, np.int32)
        rows["source_entry"] = entries
        return {name: rows[name] for name in self.columns}

    def _lay_out(self, values: NDArray[Any], collection: PlannedCollection, counts: NDArray[np.int32]) -> Any:
        """Return the values of objects as the output keeps them: in rows, or end to end."""
        if self._plan.width_of(collection) is not None:
            return values
        jagged = Jagged.from_counts(values, counts)
        return jagged.padded(self._widths[collection.name]) if self._plan.is_padded else jagged

    def _describe(self, files: tuple[str, ...]) -> dict[str, OutputColumn]:
        columns: dict[str, OutputColumn] = {}
        for column in self._plan.event_columns:
            columns[column.name] = _output_column(column, column.shape)
        for collection in self._plan.collections:
            columns[collection.count_name] = OutputColumn(np.int32, collection=collection.name)
            shape = (self._widths[collection.name],) if self._plan.is_padded else ()
            for column in self._plan.columns_of(collection):
                columns[column.name] = _output_column(column, shape, is_jagged=not self._plan.is_padded)
        if self._class_names:
            columns["class"] = OutputColumn(np.int32, class_names=self._class_names)
        if self._is_weighted:
            columns["event_weight"] = OutputColumn(np.float64)
        columns["source_file"] = OutputColumn(np.int32, class_names=files)
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
