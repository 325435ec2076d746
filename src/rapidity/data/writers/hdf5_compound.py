"""HDF5 with compound datasets, written chunk by chunk: one a class, with a field for each column."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import h5py
import numpy as np

from rapidity.core.errors import DataError
from rapidity.data.writers.hdf5 import GROUP, Hdf5Writer

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from rapidity.data.writers.hdf5_chunks import ChunkedDataset

CLASS_COLUMN = "class"


class CompoundHdf5Writer(Hdf5Writer):
    """Writes a compound dataset for each class, ``Signal`` and ``Background``, or one called ``events``.

    Arrays and padded objects are subarrays of their field. Units are an attribute of each dataset (JSON, by
    column), and so are the names of codes (``names_<column>``).
    """

    def _begin(self) -> None:
        # The group keeps the facts about the file; a dataset of this name takes its place.
        del self._file[GROUP]
        self._group = self._file
        column = self._columns.get(CLASS_COLUMN)
        self._classes = column.class_names if column is not None else None
        self._fields = [name for name in self._columns if name != CLASS_COLUMN or self._classes is None]
        self._dtype = np.dtype([self._describe_field(name) for name in self._fields])
        self._datasets: list[ChunkedDataset] = []
        for name in self._classes or (GROUP,):
            if "/" in name or name in {"", "."}:
                message = (
                    f"class '{name}' cannot be the name of a dataset of {self.path}. Give it another name."
                )
                raise DataError(message)
            dataset = self._dataset(self._file, name, self._dtype)
            dataset.attributes = self._attributes_of_rows()
            self._datasets.append(dataset)

    def _describe_field(self, name: str) -> tuple[Any, ...]:
        column = self._columns[name]
        dtype = np.dtype(column.dtype)
        kind: Any = h5py.string_dtype() if dtype.kind in "OUS" else dtype
        return (name, kind, column.shape) if column.shape else (name, kind)

    def _attributes_of_rows(self) -> dict[str, Any]:
        columns = {name: self._columns[name] for name in self._fields}
        units = {name: column.unit for name, column in columns.items() if column.unit is not None}
        attributes: dict[str, Any] = {"units": json.dumps(units)} if units else {}
        for name, column in columns.items():
            if column.class_names is not None:
                attributes[f"names_{name}"] = np.array(column.class_names, dtype=h5py.string_dtype())
        return attributes

    def _append(self, chunk: Mapping[str, NDArray[Any]], n_rows: int) -> None:
        rows = np.empty(n_rows, self._dtype)
        for name in self._fields:
            rows[name] = chunk[name]
        if self._classes is None:
            self._datasets[0].append(rows)
        else:
            codes = chunk[CLASS_COLUMN]
            for code, dataset in enumerate(self._datasets):
                of_class = codes == code
                dataset.append(rows if of_class.all() else rows[of_class])
        self._stream.raise_failure()

    def _finish(self) -> None:
        for dataset in self._datasets:
            dataset.finish()
