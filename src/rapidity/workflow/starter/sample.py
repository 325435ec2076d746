"""What `rapidity init` looks at: a part of the entries of every file, spread over the file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from rapidity.core.errors import DataError
from rapidity.core.jagged import Jagged, JaggedType
from rapidity.data.readers import list_tables
from rapidity.data.readers.opening import find_format, open_table

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from rapidity.data.readers import ColumnInfo, Reader

Values = Any
"""An array ``(n_kept,)``, or a `Jagged` column."""

MAX_ENTRIES = 50_000
"""Entries of a file that are kept: ranges, sentinels and what separates the classes show in these."""
MAX_VALUES = 20_000_000
"""Values of a file that are kept: of very wide tables fewer entries."""
_CHUNK_ENTRIES = 32_768

_NUMBERS = {"float32": np.float64, "float64": np.float64, "boolean": np.int64, "integer": np.int64}


@dataclass(frozen=True)
class SampledFile:
    """One file, with the values of some of its entries.

    Attributes
    ----------
    table_key
        How a source names the table: ``tree`` or ``dataset``; empty where the file is one table.
    n_tables
        Number of tables in the file, of which `table` is the widest.
    values
        Column -> values of the kept entries ``(n_kept,)``; columns that cannot be read are left out.
    target_values
        All values of the target column, if one was asked for.
    """

    path: Path
    table: str
    table_key: str
    n_tables: int
    n_entries: int
    columns: Mapping[str, ColumnInfo]
    values: Mapping[str, Values]
    target_values: NDArray[Any] | None = None


def sample_file(path: Path, table: str | None, target: str | None) -> SampledFile:
    """Read every k-th entry of a file, and its target column as a whole.

    Parameters
    ----------
    table
        Tree or dataset; None takes the widest, of these the longest.
    """
    file_format = find_format(path)
    reader = open_widest(path, table)
    name = getattr(reader, "table", "")
    kept, targets, n_entries = _read(reader, target)
    return SampledFile(
        path=path,
        table=name,
        table_key=(file_format.table_key or "") if name else "",
        n_tables=len(list_tables(path)),
        n_entries=n_entries,
        columns=reader.columns,
        values=kept,
        target_values=targets,
    )


def open_widest(path: Path, table: str | None) -> Reader:
    """Open a table of a file, without a name the widest; none of its entries is read."""
    names = [item.name for item in list_tables(path)]
    if table is not None or len(names) < 2:
        return open_table(path, table)
    readers = [open_table(path, name) for name in names]
    return max(readers, key=lambda reader: (len(reader.columns), reader.n_entries or 0))


def read_whole(file: SampledFile, names: Sequence[str]) -> dict[str, NDArray[Any]]:
    """Return all entries of some columns of numbers ``(n_entries,)``, of the types that were sampled."""
    reader = open_table(file.path, file.table or None)
    types = {name: file.values[name].dtype.type for name in names}
    parts: dict[str, list[NDArray[Any]]] = {name: [] for name in names}
    for chunk in reader.read(types, _CHUNK_ENTRIES):
        for name in names:
            parts[name].append(chunk[name])
    return {name: join(values) for name, values in parts.items()}


def _read(reader: Reader, target: str | None) -> tuple[dict[str, Values], NDArray[Any] | None, int]:
    types = {name: kind for name, info in reader.columns.items() if (kind := _type_to_read(info)) is not None}
    if not types:
        message = (
            f"{reader.where} has no column with one value, or a list of numbers, per event. Look inside: "
            f"rapidity inspect {reader.path}. Labels in another file come in by `join`: for pictures begin "
            "with examples/mnist_cnn, for arrays of objects with docs/guide/clouds.md."
        )
        raise DataError(message)
    most = max(min(MAX_ENTRIES, MAX_VALUES // len(types)), 100)
    stride = 1 if reader.n_entries is None else max(reader.n_entries // most, 1)
    try:
        return _collect(reader, types, target, stride)
    except DataError:
        # Whole numbers with gaps: as floats, in which a gap is NaN.
        whole = {name for name, kind in types.items() if kind is np.int64}
        if not whole:
            raise
        return _collect(reader, types | dict.fromkeys(whole, np.float64), target, stride)


def _type_to_read(info: ColumnInfo) -> Any:
    if info.kind == "text":
        return object
    if info.kind == "jagged" and info.dtype is not None:
        return JaggedType.of(np.float64)
    return _NUMBERS.get(info.kind)


def _collect(
    reader: Reader, types: Mapping[str, Any], target: str | None, stride: int
) -> tuple[dict[str, Values], NDArray[Any] | None, int]:
    kept: dict[str, list[Values]] = {name: [] for name in types}
    targets = []
    n_entries = 0
    for chunk in reader.read(types, _CHUNK_ENTRIES):
        n_rows = len(next(iter(chunk.values())))
        first = -n_entries % stride
        for name, values in chunk.items():
            kept[name].append(values[np.arange(first, n_rows, stride)])
        if target is not None and target in chunk:
            targets.append(chunk[target])
        n_entries += n_rows
    joined = {name: join(parts) for name, parts in kept.items()}
    return joined, np.concatenate(targets) if targets else None, n_entries


def join(parts: Sequence[Values]) -> Values:
    """Return the values of all parts, one after the other."""
    if isinstance(parts[0], Jagged):
        return Jagged.concatenate(parts)
    joined: NDArray[Any] = np.concatenate([np.asarray(part) for part in parts])
    return joined
