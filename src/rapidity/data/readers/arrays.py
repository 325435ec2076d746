"""Tables made of arrays: the columns inside plain, named and structured arrays (HDF5 and NumPy files)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from rapidity.core.errors import DataError, shorten
from rapidity.data.readers.base import TableReader
from rapidity.data.readers.conversion import array_dtype
from rapidity.data.readers.reader import ColumnInfo

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from contextlib import AbstractContextManager
    from pathlib import Path

    from numpy.typing import NDArray

    from rapidity.data.readers.reader import ColumnKind


@dataclass(frozen=True)
class ArraySource:
    """One array of a file, with one row an event.

    Attributes
    ----------
    values
        Anything with ``shape`` and ``dtype`` whose slices are NumPy arrays, taken in ascending order.
    column_names
        Names of the columns of a 2-D array, or of the parts of fields that hold several values.
    categories
        What the codes in the array (or in one of its fields) stand for.
    units
        Units by column name.
    is_jagged
        Whether the slices are `Jagged`: then `shape` is that of a column, `dtype` that of the values.
    collection
        Of a jagged column: the collection that the file says it belongs to.
    is_truth
        Whether the file says that this is what really happened.
    """

    name: str
    values: Any
    column_names: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """By field; the array itself is the field with the empty name."""
    categories: Mapping[str, Mapping[int, str]] = field(default_factory=dict)
    units: Mapping[str, str] = field(default_factory=dict)
    hidden: frozenset[str] = frozenset()
    """Fields that are no columns (the index of a pandas table)."""
    rank: Mapping[str, int] = field(default_factory=dict)
    """Position of each column in the table, where the arrays do not lie in its order."""
    is_jagged: bool = False
    collection: str | None = None
    is_truth: bool = False


@dataclass(frozen=True)
class _Column:
    """Where a column is: the field of a structured array, the position in a 2-D array or field."""

    info: ColumnInfo
    source: int
    field: str
    position: int | None
    categories: Mapping[int, str] | None

    def pick(self, rows: Any) -> Any:
        values = rows[self.field] if self.field else rows
        if self.position is not None:
            values = values[:, self.position]
        return values if self.categories is None else _name_codes(values, self.categories)


class ArrayTable:
    """The columns inside several arrays of equal length."""

    def __init__(self, sources: Sequence[ArraySource]) -> None:
        self._sources = sources
        self._columns: dict[str, _Column] = {}
        for index, source in enumerate(sources):
            for column in _describe_source(index, source):
                if column.info.name in self._columns:
                    arrays = shorten(source.name for source in sources)
                    message = f"two columns are called '{column.info.name}', in the arrays: {arrays}."
                    raise DataError(message)
                self._columns[column.info.name] = column
        rank = {name: place for source in sources for name, place in source.rank.items()}
        self._columns = dict(sorted(self._columns.items(), key=lambda item: rank.get(item[0], 0)))

    @property
    def columns(self) -> dict[str, ColumnInfo]:
        """All columns."""
        return {name: column.info for name, column in self._columns.items()}

    @property
    def n_entries(self) -> int:
        """Number of rows."""
        return int(self._sources[0].values.shape[0]) if self._sources else 0

    def chunks(
        self, names: Sequence[str], chunk_size: int, start: int, stop: int
    ) -> Iterator[dict[str, Any]]:
        """Yield the columns; each array is sliced once a chunk, in ascending order."""
        columns = {name: self._columns[name] for name in names}
        needed = sorted({column.source for column in columns.values()})
        for first in range(start, stop, chunk_size):
            last = min(first + chunk_size, stop)
            rows = {index: self._sources[index].values[first:last] for index in needed}
            yield {name: column.pick(rows[column.source]) for name, column in columns.items()}


class ArrayReader(TableReader):
    """A table of arrays that are opened anew for each reading, so that nothing stays open between."""

    def __init__(
        self, path: Path, table: str, open_sources: Callable[[], AbstractContextManager[list[ArraySource]]]
    ) -> None:
        self._open_sources = open_sources
        with open_sources() as sources:
            arrays = ArrayTable(sources)
        super().__init__(path, columns=arrays.columns, n_entries=arrays.n_entries, table=table)

    def _raw_chunks(
        self, names: Sequence[str], chunk_size: int, start: int, stop: int | None
    ) -> Iterator[dict[str, Any]]:
        with self._open_sources() as sources:
            table = ArrayTable(sources)
            yield from table.chunks(names, chunk_size, start, table.n_entries if stop is None else stop)


def name_plain_array(sources: Sequence[ArraySource], column_names: Sequence[str] | None) -> list[ArraySource]:
    """Return the sources, with the user's names given to the one array that lacks names and fits them."""
    if column_names is None:
        return list(sources)
    n_names = len(column_names)
    fitting = [source for source in sources if _n_unnamed(source) == n_names]
    if not fitting and n_names == 1:
        fitting = [source for source in sources if _n_unnamed(source) is None and _is_plain(source)]
    if len(fitting) != 1:
        shapes = shorten(f"{source.name} {source.values.shape}" for source in sources)
        message = (
            f"{n_names} column names are given, but {len(fitting)} arrays have that many columns: {shapes}. "
            "Give one name a column, and name the array with `dataset:`."
        )
        raise DataError(message)
    return [_named(source, column_names) if source is fitting[0] else source for source in sources]


def _named(source: ArraySource, names: Sequence[str]) -> ArraySource:
    return ArraySource(source.name, source.values, {"": tuple(names)}, units=source.units)


def _is_plain(source: ArraySource) -> bool:
    return not (
        source.is_jagged
        or source.values.dtype.names
        or source.column_names
        or source.values.dtype.kind in "OSU"
    )


def _n_unnamed(source: ArraySource) -> int | None:
    """Return the number of columns that want a name.

    None where the array has names of its own, or more axes: such an array (images) is one column.
    """
    shape = source.values.shape
    if not _is_plain(source) or len(shape) > 2:
        return None
    return 1 if len(shape) == 1 else int(shape[1])


def _describe_source(index: int, source: ArraySource) -> Iterator[_Column]:
    dtype = source.values.dtype
    if source.is_jagged:
        yield _Column(_describe_jagged(source), index, "", None, None)
        return
    if dtype.names is None:
        yield from _describe_field(index, source, "", dtype, source.values.shape[1:])
        return
    for name in dtype.names:
        if name not in source.hidden:
            base, shape = dtype[name].subdtype or (dtype[name], ())
            # A compound dataset with two dimensions holds several objects an event.
            yield from _describe_field(index, source, name, base, source.values.shape[1:] + shape)


def _describe_jagged(source: ArraySource) -> ColumnInfo:
    dtype = source.values.dtype
    return ColumnInfo(
        source.name,
        "jagged",
        f"{_type_name(dtype, ())}[]",
        source.units.get(source.name),
        dtype=array_dtype(dtype),
        collection=source.collection,
    )


def _describe_field(
    index: int, source: ArraySource, name: str, dtype: np.dtype[Any], shape: tuple[int, ...]
) -> Iterator[_Column]:
    names = source.column_names.get(name)
    categories = source.categories.get(name)
    title = name or source.name
    if names is None or (len(shape) > 1 and len(names) == 1):
        title = title if names is None else names[0]
        info = ColumnInfo(
            title,
            _kind(dtype, shape, categories),
            _type_name(dtype, shape),
            source.units.get(title),
            shape=shape,
            dtype=array_dtype(dtype) if shape else None,
            labels=_labels(categories),
            is_truth=source.is_truth,
        )
        yield _Column(info, index, name, None, categories)
        return
    if (shape or (1,)) != (len(names),):
        message = (
            f"array '{title}' of shape {source.values.shape} has {len(names)} column names: "
            f"{shorten(names)}. Give one name a column."
        )
        raise DataError(message)
    for position, column in enumerate(names):
        info = ColumnInfo(
            column,
            _kind(dtype, (), categories),
            _type_name(dtype, ()),
            source.units.get(column),
            labels=_labels(categories),
        )
        yield _Column(info, index, name, position if shape else None, categories)


def _kind(dtype: np.dtype[Any], shape: tuple[int, ...], categories: Mapping[int, str] | None) -> ColumnKind:
    if shape:
        return "array"
    if categories is not None:
        return "text"
    if dtype.kind == "O":
        metadata: Mapping[str, Any] = dtype.metadata or {}
        if metadata.get("vlen") in {str, bytes}:
            return "text"
        return "doubly jagged" if "vlen" in metadata else "unreadable"
    kinds: dict[str, ColumnKind] = {"i": "integer", "u": "integer", "b": "boolean", "S": "text", "U": "text"}
    if dtype.kind == "f":
        return "float32" if dtype.itemsize <= 4 else "float64"
    return kinds.get(dtype.kind, "unreadable")


def _type_name(dtype: np.dtype[Any], shape: tuple[int, ...]) -> str:
    name = "text" if dtype.kind in "OSU" else dtype.name
    return f"{name}[{', '.join(map(str, shape))}]" if shape else name


def _labels(categories: Mapping[int, str] | None) -> tuple[str, ...]:
    return tuple(categories[code] for code in sorted(categories)) if categories else ()


def _name_codes(codes: NDArray[Any], categories: Mapping[int, str]) -> NDArray[Any]:
    distinct, positions = np.unique(codes, return_inverse=True)
    # A code without a name (pandas: -1) is a missing value.
    names = np.array([categories.get(int(code), "") for code in distinct], dtype=object)
    return names[positions]
