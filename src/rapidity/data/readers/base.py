"""What all readers share: checking the names and kinds asked for, and converting the values."""

from __future__ import annotations

from abc import ABC, abstractmethod
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from rapidity.core.errors import DataError, MissingNameError, closest, shorten
from rapidity.data.readers.conversion import Place, convert

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from numpy.typing import DTypeLike, NDArray

    from rapidity.data.readers.reader import ColumnInfo

_WHY_NOT = {
    "jagged": "it holds a varying number of values per event, but a table needs one number per event. "
    "Leave it out, or use a column with one value per event.",
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

    def read(
        self, dtypes: Mapping[str, DTypeLike], chunk_size: int = 131_072
    ) -> Iterator[dict[str, NDArray[Any]]]:
        """Yield the columns chunk by chunk (see `Reader.read`); an empty table has one empty chunk."""
        wanted = {name: np.dtype(dtype) for name, dtype in dtypes.items()}
        self.check_columns(wanted)
        return self._convert_chunks(wanted, chunk_size)

    def check_columns(self, wanted: Mapping[str, np.dtype[Any]]) -> None:
        """Raise an error about the first of the columns that is not here or cannot be read like that."""
        for name, dtype in wanted.items():
            if name not in self._columns:
                raise self._missing_column(name)
            info = self._columns[name]
            if dtype.subdtype is not None:
                self._check_array(info, dtype.shape)
            elif info.kind in _WHY_NOT:
                message = f"column '{name}' of {self.where} ({info.type_name}) cannot be read: "
                raise DataError(message + _WHY_NOT[info.kind])

    def _check_array(self, info: ColumnInfo, shape: tuple[int, ...]) -> None:
        if info.dtype is not None and info.shape == shape:
            return
        message = (
            f"column '{info.name}' of {self.where} holds {info.type_name}, expected an array of shape "
            f"{shape} per event. Use data of the shape that is asked for."
        )
        raise DataError(message)

    @abstractmethod
    def _raw_chunks(self, names: Sequence[str], chunk_size: int) -> Iterator[dict[str, NDArray[Any]]]:
        """Yield the values of the columns as the file holds them; missing numbers in a masked array."""

    def _convert_chunks(
        self, wanted: Mapping[str, np.dtype[Any]], chunk_size: int
    ) -> Iterator[dict[str, NDArray[Any]]]:
        entry = 0
        for raw in self._raw_chunks(tuple(wanted), chunk_size):
            chunk = {
                name: convert(raw[name], dtype, Place(name, self.where, partial(self._name_row, entry)))
                for name, dtype in wanted.items()
            }
            yield chunk
            entry += len(next(iter(chunk.values()))) if chunk else 0
        if entry == 0:
            yield {name: np.empty(0, dtype) for name, dtype in wanted.items()}

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
