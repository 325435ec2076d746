"""Looking at the files before anything is converted: columns, entries, where parts may begin."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from rapidity.core.errors import DataError
from rapidity.data.conversion.padded_arrays import KEY, find_object_arrays
from rapidity.data.object_arrays import with_objects
from rapidity.data.readers import open_reader
from rapidity.data.readers.opening import find_format

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rapidity.config.collections import ObjectArrays
    from rapidity.config.conversion import ConvertedCollection
    from rapidity.data.readers import ColumnInfo, Reader

PART_BYTES = 2**25
"""Bytes of a file that make a part: small enough to lose little when it has to be done again."""
FEWEST_ENTRIES, MOST_ENTRIES = 2**16, 2**20
MANY_COLUMNS = 250
"""Opening a table takes a time for each of its columns, for every part again."""


@dataclass(frozen=True)
class SourceTable:
    """What says which table of a file is meant, as in a source.

    Attributes
    ----------
    meta_column
        Table and column that hold the sum of generator weights, if it stands in a table of its own.
    """

    index: int
    tree: str | None = None
    dataset: str | None = None
    column_names: tuple[str, ...] | None = None
    meta_column: tuple[str, str] | None = None


@dataclass(frozen=True)
class FileTask:
    """A file to look at.

    Attributes
    ----------
    collections, objects
        Of the configuration: they say which arrays hold objects.
    """

    path: str
    source: SourceTable
    collections: Mapping[str, ConvertedCollection] = field(default_factory=dict)
    objects: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """How messages call it."""
        return self.path


@dataclass(frozen=True)
class WarmUp:
    """No file to look at, but a format whose library is to be loaded: for workers that wait for parts."""

    path: str


@dataclass(frozen=True)
class FileId:
    """A file as it was when the conversion began.

    Attributes
    ----------
    arrays
        Collection -> the arrays of the file that hold its objects.
    """

    path: str
    size: int
    mtime_ns: int
    source: SourceTable
    arrays: Mapping[str, ObjectArrays] = field(default_factory=dict, hash=False)


@dataclass(frozen=True)
class FileLook:
    """What is known of a file before it is converted.

    Attributes
    ----------
    where
        The file and the table inside it, for messages.
    ranges
        Entries of the parts, each from a first to before a last; one None where the file must be read to
        its end to know.
    sum_of_weights
        From a table of its own; None without one.
    """

    file: FileId
    where: str
    columns: Mapping[str, ColumnInfo]
    n_entries: int | None
    ranges: tuple[tuple[int, int] | None, ...]
    sum_of_weights: float | None = None


@dataclass(frozen=True)
class BadFile:
    """A file that cannot be converted, and why."""

    path: str
    reason: str


def identify_file(path: Path) -> tuple[int, int]:
    """Return size and time of change (ns), by which a file is taken for the one it was."""
    try:
        status = path.stat()
    except OSError as error:
        message = f"cannot read {path}: {error.strerror}. Was it moved?"
        raise DataError(message) from error
    return status.st_size, status.st_mtime_ns


def look_at_file(task: FileTask | WarmUp) -> FileLook | BadFile | None:
    """Open a file and return what is known of it; what is wrong with it is returned, too."""
    path = Path(task.path)
    try:
        if isinstance(task, WarmUp):
            import_module(f"rapidity.data.readers.{find_format(path).module}")
            return None
        source = task.source
        size, mtime_ns = identify_file(path)
        stored = open_stored(path, source)
        arrays = find_object_arrays(task.collections, task.objects, stored.columns)
        reader = with_objects(stored, arrays, KEY)
        return FileLook(
            FileId(task.path, size, mtime_ns, source, arrays),
            reader.where,
            dict(reader.columns),
            reader.n_entries,
            _find_ranges(reader, size),
            None if source.meta_column is None else _sum_meta_column(path, source),
        )
    except DataError as error:
        return BadFile(task.path, str(error))


def open_stored(path: Path, source: SourceTable) -> Reader:
    """Return the table of a file that a source means, with its columns as they are stored."""
    return open_reader(path, tree=source.tree, dataset=source.dataset, column_names=source.column_names)


def _find_ranges(reader: Reader, size: int) -> tuple[tuple[int, int] | None, ...]:
    """Return the entries of the parts: the same whatever the number of workers."""
    if reader.n_entries is None:
        return (None,)
    if not reader.n_entries:
        return ()
    n_wanted = PART_BYTES * reader.n_entries // max(size, 1)
    fewest = FEWEST_ENTRIES * (1 + len(reader.columns) // MANY_COLUMNS)
    n_wanted = min(max(n_wanted, fewest), MOST_ENTRIES)
    if reader.n_entries <= n_wanted:
        return ((0, reader.n_entries),)
    return tuple(reader.entry_ranges(n_wanted))


def _sum_meta_column(path: Path, source: SourceTable) -> float:
    """Return the sum of a column of a table of its own, such as `genEventSumw` of the tree `Runs`."""
    table, column = source.meta_column or ("", "")
    key: Mapping[str, Any] = {"tree" if path.suffix == ".root" else "dataset": table}
    reader = open_reader(path, **key)
    chunks: Sequence[Any] = [chunk[column] for chunk in reader.read({column: np.float64})]
    return math.fsum(float(values.sum()) for values in chunks)
