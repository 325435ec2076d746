"""What all readers share: checking the names and kinds asked for, and converting the values."""

from __future__ import annotations

from abc import ABC, abstractmethod
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from rapidity.core.errors import DataError, MissingNameError, closest, shorten
from rapidity.core.jagged import Jagged, JaggedType
from rapidity.data.readers.conversion import Place, convert, convert_jagged
from rapidity.data.readers.ranges import cut_ranges

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from rapidity.data.readers.reader import ColumnInfo, ColumnType, EntryRange

    DTypes = Mapping[str, np.dtype[Any] | JaggedType]

_WHY_NOT = {
    "jagged": "it holds a varying number of values per event, but a table needs one number per event. "
    "Make one of them with an expression such as {name}[0], sum({name}) or count({name}), or leave it out.",
    "doubly jagged": "it holds a varying number of values for each of a varying number of objects per event, "
    "which is not read. Flatten it when the file is made, or leave it out.",
    "array": "it holds several values per event, but a table needs one number per event. "
    "For a plain array give the names of its columns with `columns:`; images belong to an input of "
    "`kind: image`; else leave this one out.",
    "unreadable": "its type is not one that can be turned into numbers or text. Leave it out.",
}


class TableReader(ABC):
    """One table inside one file; the formats fill in `_raw_chunks`."""

    def __init__(
        self, path: Path, *, columns: Mapping[str, ColumnInfo], n_entries: int | None, table: str = ""
    ) -> None:
        self.path = path
        self._columns = columns
        self._n_entries = n_entries
        self.table = table
        """Name of the table inside the file; empty where a file is one table."""

    @property
    def where(self) -> str:
        """The file and the table inside it, for messages."""
        return f"'{self.table}' of {self.path}" if self.table else str(self.path)

    @property
    def columns(self) -> Mapping[str, ColumnInfo]:
        """All columns, in the order of the file."""
        return self._columns

    @property
    def n_entries(self) -> int | None:
        """Number of rows, or None where only reading the file tells."""
        return self._n_entries

    def entry_ranges(self, n_wanted: int) -> list[tuple[int, int]]:
        """Return consecutive ranges of all entries that can be read apart (see `Reader.entry_ranges`)."""
        return cut_ranges(self._n_entries or 0, n_wanted, self._block_borders(n_wanted))

    def _block_borders(self, n_wanted: int) -> Sequence[int] | NDArray[np.int64] | None:
        """Return the entries where blocks on disk begin, for ranges of about `n_wanted`; None: anywhere."""
        return None

    def read(
        self,
        dtypes: Mapping[str, ColumnType],
        chunk_size: int = 131_072,
        entries: EntryRange | None = None,
    ) -> Iterator[dict[str, Any]]:
        """Yield the columns chunk by chunk (see `Reader.read`); no entries make one empty chunk."""
        wanted: DTypes = {
            name: dtype if isinstance(dtype, JaggedType) else np.dtype(dtype)
            for name, dtype in dtypes.items()
        }
        self.check_columns(wanted)
        start, stop = self._find_bounds(entries)
        return self._convert_chunks(wanted, chunk_size, start, stop)

    def check_columns(self, wanted: DTypes) -> None:
        """Raise an error about the first of the columns that is not here or cannot be read like that."""
        for name, dtype in wanted.items():
            if name not in self._columns:
                raise self._missing_column(name)
            info = self._columns[name]
            if isinstance(dtype, JaggedType):
                self._check_jagged(info)
            elif dtype.subdtype is not None:
                self._check_array(info, dtype.shape)
            elif info.kind in _WHY_NOT:
                raise self._refuse(info, _WHY_NOT[info.kind].format(name=name))

    def _refuse(self, info: ColumnInfo, why: str) -> DataError:
        return DataError(f"column '{info.name}' of {self.where} ({info.type_name}) cannot be read: {why}")

    def _check_jagged(self, info: ColumnInfo) -> None:
        if info.holds_objects:
            return
        if info.kind == "jagged":
            raise self._refuse(info, "its values are no numbers. Leave it out.")
        if info.kind in {"doubly jagged", "unreadable"}:
            raise self._refuse(info, _WHY_NOT[info.kind])
        found = f"{info.shape} values" if info.kind == "array" else "one value"
        message = (
            f"column '{info.name}' of {self.where} holds {found} per event ({info.type_name}), expected a "
            "varying number of values per event. Use a jagged column here, or this one as it is."
        )
        raise DataError(message)

    def _check_array(self, info: ColumnInfo, shape: tuple[int, ...]) -> None:
        if info.dtype is not None and info.shape == shape:
            return
        message = (
            f"column '{info.name}' of {self.where} holds {info.type_name}, expected an array of shape "
            f"{shape} per event. Use data of the shape that is asked for."
        )
        raise DataError(message)

    def _find_bounds(self, entries: EntryRange | None) -> tuple[int, int | None]:
        """Return first and last entry (exclusive; None: to the end) of a range asked for."""
        if entries is None:
            return 0, self._n_entries
        start, stop = (entries.start, entries.stop) if isinstance(entries, range) else entries
        is_whole = not isinstance(entries, range) or entries.step == 1
        if (
            not is_whole
            or not 0 <= start <= stop
            or stop > (stop if self._n_entries is None else self._n_entries)
        ):
            count = "" if self._n_entries is None else f" <= {self._n_entries} (its number of entries)"
            message = (
                f"entries {entries} of {self.where} were asked for, expected (start, stop) with "
                f"0 <= start <= stop{count}. Ask for entries that are there."
            )
            raise DataError(message)
        return start, stop

    @abstractmethod
    def _raw_chunks(
        self, names: Sequence[str], chunk_size: int, start: int, stop: int | None
    ) -> Iterator[dict[str, Any]]:
        """Yield the values of the columns as the file holds them, from entry `start` to before `stop`.

        Missing numbers come in a masked array, jagged columns as `Jagged`. `stop` is None where only
        reading the file tells how many entries there are.
        """

    def _convert_chunks(
        self, wanted: DTypes, chunk_size: int, start: int, stop: int | None
    ) -> Iterator[dict[str, Any]]:
        entry = start
        for raw in self._raw_chunks(tuple(wanted), chunk_size, start, stop):
            chunk = {
                name: _convert(raw[name], dtype, self._place(name, entry)) for name, dtype in wanted.items()
            }
            yield chunk
            entry += len(next(iter(chunk.values()))) if chunk else 0
        if entry == start:
            yield {name: _empty(dtype) for name, dtype in wanted.items()}

    def _place(self, name: str, first_entry: int) -> Place:
        """Return where the values of a chunk stand whose first entry this is, for messages."""
        return Place(name, self.where, partial(self._name_row, first_entry))

    def _name_row(self, first_entry: int, row: int) -> str:
        return f"entry {first_entry + row}"

    def _missing_column(self, name: str) -> MissingNameError:
        near = closest(name, self._columns)
        table = f":{self.table}" if self.table else ""
        hint = f"Closest: {', '.join(repr(found) for found in near)}. " if near else ""
        if not near:
            hint = f"Columns: {shorten(self._columns)}. "
        message = (
            f"column '{name}' is not in {self.where} ({len(self._columns)} columns).\n"
            f"  {hint}List all: rapidity inspect {self.path}{table}"
        )
        return MissingNameError(message)


def _convert(values: Any, dtype: np.dtype[Any] | JaggedType, place: Place) -> Any:
    if not isinstance(dtype, JaggedType):
        return convert(values, dtype, place)
    if not isinstance(values, Jagged):  # as many values in every event
        values = Jagged.from_counts(values.reshape(-1), np.full(len(values), values.shape[1]))
    return convert_jagged(values, dtype.dtype, place)


def _empty(dtype: np.dtype[Any] | JaggedType) -> Any:
    if isinstance(dtype, JaggedType):
        return Jagged(np.empty(0, dtype.dtype), np.zeros(1, np.int64))
    return np.empty(0, dtype)
