"""How columns of a converted file differ from those of the ntuples that it was made of.

A model that is trained on the converted file must be told when it is to score the ntuples themselves.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, TypedDict

from rapidity.data.readers import open_reader
from rapidity.data.readers.attributes import read_attribute

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping
    from pathlib import Path


class ColumnChange(TypedDict, total=False):
    """What a conversion did to a column; keys that say nothing are left out.

    Keys: the `expression` that it was computed by; of objects what they were ordered by (`order_by`, the
    largest first), which were kept (`select`, also which places of an array hold one), and how many
    (`n_objects`), if any were cut off.
    """

    expression: str
    order_by: str
    select: str
    n_objects: int


class Changes(TypedDict):
    """What conversions did: the selections of events, and changed columns."""

    selections: list[str]
    columns: dict[str, ColumnChange]


def read_conversion(path: Path) -> dict[str, Any] | None:
    """Return what a file says of the conversion that made it; None if it was not made by one.

    Raises
    ------
    DataError
        If the file is missing or damaged.
    """
    try:
        facts = json.loads(read_attribute(path, "metadata") or "null")
    except ValueError:
        return None
    return facts if isinstance(facts, dict) and "metadata_version" in facts else None


def find_changes(paths: Iterable[Path], columns: Collection[str]) -> Changes | None:
    """Return what conversions did to these columns of files; None if nothing, or they made none of them."""
    changes: Changes = {"selections": [], "columns": {}}
    for path in paths:
        facts = read_conversion(path)
        if facts is None:
            continue
        selection = facts["configuration"].get("selection")
        if selection and selection not in changes["selections"]:
            changes["selections"].append(selection)
        changes["columns"] |= _find_in_columns(path, facts, columns)
    return changes if any(changes.values()) else None


def _find_in_columns(
    path: Path, facts: Mapping[str, Any], columns: Collection[str]
) -> dict[str, ColumnChange]:
    expressions = dict(_list_expressions(facts["configuration"]))
    taken = dict(_list_taken_places(facts["configuration"]))
    arranged = {record["name"]: _describe(record) for record in facts["collections"]}
    infos = open_reader(path).columns
    changes: dict[str, ColumnChange] = {}
    for name in columns:
        collection = infos[name].collection if name in infos else None
        change: ColumnChange = {**arranged.get(collection or "", {})}
        if name in taken:
            chosen = [change["select"]] if "select" in change else []
            change["select"] = " and ".join([taken[name], *chosen])
        if name in expressions:
            change["expression"] = expressions[name]
        if change:
            changes[name] = change
    return changes


def _list_expressions(configuration: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield the names and expressions of the columns that are no columns of the ntuples."""
    blocks = [configuration, *configuration.get("collections", {}).values()]
    for block in blocks:
        columns = block.get("columns")
        for column in columns if isinstance(columns, list) else ():
            if column.get("expression", column["name"]) != column["name"]:
                yield column["name"], column["expression"]


def _list_taken_places(configuration: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield the columns of objects that lay in arrays, and which of the places there hold one."""
    for block in configuration.get("collections", {}).values():
        if block.get("absent"):
            listed = [f"{name} == {value}" for name, value in block["absent"].items()]
            taken = f"not ({' and '.join(listed)})"
        elif block.get("count"):
            taken = f"place < {block['count']}"
        else:
            continue
        columns = block.get("columns")
        plain = [column["name"] for column in columns] if isinstance(columns, list) else []
        yield from ((name, taken) for name in (*(block.get("fields") or ()), *plain))


def _describe(record: Mapping[str, Any]) -> ColumnChange:
    change: ColumnChange = {}
    if record["order_by"]:
        change["order_by"] = record["order_by"]
    if record["select"]:
        change["select"] = record["select"]
    if record["n_events_cut"]:
        change["n_objects"] = record["n_objects"]
    return change
