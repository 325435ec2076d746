"""Columnar HDF5, the project's own layout: group `events`, one chunked dataset a column."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import h5py
import numpy as np

from rapidity.core.errors import DataError
from rapidity.data.writers.hdf5_chunks import ChunkedDataset
from rapidity.data.writers.hdf5_file import create_group, create_hdf5
from rapidity.data.writers.writer import FORMAT_VERSION, OutputColumn, Writer

if TYPE_CHECKING:
    from collections.abc import Mapping
    from contextlib import ExitStack
    from pathlib import Path

    from numpy.typing import NDArray

GROUP = "events"


class Hdf5Writer(Writer):
    """What the layouts of HDF5 share: the file, its group, the attributes, the threads that compress."""

    def __init__(
        self,
        path: Path,
        columns: Mapping[str, OutputColumn],
        attributes: Mapping[str, str],
        compression: str = "gzip",
    ) -> None:
        super().__init__(path, columns, attributes)
        self._compression = compression
        self._pool: ThreadPoolExecutor | None = None

    def _open(self, temporary: Path, opened: ExitStack) -> None:
        self._check_names()
        file, self._stream = opened.enter_context(create_hdf5(temporary))
        if self._compression == "gzip":
            self._pool = opened.enter_context(ThreadPoolExecutor(os.cpu_count()))
        self._file = file
        self._group = create_group(file, GROUP)
        self._begin()
        opened.push(self._end)

    def _check_names(self) -> None:
        for name in self._columns:
            if "/" in name or name in {"", "."}:
                message = (
                    f"column '{name}' cannot be written to {self.path}: HDF5 takes '/' in a name for a "
                    "folder. Write .parquet or .csv instead, or give the column another name."
                )
                raise DataError(message)

    def _begin(self) -> None:
        """Make what is there before the first rows."""

    def _finish(self) -> None:
        """Write what is left when all rows are there."""

    def _end(self, kind: type[BaseException] | None, _error: object, _trace: object) -> None:
        if kind is not None:
            return
        self._finish()
        self._group.attrs["rapidity_format"] = FORMAT_VERSION
        for key, value in self._attributes.items():
            self._group.attrs[key] = value

    def _dataset(
        self, group: Any, name: str, dtype: np.dtype[Any], shape: tuple[int, ...] = ()
    ) -> ChunkedDataset:
        return ChunkedDataset(group, name, dtype, shape, self._compression, self._pool)


class ColumnarHdf5Writer(Hdf5Writer):
    """Writes group ``events`` with a dataset for each column.

    Attributes of the group: ``rapidity_format`` and those of the caller; of a dataset: ``unit``,
    ``source_branch`` or ``expression``, ``collection``, and ``names`` for codes of classes.
    """

    def _begin(self) -> None:
        self._datasets = {
            name: self._dataset(self._group, name, np.dtype(column.dtype), column.shape)
            for name, column in self._columns.items()
        }
        for name, column in self._columns.items():
            self._datasets[name].attributes = attributes_of(column)

    def _append(self, chunk: Mapping[str, NDArray[Any]], n_rows: int) -> None:
        datasets = self._datasets.values()
        if self.n_entries + n_rows >= min(dataset.chunk_rows for dataset in datasets):
            # All together, in their order, as soon as the first one has filled a chunk.
            for dataset in datasets:
                dataset.make()
        for name, dataset in self._datasets.items():
            dataset.append(chunk[name])
        self._stream.raise_failure()

    def _finish(self) -> None:
        for dataset in self._datasets.values():
            dataset.finish()


def attributes_of(column: OutputColumn) -> dict[str, Any]:
    """Return the attributes of the dataset of a column."""
    attributes: dict[str, Any] = dict(column.facts)
    if column.class_names is not None:
        attributes["names"] = np.array(column.class_names, dtype=h5py.string_dtype())
    return attributes
