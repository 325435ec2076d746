"""From the configuration and what the files hold to what is done with each event.

What names and expressions mean is in `file_columns`, the collections of the output in `planned_collections`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from rapidity.core.errors import ConfigError, closest, shorten
from rapidity.data.columns import ROW_IDENTITY
from rapidity.data.conversion.agreement import find_misfits, merge_types
from rapidity.data.conversion.file_columns import find_columns
from rapidity.data.conversion.naming import (
    WantedColumn,
    can_be_read,
    check_exclude,
    expand_all,
    expand_columns,
    unique_by_name,
)
from rapidity.data.conversion.plan import PartPlan
from rapidity.data.conversion.planned_collections import find_unordered, plan_collections

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from rapidity.config.conversion import ConversionConfig
    from rapidity.data.conversion.looking import BadFile, FileLook
    from rapidity.data.conversion.plan import PlannedCollection, PlannedColumn, RawColumn

CHUNK_BYTES = 2**26
MOST_ROWS, FEWEST_ROWS = 2**14, 2**10
OBJECTS_GUESSED = 8
"""Objects of an event, to guess how much memory jagged columns take."""


@dataclass(frozen=True)
class ConversionPlan:
    """What is done with the events of each source.

    Attributes
    ----------
    parts
        By number of the source.
    unreadable
        Columns that `all` or a glob would take but that cannot be read.
    bad_files
        Files that do not fit the others.
    unordered
        Collections left in the order of the file because no transverse momentum was found.
    """

    parts: tuple[PartPlan, ...]
    unreadable: tuple[str, ...]
    bad_files: tuple[BadFile, ...]
    unordered: tuple[str, ...]


def plan_conversion(
    config: ConversionConfig,
    looks: Sequence[FileLook],
    samples: Sequence[Mapping[str, str]] = (),
    *,
    is_padded: bool,
) -> ConversionPlan:
    """Decide what is read of every file, and what is written.

    Parameters
    ----------
    looks
        What is known of each file, at least one; names and globs mean columns of the first.
    samples
        Of some files, what `guessing.sample_counts` returns.
    is_padded
        Whether the output keeps objects in rows of a fixed length (HDF5), or as lists (Parquet).

    Raises
    ------
    MissingNameError
        If a column is not in the first file.
    ConfigError
        If two columns of the output have one name, or the columns of a collection do not belong together.
    ExpressionError
        If an expression cannot be understood.
    """
    return _Planner(config, looks, samples, is_padded).plan()


class _Planner:
    def __init__(
        self,
        config: ConversionConfig,
        looks: Sequence[FileLook],
        samples: Sequence[Mapping[str, str]],
        is_padded: bool,
    ) -> None:
        self._config = config
        self._looks = looks
        self._is_padded = is_padded
        self._infos = looks[0].columns
        self._where = looks[0].where
        self._columns = find_columns(config, looks, samples)

    def plan(self) -> ConversionPlan:
        config = self._config
        check_exclude(config.exclude, self._infos, self._where)
        events, groups = self._sort_by_collection(self._wanted())
        blocks = plan_collections(config, self._columns, groups)
        collections = [collection for collection, _ in blocks]
        counts = {collection.count_name for collection in collections}
        events = self._without_reserved(events, counts)
        self._check_names([*events, *(column for _, columns in blocks for column in columns)], counts)
        needed = self._needed(events, blocks)
        weights = [config.generator_weight_of(source) for source in config.sources]
        of_source = [needed | self._columns.read_for(weight, "generator_weight") for weight in weights]
        bad = find_misfits(self._looks, of_source, self._from_globs())
        good = [look for look in self._looks if look.file.path not in {misfit.path for misfit in bad}]
        types = merge_types(good, [*dict.fromkeys(name for names in of_source for name in names)])
        types |= {name: replace(types[name], dtype="int64") for name in config.event_key}
        columns = (
            *(self._columns.plan_column(column, None, types) for column in events),
            *(
                self._columns.plan_column(column, collection.name, types)
                for collection, wanted in blocks
                for column in wanted
            ),
        )
        parts = tuple(
            self._part_plan(names, types, columns, collections, weight)
            for names, weight in zip(of_source, weights, strict=True)
        )
        unordered = find_unordered(config, collections)
        return ConversionPlan(parts, self._unreadable(), tuple(bad), unordered)

    def _part_plan(
        self,
        names: Mapping[str, None],
        types: Mapping[str, RawColumn],
        columns: tuple[PlannedColumn, ...],
        collections: Sequence[PlannedCollection],
        weight: str | float | None,
    ) -> PartPlan:
        config = self._config
        collection_of = self._columns.collection_of
        raw = tuple(types[name] for name in names)
        if config.is_weighted and weight is None:
            weight = 1.0
        return PartPlan(
            raw,
            columns,
            tuple(collections),
            config.selection,
            weight,
            config.objects,
            {name: collection_of[name] for name in names if name in collection_of},
            self._is_padded,
            config.chunk_size or _rows_at_once(raw),
        )

    def _wanted(self) -> list[WantedColumn]:
        """Return what `columns` and `event_key` ask for."""
        config = self._config
        if config.columns == "all":
            wanted = list(expand_all(self._infos, config.exclude))
        else:
            wanted = list(expand_columns(config.columns, self._infos, config.exclude, "columns", self._where))
        texts = {column.text for column in wanted if column.is_column}
        for name in config.event_key:
            if name not in self._infos:
                near = closest(name, self._infos)
                hint = f"Closest: {shorten(near)}." if near else f"Columns: {shorten(self._infos)}."
                message = f"event_key: column '{name}' is not in {self._where}. {hint}"
                raise ConfigError(message)
            if name not in texts:
                wanted.append(WantedColumn(name, name, is_column=True))
        return unique_by_name(wanted)

    def _from_globs(self) -> list[str] | None:
        """Return the patterns that every file must answer with the same columns; None for all columns."""
        if self._config.columns == "all":
            return None
        return [column.name for column in self._config.columns if column.is_glob]

    def _unreadable(self) -> tuple[str, ...]:
        if self._config.columns != "all":
            return ()
        return tuple(name for name, info in self._infos.items() if not can_be_read(info))

    def _without_reserved(self, events: Sequence[WantedColumn], counts: set[str]) -> list[WantedColumn]:
        """Leave out what a glob found and the output has of its own, such as the count of a collection."""
        reserved = {*ROW_IDENTITY, *counts}
        reserved |= {"class"} if self._config.class_names else set()
        reserved |= {"event_weight"} if self._config.is_weighted else set()
        named = [column.name for column in events if column.is_named and column.name in reserved]
        if named:
            message = (
                f"the output has columns {shorten(named)} of its own. Give yours another name: "
                f"`my_{named[0]}: {named[0]}`"
            )
            raise ConfigError(message)
        return [column for column in events if column.name not in reserved]

    def _check_names(self, columns: Iterable[WantedColumn], counts: set[str]) -> None:
        seen: set[str] = set()
        for column in columns:
            if column.name in seen:
                message = f"two columns of the output are called '{column.name}'. Give one another name"
                raise ConfigError(message)
            if column.name in counts:
                message = f"column '{column.name}' has the name of a count of objects. Give it another name"
                raise ConfigError(message)
            seen.add(column.name)
        if not seen:
            message = "no column is left to be written. Name some in `columns`, or exclude fewer"
            raise ConfigError(message)

    def _sort_by_collection(
        self, wanted: Iterable[WantedColumn]
    ) -> tuple[list[WantedColumn], dict[str, list[WantedColumn]]]:
        """Return the columns with one value per event, and those of objects by collection of the files."""
        events: list[WantedColumn] = []
        groups: dict[str, list[WantedColumn]] = {}
        for column in wanted:
            collection = self._columns.find_collection(column, "columns")
            if collection is None:
                events.append(column)
            else:
                groups.setdefault(collection, []).append(column)
        return events, groups

    def _needed(
        self,
        events: Sequence[WantedColumn],
        blocks: Sequence[tuple[PlannedCollection, list[WantedColumn]]],
    ) -> dict[str, None]:
        """Return the columns that are read of every file, whatever its sample."""
        needed: dict[str, None] = {}
        for column in [*events, *(column for _, columns in blocks for column in columns)]:
            needed |= (
                {column.text: None} if column.is_column else self._columns.read_for(column.text, column.name)
            )
        for collection, _ in blocks:
            needed |= self._columns.read_for(collection.order_by, f"collections.{collection.name}.order_by")
            needed |= self._columns.read_for(collection.select, f"collections.{collection.name}.select")
        return needed | self._columns.read_for(self._config.selection, "selection")


def _rows_at_once(raw: Iterable[RawColumn]) -> int:
    """Return how many entries to hold at a time."""
    n_bytes = 0
    for column in raw:
        size = 32 if column.dtype == "object" else np.dtype(column.dtype).itemsize
        n_bytes += size * int(np.prod(column.shape)) * (OBJECTS_GUESSED if column.is_jagged else 1)
    return int(min(max(CHUNK_BYTES // max(n_bytes, 1), FEWEST_ROWS), MOST_ROWS))
