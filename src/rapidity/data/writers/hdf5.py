"""Columnar HDF5, the project's own layout: group `events`, one chunked dataset a column."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import h5py
import numpy as np

from rapidity.core.errors import DataError
from rapidity.data.writers.hdf5_file import create_hdf5
from rapidity.data.writers.writer import FORMAT_VERSION, OutputColumn, Writer

if TYPE_CHECKING:
    from collections.abc import Mapping
    from contextlib import ExitStack
    from pathlib import Path

    from numpy.typing import NDArray

GROUP = "events"
_CHUNK_ROWS = 65_536
_GZIP_LEVEL = 1
"""Higher levels take several times as long for a few per cent: floats hardly compress."""


class ColumnarHdf5Writer(Writer):
    """Writes group ``events`` with a dataset for each column.

    Attributes of the group: ``rapidity_format`` and those of the caller; of a dataset: ``unit``,
    ``source_branch``, and ``class_names`` for codes of classes.
    """

    def _open(self, temporary: Path, opened: ExitStack) -> None:
        self._check_names()
        file, self._stream = opened.enter_context(create_hdf5(temporary))
        group = file.create_group(GROUP, track_order=True)
        group.attrs["rapidity_format"] = FORMAT_VERSION
        for key, value in self._attributes.items():
            group.attrs[key] = value
        self._datasets = {name: _create(group, name, column) for name, column in self._columns.items()}

    def _check_names(self) -> None:
        for name in self._columns:
            if "/" in name or name in {"", "."}:
                message = (
                    f"column '{name}' cannot be written to {self.path}: HDF5 takes '/' in a name for a "
                    "folder. Write .parquet or .csv instead, or give the column another name."
                )
                raise DataError(message)

    def _append(self, chunk: Mapping[str, NDArray[Any]], n_rows: int) -> None:
        start = self.n_entries
        for name, dataset in self._datasets.items():
            dataset.resize(start + n_rows, axis=0)
            dataset[start:] = chunk[name]
        self._stream.raise_failure()


def _create(group: Any, name: str, column: OutputColumn) -> Any:
    dtype = np.dtype(column.dtype)
    dataset = group.create_dataset(
        name,
        shape=(0,),
        maxshape=(None,),
        chunks=(_CHUNK_ROWS,),
        dtype=h5py.string_dtype() if dtype.kind in "OUS" else dtype,
        compression="gzip",
        compression_opts=_GZIP_LEVEL,
        shuffle=True,
    )
    if column.unit is not None:
        dataset.attrs["unit"] = column.unit
    if column.source_branch is not None:
        dataset.attrs["source_branch"] = column.source_branch
    if column.class_names is not None:
        dataset.attrs["class_names"] = np.array(column.class_names, dtype=h5py.string_dtype())
    return dataset
