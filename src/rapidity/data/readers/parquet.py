"""Parquet files: one table each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq

from rapidity.core.errors import DataError
from rapidity.data.readers.arrow import array_shape, column_kind, to_numpy
from rapidity.data.readers.base import TableReader
from rapidity.data.readers.reader import ColumnInfo, TableInfo

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray


def list_tables(path: Path) -> list[TableInfo]:
    """Return the one table of the file."""
    with _open(path) as file:
        return [TableInfo("", "Parquet", file.metadata.num_rows)]


def open_table(path: Path, table: str | None, column_names: Sequence[str] | None) -> ParquetReader:
    """Open the file; a Parquet file is one table, and names its columns itself."""
    return ParquetReader(path)


class ParquetReader(TableReader):
    """The table of a Parquet file."""

    def __init__(self, path: Path) -> None:
        with _open(path) as file:
            columns = {field.name: _describe(field) for field in file.schema_arrow}
            n_entries = file.metadata.num_rows
        super().__init__(path, columns=columns, n_entries=n_entries)

    def _raw_chunks(self, names: Sequence[str], chunk_size: int) -> Iterator[dict[str, NDArray[Any]]]:
        with _open(self.path) as file:
            try:
                for batch in file.iter_batches(batch_size=chunk_size, columns=list(names)):
                    yield {name: to_numpy(batch.column(name)) for name in names}
            except (pa.ArrowException, OSError) as error:
                message = f"{self.path} is damaged: {error}. Write it again, or copy it again."
                raise DataError(message) from error
            except ValueError as error:
                message = f"{self.path} cannot be read: it has {error}. Fill it in, or leave such events out."
                raise DataError(message) from error


def _open(path: Path) -> Any:
    try:
        # Without pre-buffering, a large row group is read column chunk by column chunk.
        return pq.ParquetFile(path, pre_buffer=False)
    except (pa.ArrowException, OSError) as error:
        message = (
            f"{path} cannot be read as Parquet, perhaps it is truncated: {error}. Copy or write it again."
        )
        raise DataError(message) from error


def _describe(field: Any) -> ColumnInfo:
    metadata = field.metadata or {}
    unit = metadata.get(b"unit", b"").decode() or None
    shape, dtype = array_shape(field.type)
    return ColumnInfo(field.name, column_kind(field.type), str(field.type), unit, shape=shape, dtype=dtype)
