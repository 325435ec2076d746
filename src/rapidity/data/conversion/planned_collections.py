"""The collections of the output: of which collection of the files, in which order, how many objects."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from rapidity.config.conversion import FILE_ORDER
from rapidity.core.errors import ConfigError, closest, shorten
from rapidity.data.conversion.naming import WantedColumn, can_be_read, expand_columns, unique_by_name
from rapidity.data.conversion.padded_arrays import missing_array
from rapidity.data.conversion.plan import PlannedCollection

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rapidity.config.conversion import ConversionConfig, ConvertedCollection
    from rapidity.data.conversion.file_columns import FileColumns


def plan_collections(
    config: ConversionConfig, columns: FileColumns, groups: dict[str, list[WantedColumn]]
) -> list[tuple[PlannedCollection, list[WantedColumn]]]:
    """Return the collections of the output with their columns: those declared, then those left over.

    Parameters
    ----------
    groups
        Collection of the files -> what `columns` asks of it; what is taken is removed.

    Raises
    ------
    ConfigError
        If a collection is not in the files, or its columns, order or cut belong to several.
    ExpressionError
        If an expression cannot be understood.
    """
    return list(_CollectionPlanner(config, columns).plan(groups))


def find_unordered(config: ConversionConfig, collections: Sequence[PlannedCollection]) -> tuple[str, ...]:
    """Return the collections left in the order of the file though none asked for that."""
    asked = {name for name, block in config.collections.items() if block.order_by is not None}
    return tuple(
        collection.name
        for collection in collections
        if collection.order_by is None and collection.name not in asked
    )


class _CollectionPlanner:
    def __init__(self, config: ConversionConfig, columns: FileColumns) -> None:
        self._config = config
        self._columns = columns

    def plan(
        self, groups: dict[str, list[WantedColumn]]
    ) -> Iterator[tuple[PlannedCollection, list[WantedColumn]]]:
        declared = {}
        for name, block in self._config.collections.items():
            listed = self._listed_columns(name, block)
            declared[name] = (block, listed, self._source_of(name, block, listed))
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
        if block.fields is not None and not set(block.fields) <= set(self._columns.infos):
            raise missing_array(name, str(block.array), self._columns.infos, self._columns.where)
        if block.columns is None:
            return None
        jagged = {column: info for column, info in self._columns.infos.items() if info.kind == "jagged"}
        key = f"collections.{name}.columns"
        listed = list(
            expand_columns(
                block.columns, jagged, self._config.exclude, key, f"the collections of {self._columns.where}"
            )
        )
        return [replace(column, is_named=True) for column in listed]

    def _source_of(self, name: str, block: ConvertedCollection, listed: Sequence[WantedColumn] | None) -> str:
        """Return the collection of the files that a collection of the output comes from."""
        known = sorted(set(self._columns.collection_of.values()))
        made = [field for field in block.fields or () if field in self._columns.collection_of]
        if listed is None and made:
            return self._columns.collection_of[made[0]]
        if listed is None:
            if name in known:
                return name
            near = closest(name, known)
            hint = f" Did you mean '{near[0]}'?" if near else ""
            message = (
                f"collections.{name}: {self._columns.where} has no collection '{name}'.{hint} It has: "
                f"{shorten(known) or 'none'}. List the columns of yours: `columns: [...]`"
            )
            raise ConfigError(message)
        key = f"collections.{name}.columns"
        sources = {column.name: self._columns.find_collection(column, key) for column in listed}
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
            for name, collection in self._columns.collection_of.items()
            if collection == source and name in self._columns.infos and can_be_read(self._columns.infos[name])
        ]

    def _planned(self, name: str, source: str, block: ConvertedCollection | None) -> PlannedCollection:
        order_by = block.order_by if block is not None else None
        select = block.select if block is not None else None
        order_by = self._find_pt(source) if order_by is None else None if order_by == FILE_ORDER else order_by
        for key, text in (("order_by", order_by), ("select", select)):
            if text is not None and text not in self._columns.collection_of:
                found = self._columns.parse(text, f"collections.{name}.{key}").collection
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
        for name, collection in self._columns.collection_of.items():
            component = name.replace(".", "_").lower().rpartition("_")[2]
            if collection == source and len(name) < len(by_component.get(component, "x" * 1000)):
                by_component[component] = name
        if "pt" in by_component:
            return by_component["pt"]
        parts = [by_component.get(name, "") for name in ("px", "py")]
        return f"hypot({', '.join(parts)})" if all(part.isidentifier() for part in parts) else None
