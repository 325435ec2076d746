"""HDF5 as pandas writes a DataFrame (layout `fixed`), written chunk by chunk and without pandas.

``pandas.read_hdf(path, "events")`` reads it. Source: attributes and datasets as pandas 2 writes them.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import h5py
import numpy as np

from rapidity.core.errors import DataError, shorten
from rapidity.data.writers.hdf5 import Hdf5Writer

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from numpy.typing import NDArray

    from rapidity.data.writers.hdf5_chunks import ChunkedDataset


class PandasHdf5Writer(Hdf5Writer):
    """Writes a DataFrame called ``events``.

    A column of arrays or padded objects becomes several, ``jet_pt_0``, ``jet_pt_1``. Codes stay numbers; what
    they stand for is in the attribute ``names`` of the group (JSON, by column), units in ``units``.
    """

    def _begin(self) -> None:
        if self._compression == "lzf":
            message = (
                f"{self.path} cannot be compressed with lzf, which pandas does not read. Take gzip or none."
            )
            raise DataError(message)
        texts = [name for name, column in self._columns.items() if np.dtype(column.dtype).kind in "OUS"]
        if texts:
            message = (
                f"{self.path} cannot be written in the layout of pandas: {shorten(texts)} hold text, which "
                "pandas keeps as pickled objects. Leave them out (`exclude`), or take another layout."
            )
            raise DataError(message)
        parts = [
            (part, index, _stored(np.dtype(column.dtype)))
            for index, (name, column) in enumerate(self._columns.items())
            for part in _part_names(name, column.shape)
        ]
        self._names = [part for part, _, _ in parts]
        dtypes = list(dict.fromkeys(dtype for _, _, dtype in parts))
        columns = list(self._columns)
        self._blocks: list[tuple[list[str], list[str], ChunkedDataset]] = []
        for number, dtype in enumerate(dtypes):
            items = [part for part, _, of_part in parts if of_part == dtype]
            sources = list(dict.fromkeys(columns[index] for _, index, of_part in parts if of_part == dtype))
            dataset = self._dataset(self._group, f"block{number}_values", dtype, (len(items),))
            dataset.attributes = {"transposed": np.uint8(1)}
            self._blocks.append((items, sources, dataset))
        self._index = self._dataset(self._group, "axis1", np.dtype(np.int64))
        self._index.attributes = {"transposed": np.uint8(1)}

    def _append(self, chunk: Mapping[str, NDArray[Any]], n_rows: int) -> None:
        for _, sources, dataset in self._blocks:
            flat = [np.asarray(chunk[name]).reshape(n_rows, -1) for name in sources]
            dataset.append(np.concatenate(flat, axis=1))
        self._index.append(np.arange(self.n_entries, self.n_entries + n_rows))
        self._stream.raise_failure()

    def _finish(self) -> None:
        for _, _, dataset in self._blocks:
            dataset.finish()
        _set_texts(self._index.finish(), {"kind": "integer"})
        self._write_names("axis0", self._names)
        facts = {"pandas_type": "frame", "encoding": "UTF-8", "errors": "strict"}
        facts |= dict.fromkeys(("axis0_variety", "axis1_variety"), "regular")
        for number, (items, _, _) in enumerate(self._blocks):
            self._write_names(f"block{number}_items", items)
            facts[f"block{number}_items_variety"] = "regular"
        _set_texts(self._group, facts)
        self._group.attrs["ndim"], self._group.attrs["nblocks"] = np.int64(2), np.int64(len(self._blocks))
        columns = self._columns.items()
        names = {name: column.class_names for name, column in columns if column.class_names is not None}
        units = {name: column.unit for name, column in columns if column.unit is not None}
        self.describe({"names": json.dumps(names), "units": json.dumps(units)})

    def _write_names(self, dataset_name: str, names: list[str]) -> None:
        dataset = self._group.create_dataset(dataset_name, data=np.array([name.encode() for name in names]))
        _set_texts(dataset, {"kind": "string"})
        dataset.attrs["nan_rep"] = h5py.Empty("S1")
        dataset.attrs["transposed"] = np.uint8(1)


def _stored(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """Return the type of a block: pandas has no truth values in HDF5 but those written as bytes."""
    return np.dtype(np.uint8) if dtype.kind == "b" else dtype


def _set_texts(node: Any, texts: Mapping[str, str]) -> None:
    """Write attributes as texts of fixed length, which PyTables gives back as text."""
    for key, text in texts.items():
        node.attrs.create(key, text, dtype=h5py.string_dtype("utf-8", len(text)))


def _part_names(name: str, shape: tuple[int, ...]) -> Iterator[str]:
    """Yield the names of the columns that an array becomes.

    Examples
    --------
    >>> list(_part_names("jet_pt", (2,))), list(_part_names("met", ()))
    (['jet_pt_0', 'jet_pt_1'], ['met'])
    """
    for place in np.ndindex(*shape):
        yield "_".join([name, *map(str, place)])
