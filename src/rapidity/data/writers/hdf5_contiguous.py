"""Columnar HDF5 whose number of rows is known before: each dataset in one piece, written by anybody.

The library makes the datasets and keeps what describes them; the values go past it, straight to their place
in the file, from any process of the machine and in any order.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import h5py
import numpy as np

from rapidity.data.writers.hdf5 import Hdf5Writer, attributes_of
from rapidity.data.writers.regions import Region, write_rows

if TYPE_CHECKING:
    from collections.abc import Mapping
    from contextlib import ExitStack
    from pathlib import Path

    from numpy.typing import NDArray

    from rapidity.data.writers.writer import OutputColumn


class ContiguousHdf5Writer(Hdf5Writer):
    """Writes the same as `ColumnarHdf5Writer`, uncompressed and without chunks.

    Parameters
    ----------
    columns
        All of fixed size.
    n_rows
        Rows that there will be; the ones that nobody writes are undefined.
    """

    def __init__(self, path: Path, columns: Mapping[str, OutputColumn], n_rows: int) -> None:
        super().__init__(path, columns, {}, "none")
        self._n_rows = n_rows
        self.regions: dict[str, Region] = {}
        """By column; inside the ``with`` block."""

    @property
    def temporary(self) -> Path:
        """The file that `write_rows` may write to, until the ``with`` block ends."""
        return self._temporary

    def _open(self, temporary: Path, opened: ExitStack) -> None:
        self._temporary = temporary
        super()._open(temporary, opened)

    def _begin(self) -> None:
        for name, column in self._columns.items():
            dataset = self._make(name, column)
            for key, value in attributes_of(column).items():
                dataset.attrs[key] = value
            dtype = np.dtype(column.dtype).str
            # None where a row has no bytes.
            self.regions[name] = Region(dataset.id.get_offset() or 0, dtype, column.shape)
        self._file.flush()
        self._stream.raise_failure()

    def _make(self, name: str, column: OutputColumn) -> Any:
        """Return a dataset with its place in the file, and nothing in it."""
        settings = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        settings.set_layout(h5py.h5d.CONTIGUOUS)
        settings.set_alloc_time(h5py.h5d.ALLOC_TIME_EARLY)
        settings.set_fill_time(h5py.h5d.FILL_TIME_NEVER)
        settings.set_obj_track_times(False)
        # Without it an attribute (names of thousands of files) ends at 64 kB.
        settings.set_attr_creation_order(h5py.h5p.CRT_ORDER_TRACKED | h5py.h5p.CRT_ORDER_INDEXED)
        space = h5py.h5s.create_simple((self._n_rows, *column.shape))
        dtype = h5py.h5t.py_create(np.dtype(column.dtype), logical=True)
        return h5py.Dataset(h5py.h5d.create(self._group.id, name.encode(), dtype, space, settings))

    def _append(self, chunk: Mapping[str, NDArray[Any]], n_rows: int) -> None:
        write_rows(self.temporary, self.regions, self.n_entries, chunk)
