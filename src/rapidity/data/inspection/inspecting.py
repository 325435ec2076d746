"""Looking into a file: its tables, or one of them column by column."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from rapidity.core.jagged import Jagged
from rapidity.data.inspection.arrays import summarise_arrays
from rapidity.data.inspection.classes import find_class_balance
from rapidity.data.inspection.columns import summarise_column
from rapidity.data.inspection.exact import read_exactly
from rapidity.data.inspection.missing import find_missing_together
from rapidity.data.inspection.sampling import MIN_ENTRIES, sample_table, spread_parts
from rapidity.data.inspection.summary import FileSummary
from rapidity.data.readers import list_tables
from rapidity.data.readers.opening import find_format, open_table
from rapidity.data.row_hash import hash_rows

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from rapidity.data.inspection.arrays import ArraySummary
    from rapidity.data.inspection.sampling import Sample
    from rapidity.data.readers import Reader, TableInfo
    from rapidity.data.row_hash import HashArray

MAX_NUMBERS_IN_ARRAYS = 200_000_000
"""Numbers of columns of arrays that are looked at."""


def inspect_file(
    path: Path | str,
    table: str | None = None,
    *,
    column_names: Sequence[str] | None = None,
    max_entries: int | None = None,
    target: str | None = None,
    read_all: bool = False,
) -> FileSummary:
    """Return what is in a table of a file: columns, types, ranges, missing values, sentinels, duplicates.

    Parameters
    ----------
    table
        Tree, dataset or array inside the file. If there are several and none is named, the summary
        holds their list and no columns.
    column_names
        Names for files that carry none.
    max_entries
        Of a longer table only so many entries are looked at, in parts spread over it; None: as many as
        hold 20 million values, 500,000 at most.
    target
        Column of the classes; None: one that looks like it, if there is one.
    read_all
        Whether to read a longer table to its end, in flat memory.

    Raises
    ------
    DataError
        If the file cannot be read, or `target` cannot hold classes.
    """
    path = Path(path)
    file_format = find_format(path)
    # Of a named table the others are not listed: a file may take seconds to say how long each is.
    tables = tuple(list_tables(path)) if table is None else ()
    if len(tables) > 1:
        return FileSummary(path, file_format.title, "", tables)
    reader = open_table(path, table, column_names)
    sample = sample_table(reader, max_entries)
    arrays = summarise_arrays(reader, _parts_of_arrays(reader, sample, max_entries, read_all=read_all))
    columns = {
        name: summarise_column(info, arrays.get(name, sample.values.get(name)))
        for name, info in reader.columns.items()
    }
    row_numbers, n_duplicates = _count_duplicates(sample.values, arrays)
    summary = FileSummary(
        path=path,
        file_format=file_format.title,
        table=table or _only_name(tables),
        tables=tables,
        n_entries=sample.n_entries,
        n_read=sample.n_read if sample.values or not arrays else _n_hashed(arrays),
        n_duplicates=n_duplicates,
        row_numbers=row_numbers,
        columns=tuple(columns.values()),
        n_estimated=sample.n_estimated,
        parts=sample.parts,
        class_balance=find_class_balance(reader, sample.values, target),
        missing_together=find_missing_together(columns, sample.values),
    )
    if not (read_all and summary.is_sampled):
        return summary
    sample.values.clear()  # their memory is for the chunks
    return read_exactly(reader, summary, sample)


def _only_name(tables: Sequence[TableInfo]) -> str:
    return tables[0].name if tables else ""


def _parts_of_arrays(
    reader: Reader, sample: Sample, max_entries: int | None, *, read_all: bool
) -> list[tuple[int, int]]:
    """Return the entries whose arrays are looked at: those of the sample, of large arrays fewer."""
    sizes = [int(np.prod(info.shape)) for info in reader.columns.values() if info.kind == "array"]
    n_entries = reader.n_entries
    if not sizes or n_entries is None:
        return []
    if read_all:
        return [(0, n_entries)]
    most = max_entries or max(MAX_NUMBERS_IN_ARRAYS // sum(sizes), MIN_ENTRIES)
    if sample.values and sample.n_read <= most:
        return list(sample.parts)
    return spread_parts(reader, n_entries, min(most, sample.n_read) if sample.values else most)


def _n_hashed(arrays: Mapping[str, ArraySummary]) -> int:
    return sum(map(len, next(iter(arrays.values())).hashes))


def _count_duplicates(
    values: Mapping[str, NDArray[Any] | Jagged], arrays: Mapping[str, ArraySummary]
) -> tuple[tuple[str, ...], int | None]:
    """Return the columns that number the rows, and how many rows equal an earlier one apart from these."""
    row_numbers = tuple(name for name, column in values.items() if is_row_number(column))
    hashes = {name: np.concatenate(summary.hashes) for name, summary in arrays.items() if summary.hashes}
    lengths = {len(column) for column in [*values.values(), *hashes.values()]}
    if len(lengths) > 1:  # of large arrays fewer entries were looked at
        return row_numbers, None
    compared = [as_numbers(column) for name, column in values.items() if name not in row_numbers]
    compared += [column.view(np.int64) for column in hashes.values()]
    # A column of labels alone repeats, and that says nothing.
    if len(compared) < 2 and not hashes and not any(isinstance(column, Jagged) for column in compared):
        return row_numbers, None
    return row_numbers, count_repeated(hash_rows(compared))


def is_row_number(column: NDArray[Any] | Jagged) -> bool:
    """Tell whether a column holds whole numbers that differ in every entry."""
    return (
        column.dtype.kind in "iu"
        and not isinstance(column, Jagged)
        and 1 < len(column) == len(np.unique(column))
    )


def count_repeated(hashes: HashArray) -> int:
    """Return how many rows equal an earlier one."""
    return len(hashes) - len(np.unique(hashes))


def as_numbers(column: NDArray[Any] | Jagged) -> NDArray[Any] | Jagged:
    """Return a column as it is, text as codes."""
    if isinstance(column, Jagged) or column.dtype != object:
        return column
    codes: NDArray[Any] = np.unique(column.astype(str), return_inverse=True)[1]
    return codes
