"""Arrays with room for a fixed number of objects, read as columns of objects.

A reader is wrapped: what it gives as ``(n_entries, n_objects, n_fields)`` comes out as one jagged column a
field, without the places that hold no object. All else goes through as it is.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from rapidity.core.errors import DataError, MissingNameError, closest, shorten
from rapidity.core.jagged import Jagged, JaggedType
from rapidity.data.readers.base import TableReader
from rapidity.data.readers.reader import ColumnInfo

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from rapidity.config.collections import ObjectArrays
    from rapidity.data.readers.reader import ColumnType, EntryRange, Reader


@dataclass(frozen=True)
class _Source:
    """The arrays of one collection in a file.

    Attributes
    ----------
    stored
        Column of the file -> type in which it is read, the count included.
    key
        Where the configuration describes it, for messages.
    """

    collection: str
    config: ObjectArrays
    stored: Mapping[str, np.dtype[Any]]
    key: str

    def take(self, chunk: Mapping[str, Any], where: str, first_entry: int) -> dict[str, Jagged]:
        """Return the columns of objects of a chunk."""
        fields = self._fields(chunk)
        is_object = self._find_objects(fields, chunk, where, first_entry)
        counts = is_object.sum(axis=1)
        return {name: Jagged.from_counts(values[is_object], counts) for name, values in fields.items()}

    def _fields(self, chunk: Mapping[str, Any]) -> dict[str, NDArray[Any]]:
        """Return the values of each field ``(n_entries, n_objects)``."""
        config = self.config
        if config.array is None:
            return {name: chunk[name] for name in config.names}
        array = chunk[config.array]
        if config.fields_first:
            array = np.swapaxes(array, 1, 2)
        return {name: array[:, :, number] for number, name in enumerate(config.names)}

    def _find_objects(
        self, fields: Mapping[str, NDArray[Any]], chunk: Mapping[str, Any], where: str, first_entry: int
    ) -> NDArray[np.bool_]:
        shape = next(iter(fields.values())).shape
        config = self.config
        if config.count is not None:
            counts = chunk[config.count]
            self._check_counts(counts, shape[1], where, first_entry)
            is_taken: NDArray[np.bool_] = np.arange(shape[1]) < counts[:, np.newaxis]
            return is_taken
        if not config.absent:
            return np.ones(shape, np.bool_)
        is_object: NDArray[np.bool_] = np.zeros(shape, np.bool_)
        for name, value in config.absent.items():
            is_object |= ~_equals(fields[name], float(value))
        return is_object

    def _check_counts(self, counts: NDArray[Any], n_places: int, where: str, first_entry: int) -> None:
        bad = (counts < 0) | (counts > n_places)
        if bad.any():
            row = int(np.argmax(bad))
            message = (
                f"{self.key}: '{self.config.count}' is {counts[row]} at entry "
                f"{first_entry + row} of {where}, expected a number of objects from 0 to {n_places}, for "
                "which there is room. Correct the file, or name another column."
            )
            raise DataError(message)


def _equals(values: NDArray[Any], value: float) -> NDArray[np.bool_]:
    if math.isnan(value):
        is_missing: NDArray[np.bool_] = np.isnan(values)
        return is_missing
    # Of float32 columns the number that it has become there; whole numbers are none of 0.5 or out of range.
    same: NDArray[np.bool_] = values == (values.dtype.type(value) if values.dtype.kind == "f" else value)
    return same


class ObjectReader(TableReader):
    """A reader whose arrays of objects have become columns of objects."""

    def __init__(self, reader: Reader, sources: Sequence[_Source]) -> None:
        self._reader, self._sources = reader, sources
        self._made = {name: source for source in sources for name in source.config.names}
        hidden = {name for source in sources for name in (source.config.array, *source.config.names)}
        columns = {name: info for name, info in reader.columns.items() if name not in hidden}
        super().__init__(
            reader.path,
            columns=columns | {name: self._describe(name) for name in self._made},
            n_entries=reader.n_entries,
            table=getattr(reader, "table", ""),
        )

    @property
    def where(self) -> str:
        """The file and the table inside it, for messages."""
        return self._reader.where

    def _describe(self, name: str) -> ColumnInfo:
        source = self._made[name]
        stored = source.config.array or name
        info = self._reader.columns[stored]
        return ColumnInfo(
            name, "jagged", f"{info.dtype}[]", info.unit, dtype=info.dtype, collection=source.collection
        )

    def entry_ranges(self, n_wanted: int) -> list[tuple[int, int]]:
        """Return those of the file."""
        return self._reader.entry_ranges(n_wanted)

    def read(
        self,
        dtypes: Mapping[str, ColumnType],
        chunk_size: int = 131_072,
        entries: EntryRange | None = None,
    ) -> Iterator[dict[str, Any]]:
        """Yield the columns chunk by chunk (see `Reader.read`)."""
        wanted = {
            name: dtype if isinstance(dtype, JaggedType) else np.dtype(dtype)
            for name, dtype in dtypes.items()
        }
        self.check_columns(wanted)
        needed = [source for source in self._sources if any(name in wanted for name in source.config.names)]
        inner: dict[str, Any] = {name: dtype for name, dtype in wanted.items() if name not in self._made}
        inner |= {name: dtype for source in needed for name, dtype in source.stored.items()}
        first_entry, _ = self._find_bounds(entries)
        return self._take_objects(wanted, needed, self._reader.read(inner, chunk_size, entries), first_entry)

    def _take_objects(
        self,
        wanted: Mapping[str, Any],
        needed: Sequence[_Source],
        chunks: Iterator[dict[str, Any]],
        first_entry: int,
    ) -> Iterator[dict[str, Any]]:
        for chunk in chunks:
            made = {
                name: values
                for source in needed
                for name, values in source.take(chunk, self.where, first_entry).items()
            }
            yield {
                name: made[name].astype(dtype.dtype, copy=False)
                if name in self._made
                else chunk[name].astype(dtype.base, copy=False)
                for name, dtype in wanted.items()
            }
            first_entry += len(next(iter(chunk.values())))

    def _raw_chunks(
        self, names: Sequence[str], chunk_size: int, start: int, stop: int | None
    ) -> Iterator[dict[str, Any]]:
        raise NotImplementedError  # `read` goes to the reader inside


def with_objects(
    reader: Reader, collections: Mapping[str, ObjectArrays], key: str = "data.collections"
) -> Reader:
    """Return the reader, with the arrays of these collections that it has as columns of objects.

    `key`: where they stand in the configuration, for messages.

    Raises
    ------
    DataError
        If an array has not the shape that the collection says, or the name of a field is taken.
    """
    sources = [
        _find_source(reader, name, config, f"{key}.{name}")
        for name, config in collections.items()
        if _is_in(reader, config)
    ]
    return ObjectReader(reader, sources) if sources else reader


def check_collections(readers: Sequence[Reader], collections: Mapping[str, ObjectArrays], where: str) -> None:
    """Raise a MissingNameError unless one of the readers, joined with each other, has each collection.

    Parameters
    ----------
    readers
        As `with_objects` gives them.
    """
    known = {name: info for reader in readers for name, info in reader.columns.items()}
    for name, config in collections.items():
        missing = [column for column in config.names if column not in known]
        if missing:
            wanted = config.array or next(column for column in missing)
            near = [f"'{found}'" for found in closest(wanted, known)]
            hint = f"Closest: {', '.join(near)}." if near else f"Columns: {shorten(known)}."
            message = f"data.collections.{name}: column '{wanted}' is not in {where}. {hint}"
            raise MissingNameError(message)


def _is_in(reader: Reader, config: ObjectArrays) -> bool:
    """Return whether the arrays are in a file, and not made columns of objects there already."""
    if config.array is not None:
        return config.array in reader.columns
    infos = [reader.columns[name] for name in config.names if name in reader.columns]
    return len(infos) == len(config.names) and any(info.kind != "jagged" for info in infos)


def _find_source(reader: Reader, collection: str, config: ObjectArrays, where: str) -> _Source:
    stored = {}
    for name in (config.array,) if config.array is not None else config.names:
        info = reader.columns[name]
        n_axes = 1 if config.array is None else 2
        if info.kind != "array" or info.dtype is None or len(info.shape) != n_axes:
            raise _wrong_shape(where, info, reader, config)
        stored[name] = np.dtype((info.dtype, info.shape))
    _check_fields(where, reader, config)
    if len({dtype.shape[:1] for dtype in stored.values()}) > 1:
        found = shorten(f"{name} {dtype.shape}" for name, dtype in stored.items())
        message = (
            f"{where}: the columns of {reader.where} differ in the number of places ({found}). Objects of "
            "one collection need as many in each: give others a collection of their own."
        )
        raise DataError(message)
    if config.count is not None:
        stored[config.count] = _count_dtype(where, reader, config.count)
    return _Source(collection, config, stored, where)


def _check_fields(where: str, reader: Reader, config: ObjectArrays) -> None:
    if config.array is None:
        return
    shape = reader.columns[config.array].shape
    n_fields = shape[0] if config.fields_first else shape[1]
    if n_fields != len(config.names):
        first = ", fields first" if config.fields_first else ""
        message = (
            f"{where}.fields names {len(config.names)} fields, but '{config.array}' of {reader.where} holds "
            f"arrays {shape}, {n_fields} fields{first}. Name each of them; if the fields are the "
            f"{'last' if config.fields_first else 'first'} axis, change fields_first."
        )
        raise DataError(message)
    taken = [name for name in config.names if name in reader.columns and name != config.array]
    if taken:
        message = (
            f"{where}.fields: {shorten(taken)} are columns of {reader.where} already. Call the fields "
            "otherwise."
        )
        raise DataError(message)


def _wrong_shape(where: str, info: ColumnInfo, reader: Reader, config: ObjectArrays) -> DataError:
    found = f"arrays {info.shape}" if info.kind == "array" else f"{info.kind} values"
    expected = "(n_objects,)" if config.array is None else "(n_objects, n_fields)"
    cure = "Name the array itself."
    if info.kind == "jagged":
        cure = "A jagged column needs no such block: use it as it is."
    message = (
        f"{where}: column '{info.name}' of {reader.where} holds {found} ({info.type_name}), expected arrays "
        f"{expected} of numbers. {cure}"
    )
    return DataError(message)


def _count_dtype(where: str, reader: Reader, name: str) -> np.dtype[Any]:
    info = reader.columns.get(name)
    if info is None or info.kind != "integer":
        found = "is not there" if info is None else f"holds {info.kind} values"
        near = [f"'{one}'" for one in closest(name, reader.columns)] if info is None else []
        hint = f" Closest: {', '.join(near)}." if near else ""
        message = (
            f"{where}.count: column '{name}' of {reader.where} {found}, expected a whole number of objects "
            f"per event.{hint} Name the column that counts them, or use `absent`."
        )
        raise DataError(message)
    return np.dtype(np.int64)
