"""Reading the first entries of a table and summarising each column."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from rapidity.core.errors import DataError
from rapidity.data.inspection.arrays import ArraySummary, summarise_arrays
from rapidity.data.inspection.sentinels import find_sentinels
from rapidity.data.inspection.summary import ColumnSummary, FileSummary
from rapidity.data.readers import list_tables
from rapidity.data.readers.opening import find_format, open_table
from rapidity.data.row_hash import hash_rows

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import DTypeLike, NDArray

    from rapidity.data.readers import ColumnInfo, Reader, TableInfo
    from rapidity.data.row_hash import HashArray

MAX_ENTRIES = 200_000
_MAX_VALUES_SHOWN = 10
_FEW_VALUES = 5
_CHUNK_ENTRIES = 50_000


def inspect_file(
    path: Path | str,
    table: str | None = None,
    *,
    column_names: Sequence[str] | None = None,
    max_entries: int = MAX_ENTRIES,
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
        Of a longer table only so many entries are looked at, the first ones.

    Raises
    ------
    DataError
        If the file cannot be read.
    """
    path = Path(path)
    file_format = find_format(path)
    tables = list_tables(path)
    if table is None and len(tables) > 1:
        return FileSummary(path, file_format.title, "", tuple(tables), None, 0, None, (), ())
    reader = open_table(path, table, column_names)
    values, is_whole = _read_first(reader, max_entries)
    arrays = summarise_arrays(reader, max_entries)
    hashes = {name: np.concatenate(summary.hashes) for name, summary in arrays.items() if summary.hashes}
    n_read = len(next(iter([*values.values(), *hashes.values()]), ()))
    n_entries = n_read if is_whole and values else reader.n_entries
    row_numbers, n_duplicates = _count_duplicates(values, hashes)
    return FileSummary(
        path=path,
        file_format=file_format.title,
        table=table or _only_name(tables),
        tables=tuple(tables),
        n_entries=n_entries,
        n_read=n_read if values or hashes else n_entries or 0,
        n_duplicates=n_duplicates,
        row_numbers=row_numbers,
        columns=tuple(
            _summarise(info, arrays.get(name, values.get(name))) for name, info in reader.columns.items()
        ),
    )


def _only_name(tables: Sequence[TableInfo]) -> str:
    return tables[0].name if tables else ""


def _read_first(reader: Reader, max_entries: int) -> tuple[dict[str, NDArray[Any]], bool]:
    """Return the first entries of all columns that can be read, and whether that is the whole table."""
    dtypes: dict[str, DTypeLike] = {
        "float32": np.float32, "float64": np.float64, "integer": np.int64, "boolean": np.int64, "text": object
    }  # fmt: skip
    wanted = {name: dtypes[info.kind] for name, info in reader.columns.items() if info.kind in dtypes}
    if not wanted:
        return {}, True
    try:
        return _take(reader, wanted, max_entries)
    except DataError:
        # Whole numbers with gaps, or beyond the range of int64: as floats, to within rounding.
        integers = {name for name, dtype in wanted.items() if dtype is np.int64}
        if not integers:
            raise
        return _take(reader, wanted | dict.fromkeys(integers, np.float64), max_entries)


def _take(
    reader: Reader, dtypes: Mapping[str, DTypeLike], max_entries: int
) -> tuple[dict[str, NDArray[Any]], bool]:
    chunks = []
    n_entries = 0
    for chunk in reader.read(dtypes, _CHUNK_ENTRIES):
        chunks.append(chunk)
        n_entries += len(next(iter(chunk.values())))
        if n_entries > max_entries:
            break
    values = {name: np.concatenate([chunk[name] for chunk in chunks])[:max_entries] for name in dtypes}
    return values, n_entries <= max_entries


def _summarise(info: ColumnInfo, values: NDArray[Any] | ArraySummary | None) -> ColumnSummary:
    described: dict[str, Any] = {
        "name": info.name, "kind": info.kind, "type_name": info.type_name, "unit": info.unit,
        "shape": info.shape,
    }  # fmt: skip
    if values is None:
        return ColumnSummary(**described)
    if isinstance(values, ArraySummary):
        return ColumnSummary(**described, **values.to_fields())
    if values.dtype == object:
        return ColumnSummary(**described, **_summarise_text(values))
    return ColumnSummary(**described, **_summarise_numbers(values))


def _summarise_text(values: NDArray[Any]) -> dict[str, Any]:
    present = values[values != ""].astype(str)
    distinct, counts = np.unique(present, return_counts=True)
    return {
        "n_values": len(present),
        "n_nan": len(values) - len(present),
        "n_unique": len(distinct),
        "most_frequent": _most_frequent(distinct, counts),
    }


def _summarise_numbers(values: NDArray[Any]) -> dict[str, Any]:
    is_nan = np.isnan(values)
    is_finite = np.isfinite(values)
    finite = values[is_finite]
    distinct, counts = np.unique(finite, return_counts=True)
    is_category = len(distinct) <= _FEW_VALUES and len(finite) >= 4 * len(distinct)
    return {
        "n_values": int((~is_nan).sum()),
        "n_nan": int(is_nan.sum()),
        "n_inf": int((~is_finite & ~is_nan).sum()),
        "minimum": finite.min().item() if len(finite) else None,
        "maximum": finite.max().item() if len(finite) else None,
        "mean": float(finite.mean(dtype=np.float64)) if len(finite) else None,
        "n_unique": len(distinct),
        "sentinels": find_sentinels(values),
        "most_frequent": _most_frequent(distinct, counts) if is_category else (),
    }


def _most_frequent(distinct: NDArray[Any], counts: NDArray[np.int64]) -> tuple[tuple[str, int], ...]:
    order = np.argsort(-counts, kind="stable")[:_MAX_VALUES_SHOWN]
    return tuple(
        (f"{value:g}" if isinstance(value, float) else str(value), int(counts[index]))
        for index in order
        for value in [distinct[index].item()]
    )


def _count_duplicates(
    values: Mapping[str, NDArray[Any]], array_hashes: Mapping[str, HashArray]
) -> tuple[tuple[str, ...], int | None]:
    """Return the columns that number the rows, and how many rows equal an earlier one apart from these."""
    row_numbers = tuple(
        name
        for name, column in values.items()
        if column.dtype.kind == "i" and len(column) > 1 and len(np.unique(column)) == len(column)
    )
    compared = [_as_numbers(column) for name, column in values.items() if name not in row_numbers]
    compared += [hashes.view(np.int64) for hashes in array_hashes.values()]
    if len(compared) < 2 and not array_hashes:  # a column of labels repeats, and that says nothing
        return row_numbers, None
    hashes = hash_rows(compared)
    return row_numbers, len(hashes) - len(np.unique(hashes))


def _as_numbers(column: NDArray[Any]) -> NDArray[Any]:
    """Return a column as it is, text as codes."""
    if column.dtype != object:
        return column
    codes: NDArray[Any] = np.unique(column.astype(str), return_inverse=True)[1]
    return codes
