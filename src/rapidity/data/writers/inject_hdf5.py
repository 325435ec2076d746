"""A copy of an HDF5 file with more columns: datasets beside the others, or fields of a compound dataset."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import h5py
import numpy as np

from rapidity.core.errors import shorten
from rapidity.data.writers.hdf5_file import change_hdf5
from rapidity.data.writers.injection import Injector, copy_file

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from contextlib import ExitStack
    from pathlib import Path

    from numpy.typing import NDArray

_ROWS_AT_ONCE = 65_536
_GZIP_LEVEL = 1
_SUFFIX = " (with scores)"


class Hdf5Injector(Injector):
    """Adds to the table that is read: a group of datasets, or a dataset with named fields.

    All else in the file is copied byte for byte. The fields of a compound dataset lie row by row, so it
    is written anew beside the old one, whose space in the file stays unused.
    """

    def check(self) -> None:
        """Look whether the table has room for columns with names."""
        with h5py.File(self.source.path, "r") as file:
            node = file[self.source.table]
            if "pandas_type" in node.attrs or "pandas_version" in node.attrs:
                self.refuse("it was written by pandas, whose layout takes no further columns.")
            if isinstance(node, h5py.Dataset) and not node.dtype.names:
                self.refuse("it is a plain array, whose columns have no names.")
            if isinstance(node, h5py.Group):
                taken = [name for name in self._columns if name in node]
                if taken:
                    self.refuse(f"the group holds {shorten(taken)} already.")

    def _open(self, temporary: Path, opened: ExitStack) -> None:
        copy_file(self.source.path, temporary)
        file, self._stream = opened.enter_context(change_hdf5(temporary))
        self._file = file
        node = file[self.source.table]
        for name, text in self._attributes.items():
            node.attrs[name] = text
        n_rows = int(self.source.n_entries or 0)
        if isinstance(node, h5py.Group):
            self._added = {
                name: _create(node, name, np.dtype(column.dtype), n_rows)
                for name, column in self._columns.items()
            }
            return
        self._added = {}
        self._old = node
        self._new = _create(file, node.name + _SUFFIX, _join_fields(node.dtype, self._columns), n_rows, node)
        opened.push(lambda kind, _error, _trace: None if kind else self._replace())

    def _append(self, chunk: Mapping[str, NDArray[Any]], n_rows: int) -> None:
        rows = slice(self.n_entries, self.n_entries + n_rows)
        for name, dataset in self._added.items():
            dataset[rows] = chunk[name]
        if not self._added:
            joined = np.empty(n_rows, self._new.dtype)
            before = self._old[rows]
            for name in before.dtype.names:
                joined[name] = before[name]
            for name, values in chunk.items():
                joined[name] = values
            self._new[rows] = joined
        self._stream.raise_failure()

    def _replace(self) -> None:
        """Give the new compound dataset the name and the attributes of the old one."""
        name = self._old.name
        for key in self._old.attrs:
            self._new.attrs[key] = self._old.attrs[key]
        temporary = self._new.name
        del self._file[name]
        self._file.move(temporary, name)

    def compare(self, temporary: Path) -> None:
        """Compare every dataset of the input with that of the copy."""
        with h5py.File(self.source.path, "r") as before, h5py.File(temporary, "r") as after:
            for name, node in _walk(before):
                other = after.get(name)
                if other is None or not _is_same(node, other):
                    self.lost(f"'{name}' has changed")


def _join_fields(old: np.dtype[Any], columns: Mapping[str, Any]) -> np.dtype[Any]:
    """Return the type of a row with more fields; what HDF5 knows of the old ones (texts) stays."""
    names = old.names or ()
    fields = [(name, old[name]) for name in names]
    return np.dtype([*fields, *((name, np.dtype(column.dtype)) for name, column in columns.items())])


def _create(group: Any, name: str, dtype: np.dtype[Any], n_rows: int, like: Any = None) -> Any:
    """Create a dataset of `n_rows`, in chunks and compressed, or stored like another one."""
    options: dict[str, Any] = {"compression": "gzip", "compression_opts": _GZIP_LEVEL, "shuffle": True}
    if like is not None:
        options = {
            "compression": like.compression,
            "compression_opts": like.compression_opts,
            "shuffle": like.shuffle,
        }
    chunks = (min(max(n_rows, 1), _ROWS_AT_ONCE),)
    is_plain = like is not None and like.chunks is None
    if is_plain:
        return group.create_dataset(name, shape=(n_rows,), dtype=dtype)
    return group.create_dataset(
        name, shape=(n_rows,), maxshape=(None,), chunks=chunks, dtype=dtype, **options
    )


def _walk(group: Any) -> Iterator[tuple[str, Any]]:
    """Yield the datasets of a file with their paths."""
    for node in group.values():
        if isinstance(node, h5py.Group):
            yield from _walk(node)
        elif isinstance(node, h5py.Dataset):
            yield node.name, node


def _is_same(node: Any, other: Any) -> bool:
    """Compare two datasets in portions; of a compound one the fields that both have."""
    if node.shape != other.shape:
        return False
    if not node.shape:
        return bool(np.array_equal(np.asarray(node[()]), np.asarray(other[()])))
    names = node.dtype.names
    for start in range(0, node.shape[0], _ROWS_AT_ONCE):
        rows, rows_now = (each[start : start + _ROWS_AT_ONCE] for each in (node, other))
        pairs = [(rows[name], rows_now[name]) for name in names] if names else [(rows, rows_now)]
        if not all(_equal(*pair) for pair in pairs):
            return False
    return True


def _equal(before: NDArray[Any], after: NDArray[Any]) -> bool:
    """Compare bit by bit; texts by their values."""
    if before.dtype != after.dtype:
        return False
    return bool(
        np.array_equal(before, after) if before.dtype.hasobject else before.tobytes() == after.tobytes()
    )
