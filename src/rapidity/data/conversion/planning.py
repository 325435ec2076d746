"""From the configuration and what the files hold to what is done with each event."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from rapidity.config.conversion import FILE_ORDER
from rapidity.core.errors import ConfigError, DataError, ExpressionError, closest, shorten
from rapidity.core.jagged import Jagged
from rapidity.data.collections import find_collections
from rapidity.data.conversion.agreement import find_misfits, merge_types
from rapidity.data.conversion.guessing import split_collections
from rapidity.data.conversion.naming import (
    WantedColumn,
    can_be_read,
    check_exclude,
    expand_all,
    expand_columns,
    unique_by_name,
)
from rapidity.data.conversion.plan import PartPlan, PlannedCollection, PlannedColumn, RawColumn
from rapidity.expressions import parse_expression

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from rapidity.config.conversion import ConversionConfig, ConvertedCollection
    from rapidity.data.conversion.looking import BadFile, FileLook
    from rapidity.expressions import Expression

CHUNK_BYTES = 2**26
MOST_ROWS, FEWEST_ROWS = 2**14, 2**10
OBJECTS_GUESSED = 8
"""Objects of an event, to guess how much memory jagged columns take."""

IDENTITY = ("source_file", "source_entry")
"""Columns that say which event a row is."""
_STORED = {"text": "object"}


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
        self._samples = samples
        self._is_padded = is_padded
        self._infos = looks[0].columns
        self._where = looks[0].where
        self._collection_of = self._find_collections()

    def plan(self) -> ConversionPlan:
        config = self._config
        check_exclude(config.exclude, self._infos, self._where)
        events, groups = self._sort_by_collection(self._wanted())
        blocks = list(self._plan_collections(groups))
        counts = {collection.count_name for collection, _ in blocks}
        events = self._without_reserved(events, counts)
        self._check_names([*events, *(column for _, columns in blocks for column in columns)], counts)
        needed = self._needed(events, blocks)
        weights = [config.generator_weight_of(source) for source in config.sources]
        of_source = [needed | self._columns_of(weight, "generator_weight") for weight in weights]
        bad = find_misfits(self._looks, of_source, self._from_globs())
        good = [look for look in self._looks if look.file.path not in {misfit.path for misfit in bad}]
        types = merge_types(good, [*dict.fromkeys(name for names in of_source for name in names)])
        types |= {name: replace(types[name], dtype="int64") for name in config.event_key}
        columns = (
            *(self._plan_column(column, None, types) for column in events),
            *(
                self._plan_column(column, collection.name, types)
                for collection, wanted in blocks
                for column in wanted
            ),
        )
        parts = tuple(
            self._part_plan(names, types, columns, [collection for collection, _ in blocks], weight)
            for names, weight in zip(of_source, weights, strict=True)
        )
        return ConversionPlan(parts, self._unreadable(), tuple(bad), self._unordered(blocks))

    def _part_plan(
        self,
        names: Mapping[str, None],
        types: Mapping[str, RawColumn],
        columns: tuple[PlannedColumn, ...],
        collections: Sequence[PlannedCollection],
        weight: str | float | None,
    ) -> PartPlan:
        config = self._config
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
            {name: self._collection_of[name] for name in names if name in self._collection_of},
            self._is_padded,
            config.chunk_size or _rows_at_once(raw),
        )

    # Names -------------------------------------------------------------------------------------------------

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
        reserved = {*IDENTITY, *counts}
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

    # Collections -------------------------------------------------------------------------------------------

    def _find_collections(self) -> dict[str, str]:
        """Return jagged column -> collection; columns listed under one collection are made to be one."""
        files = [look.columns for look in self._looks]
        objects = self._config.objects
        found = find_collections(files, objects)
        joined = {}
        for name, block in self._config.collections.items():
            listed = [column.expression or column.name for column in block.columns or ()]
            plain = [text for text in listed if text in found]
            if len({found[text] for text in plain}) > 1:
                joined[name] = dict(zip(plain, plain, strict=True))
        if joined:
            found = find_collections(files, {**objects, **joined})
        named = {*(text for parts in (*objects.values(), *joined.values()) for text in parts.values())}
        return split_collections(found, self._samples, named) if self._samples else found

    def _collection(self, column: WantedColumn, key: str) -> str | None:
        if column.is_column:
            return self._collection_of.get(column.text)
        return self._parse(column.text, f"{key}, '{column.name}'").collection

    def _sort_by_collection(
        self, wanted: Iterable[WantedColumn]
    ) -> tuple[list[WantedColumn], dict[str, list[WantedColumn]]]:
        """Return the columns with one value per event, and those of objects by collection of the files."""
        events: list[WantedColumn] = []
        groups: dict[str, list[WantedColumn]] = {}
        for column in wanted:
            collection = self._collection(column, "columns")
            if collection is None:
                events.append(column)
            else:
                groups.setdefault(collection, []).append(column)
        return events, groups

    def _plan_collections(
        self, groups: dict[str, list[WantedColumn]]
    ) -> Iterator[tuple[PlannedCollection, list[WantedColumn]]]:
        declared = {}
        for name, block in self._config.collections.items():
            listed = self._listed_columns(name, block)
            declared[name] = (block, listed, self._source_of(name, listed))
        taken = {source: name for name, (_, _, source) in reversed(declared.items())}
        for name, (block, listed, source) in declared.items():
            columns = list(listed or ())
            if taken[source] == name:
                of_all = groups.pop(source, [])
                columns += [column for column in of_all if column.is_named or listed is None]
            if not columns:
                columns = self._all_of(source)
            yield self._planned(name, source, block), unique_by_name(columns)
        for source, columns in groups.items():
            if source not in taken:
                yield self._planned(source, source, None), columns

    def _listed_columns(self, name: str, block: ConvertedCollection) -> list[WantedColumn] | None:
        if block.columns is None:
            return None
        jagged = {column: info for column, info in self._infos.items() if info.kind == "jagged"}
        key = f"collections.{name}.columns"
        listed = list(
            expand_columns(
                block.columns, jagged, self._config.exclude, key, f"the collections of {self._where}"
            )
        )
        return [replace(column, is_named=True) for column in listed]

    def _source_of(self, name: str, listed: Sequence[WantedColumn] | None) -> str:
        """Return the collection of the files that a collection of the output comes from."""
        known = sorted(set(self._collection_of.values()))
        if listed is None:
            if name in known:
                return name
            near = closest(name, known)
            hint = f" Did you mean '{near[0]}'?" if near else ""
            message = (
                f"collections.{name}: {self._where} has no collection '{name}'.{hint} It has: "
                f"{shorten(known) or 'none'}. List the columns of yours: `columns: [...]`"
            )
            raise ConfigError(message)
        key = f"collections.{name}.columns"
        sources = {column.name: self._collection(column, key) for column in listed}
        single = [column for column, source in sources.items() if source is None]
        if single or len(set(sources.values())) != 1:
            found = shorten(
                f"{column} ({source or 'one value an event'})" for column, source in sources.items()
            )
            message = (
                f"{key}: its columns must be of one collection, found {found or 'no column'}. Move the "
                "others to `columns`, or into a collection of their own"
            )
            raise ConfigError(message)
        return str(next(iter(sources.values())))

    def _all_of(self, source: str) -> list[WantedColumn]:
        return [
            WantedColumn(name, name, is_column=True)
            for name, collection in self._collection_of.items()
            if collection == source and name in self._infos and can_be_read(self._infos[name])
        ]

    def _planned(self, name: str, source: str, block: ConvertedCollection | None) -> PlannedCollection:
        order_by = block.order_by if block is not None else None
        select = block.select if block is not None else None
        order_by = self._find_pt(source) if order_by is None else None if order_by == FILE_ORDER else order_by
        for key, text in (("order_by", order_by), ("select", select)):
            if text is not None and text not in self._collection_of:
                found = self._parse(text, f"collections.{name}.{key}").collection
                if found != source:
                    what = f"objects of '{found}'" if found else "one value an event"
                    message = (
                        f"collections.{name}.{key} '{text}' gives {what}, expected one for each object of "
                        f"'{source}'. Use columns of that collection"
                    )
                    raise ConfigError(message)
        n_objects = block.n_objects if block is not None and block.n_objects else self._config.n_objects
        return PlannedCollection(name, source, order_by, select, n_objects)

    def _find_pt(self, source: str) -> str | None:
        """Return what gives the transverse momentum of the objects, going by names; None without it."""
        momentum = self._config.objects.get(source, {}).get("pt")
        if momentum is not None:
            return momentum
        by_component: dict[str, str] = {}
        for name, collection in self._collection_of.items():
            component = name.replace(".", "_").lower().rpartition("_")[2]
            if collection == source and len(name) < len(by_component.get(component, "x" * 1000)):
                by_component[component] = name
        if "pt" in by_component:
            return by_component["pt"]
        parts = [by_component.get(name, "") for name in ("px", "py")]
        return f"hypot({', '.join(parts)})" if all(part.isidentifier() for part in parts) else None

    def _unordered(self, blocks: Sequence[tuple[PlannedCollection, list[WantedColumn]]]) -> tuple[str, ...]:
        asked = {name for name, block in self._config.collections.items() if block.order_by is not None}
        return tuple(
            collection.name
            for collection, _ in blocks
            if collection.order_by is None and collection.name not in asked
        )

    # Columns of the files ----------------------------------------------------------------------------------

    def _parse(self, text: str, key: str) -> Expression:
        try:
            return parse_expression(text, self._config.objects, self._collection_of)
        except ExpressionError as error:
            message = f"{key}: {error}"
            raise ExpressionError(message) from error

    def _columns_of(self, text: str | float | None, key: str) -> dict[str, None]:
        if not isinstance(text, str):
            return {}
        if text in self._infos:
            return {text: None}
        return dict.fromkeys(self._parse(text, key).columns)

    def _needed(
        self,
        events: Sequence[WantedColumn],
        blocks: Sequence[tuple[PlannedCollection, list[WantedColumn]]],
    ) -> dict[str, None]:
        """Return the columns that are read of every file, whatever its sample."""
        needed: dict[str, None] = {}
        for column in [*events, *(column for _, columns in blocks for column in columns)]:
            needed |= {column.text: None} if column.is_column else self._columns_of(column.text, column.name)
        for collection, _ in blocks:
            needed |= self._columns_of(collection.order_by, f"collections.{collection.name}.order_by")
            needed |= self._columns_of(collection.select, f"collections.{collection.name}.select")
        return needed | self._columns_of(self._config.selection, "selection")

    def _plan_column(
        self, column: WantedColumn, collection: str | None, types: Mapping[str, RawColumn]
    ) -> PlannedColumn:
        if column.is_column:
            raw = types[column.text]
            dtype, shape = raw.dtype, raw.shape
            unit = column.unit or self._infos[column.text].unit
        else:
            dtype, shape, unit = self._type_of_expression(column, types), (), column.unit
        if column.type is not None:
            dtype = _STORED.get(column.type, column.type)
        return PlannedColumn(column.name, column.text, column.is_column, dtype, collection, shape, unit)

    def _type_of_expression(self, column: WantedColumn, types: Mapping[str, RawColumn]) -> str:
        """Return what an expression is stored as: found out by computing it for one event of zeros."""
        expression = self._parse(column.text, column.name)
        raw = [types[name] for name in expression.columns]
        values = {item.name: _one_event(item) for item in raw}
        if shared := next((value for value in values.values() if isinstance(value, Jagged)), None):
            values = {
                name: Jagged(value.content, shared.offsets) if isinstance(value, Jagged) else value
                for name, value in values.items()
            }
        found = expression.evaluate(values)
        kind = (found.content if isinstance(found, Jagged) else np.asarray(found)).dtype.kind
        if kind != "f":
            return "bool" if kind == "b" else "int64"
        dtypes = {item.dtype for item in raw if item.dtype.startswith("float")}
        return "float32" if dtypes == {"float32"} else "float64"


def _one_event(raw: RawColumn) -> Any:
    if raw.is_jagged:
        return Jagged.from_counts(np.ones(1, raw.dtype), np.ones(1, np.int64))
    if raw.dtype == "object":
        message = f"column '{raw.name}' holds text, which expressions do not compute with. Leave it out."
        raise DataError(message)
    return np.ones((1, *raw.shape), raw.dtype)


def _rows_at_once(raw: Iterable[RawColumn]) -> int:
    """Return how many entries to hold at a time."""
    n_bytes = 0
    for column in raw:
        size = 32 if column.dtype == "object" else np.dtype(column.dtype).itemsize
        n_bytes += size * int(np.prod(column.shape)) * (OBJECTS_GUESSED if column.is_jagged else 1)
    return int(min(max(CHUNK_BYTES // max(n_bytes, 1), FEWEST_ROWS), MOST_ROWS))
