"""HDF5 files: groups of columns (the project's layout), compound and plain datasets, pandas tables."""

from __future__ import annotations

from collections import Counter
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

import h5py

from rapidity.core.errors import DataError
from rapidity.data.readers.arrays import ArrayReader, ArraySource, name_plain_array
from rapidity.data.readers.hdf5_attributes import as_text, stated_units
from rapidity.data.readers.hdf5_jagged import describe_jagged
from rapidity.data.readers.hdf5_pandas import is_pandas, open_pandas
from rapidity.data.readers.reader import TableInfo

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

_DAMAGE = (OSError, RuntimeError, KeyError, TypeError, ValueError)
"""What h5py raises when the bytes of a file make no sense: it depends on which byte comes first."""

ROOT_GROUP = "/"


def list_tables(path: Path) -> list[TableInfo]:
    """Return the tables: groups of columns, compound and plain datasets, pandas objects."""
    with _open_file(path) as file:
        return [TableInfo(name, layout, n_entries) for name, layout, n_entries in _walk(file)]


def resolve_table(path: Path, name: str | None) -> str | None:
    """Return the path of the group or dataset inside the file, or the only one; None if there is none."""
    with _open_file(path) as file:
        if name is None:
            names = [found for found, _, _ in _walk(file)]
            return names[0] if len(names) == 1 else None
        inside = name.strip("/") or ROOT_GROUP
        return inside if inside == ROOT_GROUP or inside in file else None


def open_table(path: Path, table: str, column_names: Sequence[str] | None) -> ArrayReader:
    """Open a group or dataset as a table."""
    return ArrayReader(path, table, partial(_open_sources, path, table, column_names))


@contextmanager
def _open_sources(path: Path, table: str, column_names: Sequence[str] | None) -> Iterator[list[ArraySource]]:
    with _open_file(path) as file:
        node = file[table]
        if is_pandas(node):
            sources = open_pandas(node, f"'{table}' of {path}")
        elif isinstance(node, h5py.Dataset):
            sources = [describe_jagged(node, None, str(path)) or _describe_dataset(node)]
        else:
            sources = [
                describe_jagged(dataset, node, f"'{table}' of {path}") or _describe_dataset(dataset)
                for dataset in _aligned_datasets(node)
            ]
        if not sources or sources[0].values.shape == ():
            message = f"'{table}' of {path} holds no events: expected datasets with one row an event."
            raise DataError(message)
        yield name_plain_array(sources, column_names)


@contextmanager
def _open_file(path: Path) -> Iterator[Any]:
    try:
        file = h5py.File(path, "r")
    except OSError as error:
        what = "is truncated" if "truncated" in str(error) else f"cannot be opened as HDF5 ({error})"
        message = f"{path} {what}. Copy or write it again, and check that no program is still writing it."
        raise DataError(message) from error
    with file:
        try:
            yield file
        except DataError:
            raise
        except _DAMAGE as error:
            message = f"{path} is damaged: {error}. Copy or write it again."
            raise DataError(message) from error


def _walk(group: Any) -> Iterator[tuple[str, str, int]]:
    """Yield name, layout and number of entries of each table, depth first."""
    if is_pandas(group):
        sources = open_pandas(group, group.name)
        yield group.name.strip("/"), "pandas", int(sources[0].values.shape[0]) if sources else 0
        return
    columns = _aligned_datasets(group)
    if columns:
        yield group.name.strip("/") or ROOT_GROUP, "group of columns", int(columns[0].shape[0])
    together = {dataset.name for dataset in columns}
    for node in group.values():
        if isinstance(node, h5py.Group):
            yield from _walk(node)
        elif isinstance(node, h5py.Dataset) and node.shape and node.name not in together and _is_table(node):
            layout = "compound dataset" if node.dtype.names else f"dataset {node.shape}"
            yield node.name.strip("/"), layout, int(node.shape[0])


def _is_table(dataset: Any) -> bool:
    return bool(dataset.dtype.names) or len(dataset.shape) > 1


def _aligned_datasets(group: Any) -> list[Any]:
    """Return the datasets of a group that are columns of one table: those of the commonest length.

    Only a one-dimensional dataset makes a group a table; arrays of the same length belong to it.
    """
    datasets = [
        node
        for node in group.values()
        if isinstance(node, h5py.Dataset) and node.shape and not node.dtype.names
    ]
    lengths = Counter(dataset.shape[0] for dataset in datasets if len(dataset.shape) == 1)
    if not lengths:
        return []
    n_rows = max(lengths, key=lambda length: (lengths[length], length))
    return [dataset for dataset in datasets if dataset.shape[0] == n_rows]


def _describe_dataset(dataset: Any) -> ArraySource:
    name = dataset.name.rsplit("/", 1)[-1]
    names = _names_attribute(dataset, "columns") or _names_attribute(dataset, "column_names")
    return ArraySource(
        name=name,
        values=dataset,
        column_names={"": names} if names and not dataset.dtype.names else {},
        categories=_categories(dataset),
        units=stated_units(dataset, name),
        is_truth=bool(dataset.attrs.get("truth", False)),
    )


def _categories(dataset: Any) -> dict[str, Mapping[int, str]]:
    names = _names_attribute(dataset, "class_names") or _names_attribute(dataset, "names")
    if dataset.dtype.kind not in "iu":
        names = ()
    categories: dict[str, Mapping[int, str]] = {"": dict(enumerate(names))} if names else {}
    fields = [(field, dataset.dtype[field]) for field in dataset.dtype.names or ()]
    for field, dtype in [("", dataset.dtype), *fields]:
        codes = h5py.check_enum_dtype(dtype)
        if codes:
            categories[field] = {code: label for label, code in codes.items()}
    return categories


def _names_attribute(dataset: Any, key: str) -> tuple[str, ...]:
    value = dataset.attrs.get(key)
    return (
        tuple(as_text(name) for name in value) if value is not None and getattr(value, "ndim", 0) == 1 else ()
    )
