"""Which entries of a table are looked at, and reading them."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from rapidity.core.errors import DataError
from rapidity.core.jagged import Jagged, JaggedType

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from rapidity.data.readers import ColumnInfo, Reader
    from rapidity.data.readers.reader import ColumnType

Values = Any
"""An array ``(n_entries,)`` or a `Jagged` column."""

MAX_ENTRIES = 500_000
MAX_VALUES = 20_000_000
"""Values looked at, of all columns together: of wide tables fewer entries."""
MIN_ENTRIES = 5_000
OBJECTS_PER_EVENT = 8
"""For how many values a jagged column counts before it is read."""
N_PARTS = 10
"""Parts of a table that are looked at, if it is not read as a whole."""

_IS_UNSIGNED = re.compile(r"uint64|ULong64|unsigned long")
"""Whole numbers that may be beyond the range of int64."""
_CHUNK_ENTRIES = 65_536
_DTYPES: Mapping[str, ColumnType] = {
    "float32": np.float32, "float64": np.float64, "integer": np.int64, "boolean": np.int64, "text": object
}  # fmt: skip


@dataclass(frozen=True)
class Sample:
    """Values of some entries.

    Attributes
    ----------
    values
        Column -> values; columns that cannot be read, and arrays, are left out.
    n_entries
        Of the whole table; None if nobody knows.
    n_estimated
        About how many, where nobody knows.
    parts
        The ranges of entries; empty where the file does not tell which entries were read.
    """

    values: dict[str, Values]
    n_entries: int | None
    n_read: int
    parts: tuple[tuple[int, int], ...] = ()
    n_estimated: int | None = None
    dtypes: Mapping[str, ColumnType] = field(default_factory=dict)


def sample_table(reader: Reader, max_entries: int | None = None) -> Sample:
    """Read the entries of a table, of a long one parts that are spread over it.

    Parameters
    ----------
    max_entries
        Of a longer table so many entries are read; None: as many as have `MAX_VALUES` values.

    Raises
    ------
    DataError
        If the file cannot be read.
    """
    dtypes = {name: kind for name, info in reader.columns.items() if (kind := type_to_read(info)) is not None}
    most = max_entries or _count_entries(dtypes.values())
    try:
        return _read(reader, dtypes, most)
    except DataError:
        # Whole numbers with gaps, or beyond the range of int64: as floats, to within rounding.
        integers = {name for name, dtype in dtypes.items() if dtype in {np.int64, np.uint64}}
        if not integers:
            raise
        return _read(reader, dtypes | dict.fromkeys(integers, np.float64), most)


def type_to_read(info: ColumnInfo) -> ColumnType | None:
    """Return how a column is asked for; None for those that are not read, and for arrays."""
    if info.kind == "jagged" and info.dtype is not None:
        return JaggedType.of(info.dtype)
    if info.kind == "integer" and _IS_UNSIGNED.search(info.type_name):
        return np.uint64
    return _DTYPES.get(info.kind)


def _count_entries(dtypes: Iterable[ColumnType]) -> int:
    width = sum(OBJECTS_PER_EVENT if isinstance(dtype, JaggedType) else 1 for dtype in dtypes)
    return min(max(MAX_VALUES // max(width, 1), MIN_ENTRIES), MAX_ENTRIES)


def spread_parts(reader: Reader, n_entries: int, max_entries: int) -> list[tuple[int, int]]:
    """Return ranges of entries, `max_entries` together: all, or parts spread evenly over the table.

    They begin where blocks on disk begin, if there are enough of these.
    """
    if n_entries <= max_entries:
        return [(0, n_entries)]
    n_parts = min(N_PARTS, max_entries)
    starts = [start for start, _ in reader.entry_ranges(-(-n_entries // n_parts))]
    if len(starts) < n_parts:
        starts = [int(start) for start in np.linspace(0, n_entries, n_parts, endpoint=False)]
    size = max(max_entries // len(starts), 1)
    ends = [*starts[1:], n_entries]
    return [(start, min(start + size, end)) for start, end in zip(starts, ends, strict=True)]


def _read(reader: Reader, dtypes: Mapping[str, ColumnType], max_entries: int) -> Sample:
    if not dtypes:
        n_entries = reader.n_entries
        return Sample({}, n_entries, n_entries or 0, dtypes=dtypes)
    if reader.n_entries is None:
        return _read_unknown(reader, dtypes, max_entries)
    parts = spread_parts(reader, reader.n_entries, max_entries)
    chunks = [chunk for part in parts for chunk in reader.read(dtypes, _CHUNK_ENTRIES, part)]
    values = join_chunks(chunks, dtypes)
    return Sample(values, reader.n_entries, _length(values), tuple(parts), dtypes=dtypes)


def _read_unknown(reader: Reader, dtypes: Mapping[str, ColumnType], max_entries: int) -> Sample:
    """Read a file that does not say how long it is: to its end, or else parts of it."""
    chunks = []
    n_entries = 0
    for chunk in reader.read(dtypes, min(_CHUNK_ENTRIES, max_entries + 1)):
        chunks.append(chunk)
        n_entries += len(next(iter(chunk.values())))
        if n_entries > max_entries:
            break
    else:
        return Sample(join_chunks(chunks, dtypes), n_entries, n_entries, ((0, n_entries),), dtypes=dtypes)
    spread = getattr(reader, "read_spread", lambda *_: None)(dtypes, N_PARTS, max_entries)
    if spread is not None:
        chunks, n_estimated = spread
        values = join_chunks(chunks, dtypes)
        return Sample(values, None, _length(values), n_estimated=n_estimated, dtypes=dtypes)
    values = {name: column[:max_entries] for name, column in join_chunks(chunks, dtypes).items()}
    return Sample(values, None, max_entries, ((0, max_entries),), dtypes=dtypes)


def join_chunks(chunks: Sequence[Mapping[str, Values]], names: Iterable[str]) -> dict[str, Values]:
    """Return the columns of all chunks, one after the other."""
    joined = {}
    for name in names:
        parts = [chunk[name] for chunk in chunks]
        joined[name] = Jagged.concatenate(parts) if isinstance(parts[0], Jagged) else np.concatenate(parts)
    return joined


def _length(values: Mapping[str, Values]) -> int:
    return len(next(iter(values.values()), ()))
