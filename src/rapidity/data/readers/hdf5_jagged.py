"""Jagged columns of HDF5 files: padded datasets with a count beside them, and lists of varying length."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import h5py
import numpy as np

from rapidity.core.errors import DataError
from rapidity.core.jagged import Jagged
from rapidity.data.readers.arrays import ArraySource
from rapidity.data.readers.hdf5_attributes import as_text, stated_units

if TYPE_CHECKING:
    from numpy.typing import NDArray

COLLECTION = "collection"
"""Attribute of a padded dataset ``(n_events, n_objects)``: the collection its objects belong to."""

COUNTS = "n_{collection}"
"""Name of the dataset beside it that says how many objects each event has."""


def describe_jagged(dataset: Any, group: Any, where: str) -> ArraySource | None:
    """Return a dataset as a jagged column if it is one; a dataset by itself has no `group`."""
    name = dataset.name.rsplit("/", 1)[-1]
    inner = h5py.check_vlen_dtype(dataset.dtype)
    if inner not in {None, str, bytes} and len(dataset.shape) == 1 and inner.kind != "O":
        lists = _VaryingLists(dataset, inner)
        return ArraySource(name, lists, units=stated_units(dataset, name), is_jagged=True)
    collection = dataset.attrs.get(COLLECTION)
    if collection is None or group is None or len(dataset.shape) != 2 or dataset.dtype.names:
        return None
    collection = as_text(collection)
    counts = group.get(COUNTS.format(collection=collection))
    if (
        not isinstance(counts, h5py.Dataset)
        or counts.shape != dataset.shape[:1]
        or counts.dtype.kind not in "iu"
    ):
        message = (
            f"dataset '{name}' of {where} holds objects of the collection '{collection}', but there are no "
            f"whole numbers '{COUNTS.format(collection=collection)}' of {dataset.shape[0]} events beside it. "
            "Write it again."
        )
        raise DataError(message)
    padded = _PaddedDataset(dataset, counts, where)
    return ArraySource(name, padded, units=stated_units(dataset, name), is_jagged=True, collection=collection)


class _PaddedDataset:
    """Objects padded to the same number in each event."""

    def __init__(self, dataset: Any, counts: Any, where: str) -> None:
        self._dataset = dataset
        self._counts = counts
        self._where = where
        self.shape = dataset.shape[:1]
        self.dtype: np.dtype[Any] = dataset.dtype

    def __getitem__(self, rows: slice) -> Jagged:
        counts: NDArray[np.int64] = self._counts[rows].astype(np.int64)
        n_objects = self._dataset.shape[1]
        is_wrong = (counts < 0) | (counts > n_objects)
        if is_wrong.any():
            row = int(np.flatnonzero(is_wrong)[0])
            name = self._counts.name.rsplit("/", 1)[-1]
            message = (
                f"column '{name}' of {self._where}, entry {rows.start + row}: found {counts[row]} objects, "
                f"expected 0 to {n_objects}, for which there is room. Write the file again."
            )
            raise DataError(message)
        return Jagged.from_padded(self._dataset[rows], counts)


class _VaryingLists:
    """Lists of varying length, which HDF5 keeps one by one: h5py makes an array of each."""

    def __init__(self, dataset: Any, dtype: np.dtype[Any]) -> None:
        self._dataset = dataset
        self.shape = dataset.shape
        self.dtype = dtype

    def __getitem__(self, rows: slice) -> Jagged:
        lists = self._dataset[rows]
        counts = np.fromiter((len(values) for values in lists), np.int64, len(lists))
        content = np.concatenate([*lists, np.empty(0, self.dtype)]).astype(self.dtype, copy=False)
        return Jagged.from_counts(content, counts)
