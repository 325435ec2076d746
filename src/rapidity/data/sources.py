"""The files of each source: found, opened for a look at their columns, read with what is joined to them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from rapidity.core.errors import DataError, MissingNameError, closest, shorten
from rapidity.core.jagged import JaggedType
from rapidity.data.object_arrays import check_collections, with_objects
from rapidity.data.readers.finding import find_files
from rapidity.data.readers.opening import find_format, list_tables, open_reader, open_table

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from numpy.typing import DTypeLike, NDArray

    from rapidity.config.collections import ObjectArrays
    from rapidity.config.data import Source
    from rapidity.data.readers.reader import ColumnInfo, Reader

Chunk = dict[str, "NDArray[Any]"]


@dataclass(frozen=True)
class JoinedFile:
    """One file of events and the files that hold further columns of the same events, row by row."""

    parts: tuple[Reader, ...]

    @property
    def path(self) -> Path:
        """The file that the row numbers belong to."""
        return self.parts[0].path

    @property
    def where(self) -> str:
        """The file and what is joined to it, for messages."""
        joined = " and ".join(part.where for part in self.parts[1:])
        return f"{self.parts[0].where} (joined with {joined})" if joined else self.parts[0].where

    @cached_property
    def columns(self) -> Mapping[str, ColumnInfo]:
        """All columns, in the order of the files."""
        merged: dict[str, ColumnInfo] = {}
        for part in self.parts:
            for name, info in part.columns.items():
                merged.setdefault(name, info)
        return merged

    @cached_property
    def clashing(self) -> Mapping[str, tuple[Reader, ...]]:
        """Columns that stand in several of the files, and these files."""
        owners: dict[str, tuple[Reader, ...]] = {}
        for part in self.parts:
            for name in part.columns:
                owners[name] = (*owners.get(name, ()), part)
        return {name: parts for name, parts in owners.items() if len(parts) > 1}

    def require_column(self, name: str, needed_by: str) -> ColumnInfo:
        """Return what is known of a column; an error says who needs one that is missing or ambiguous."""
        if name in self.clashing:
            files = " and ".join(part.where for part in self.clashing[name])
            message = (
                f"column '{name}' ({needed_by}) stands both in {files}, which are joined. "
                "Rename it in one of them, or do without it (`exclude` takes it out of `columns: all`)."
            )
            raise DataError(message)
        if name not in self.columns:
            near = [f"'{found}'" for found in closest(name, self.columns)]
            hint = f"Closest: {', '.join(near)}." if near else f"Columns: {shorten(self.columns)}."
            message = (
                f"column '{name}' ({needed_by}) is not in {self.where} ({len(self.columns)} columns).\n"
                f"  {hint} List all: rapidity inspect {self.path}"
            )
            raise MissingNameError(message)
        return self.columns[name]

    def read(self, dtypes: Mapping[str, DTypeLike], chunk_size: int = 131_072) -> Iterator[Chunk]:
        """Yield the named columns chunk by chunk, rows of joined files beside each other.

        Raises
        ------
        DataError
            If the joined files do not have as many entries as the first.
        """
        shares = [
            (part, {name: dtypes[name] for name in dtypes if name in part.columns}) for part in self.parts
        ]
        if len(shares) == 1:
            yield from self.parts[0].read(dtypes, chunk_size)
            return
        # The first file is always read, be it for one column: it says how many events there are.
        first = self.parts[0]
        if not shares[0][1]:
            shares[0] = (first, _any_column(first))
        streams = [_Stream(part, share, chunk_size) for part, share in shares if share]
        while all(stream.fill() for stream in streams):
            n_rows = min(stream.n_rows for stream in streams)
            chunk = {name: values for stream in streams for name, values in stream.take(n_rows).items()}
            yield {name: chunk[name] for name in dtypes}
        self._check_lengths(streams)

    def _check_lengths(self, streams: list[_Stream]) -> None:
        lengths = [stream.drain() for stream in streams]
        for stream, length in zip(streams, lengths, strict=True):
            if length != lengths[0]:
                message = (
                    f"joined files do not hold the same events: {lengths[0]} entries in {streams[0].where}, "
                    f"{length} in {stream.where}. Joining goes row by row: give files of the same events."
                )
                raise DataError(message)


def _any_column(reader: Reader) -> dict[str, Any]:
    """Return one column that can be read, and its dtype: preferably one value per event."""
    for info in reader.columns.values():
        if info.kind not in {"array", "jagged", "doubly jagged", "unreadable"}:
            return {info.name: object}
    for info in reader.columns.values():
        if info.dtype is not None:
            is_jagged = info.kind == "jagged"
            return {info.name: JaggedType.of(info.dtype) if is_jagged else np.dtype((info.dtype, info.shape))}
    return {next(iter(reader.columns)): object}


class _Stream:
    """One of several files that are read side by side, whatever the sizes of their chunks."""

    def __init__(self, reader: Reader, dtypes: Mapping[str, DTypeLike], chunk_size: int) -> None:
        self.where = reader.where
        self._chunks = reader.read(dtypes, chunk_size)
        self._chunk: Chunk = {}
        self._n_taken = 0

    @property
    def n_rows(self) -> int:
        return len(next(iter(self._chunk.values()))) if self._chunk else 0

    def fill(self) -> bool:
        """Make sure that rows are at hand; return False at the end of the file."""
        while not self.n_rows:
            chunk = next(self._chunks, None)
            if chunk is None:
                return False
            self._chunk = chunk
        return True

    def take(self, n_rows: int) -> Chunk:
        taken = {name: values[:n_rows] for name, values in self._chunk.items()}
        self._chunk = {name: values[n_rows:] for name, values in self._chunk.items()}
        self._n_taken += n_rows
        return taken

    def drain(self) -> int:
        """Read to the end and return the number of entries of the file."""
        while self.fill():
            self.take(self.n_rows)
        return self._n_taken


@dataclass(frozen=True)
class OpenSource:
    """One source with its files."""

    index: int
    config: Source
    files: tuple[JoinedFile, ...]

    @property
    def name(self) -> str:
        """The source as the configuration writes it, for messages."""
        path = self.config.path
        return path if isinstance(path, str) else shorten(path, limit=3)


def open_source(
    index: int, config: Source, base: Path, collections: Mapping[str, ObjectArrays] | None = None
) -> OpenSource:
    """Find and open the files of a source, joined files included; only their columns are looked at.

    Parameters
    ----------
    collections
        Arrays that are to be columns of objects, as in ``data.collections``.
    """
    readers = [
        open_reader(path, tree=config.tree, dataset=config.dataset, column_names=config.columns)
        for path in find_files(config.path, base)
    ]
    groups = [[_open_joined(path, config) for path in paths] for paths in _match_joins(config, readers, base)]
    files = []
    for parts in zip(readers, *groups, strict=True):
        made = JoinedFile(tuple(with_objects(part, collections or {}) for part in parts))
        check_collections(made.parts, collections or {}, made.where)
        files.append(made)
    return OpenSource(index, config, tuple(files))


def _open_joined(path: Path, config: Source) -> Reader:
    # A tree or dataset named in the source belongs to the formats that have such; the joined file may be
    # of another format than the first.
    named = {"tree": config.tree, "dataset": config.dataset}.get(find_format(path).table_key or "")
    if named is not None:
        names = [table.name for table in list_tables(path)]
        # A friend has one tree, whose name is its own.
        if len(names) == 1 and named.strip("/").partition(";")[0] not in names:
            named = None
    return open_table(path, named)


def _match_joins(config: Source, readers: list[Reader], base: Path) -> list[list[Path]]:
    """Return, for each set of joined files, one file for each file of the source."""
    if config.join is None:
        return []
    patterns = [config.join] if isinstance(config.join, str) else list(config.join)
    groups = [find_files(pattern, base) for pattern in patterns]
    if all(len(group) == len(readers) for group in groups):
        return groups
    together = [path for group in groups for path in group]
    if len(together) == len(readers):
        return [together]
    message = (
        f"source {config.path}: {len(readers)} files, but {len(together)} files to join "
        f"({shorten(path.name for path in together)}). Each file needs one of its own, in the same order."
    )
    raise DataError(message)
