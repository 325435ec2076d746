"""Which arrays of a file hold the objects of the collections that a conversion names.

A block of `collections` in the YAML of a conversion says with the keys of `data.collections` of a run where
objects lie; beside them stands what is written of them. Two blocks may write the same objects.
"""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from rapidity.config.collections import ObjectArrays
from rapidity.config.conversion import FILE_ORDER
from rapidity.core.errors import ConfigError, MissingNameError, closest, shorten
from rapidity.data.collections import find_columns

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from rapidity.config.conversion import ConvertedCollection
    from rapidity.data.readers import ColumnInfo

KEY = "collections"


def find_object_arrays(
    collections: Mapping[str, ConvertedCollection],
    objects: Mapping[str, Mapping[str, str]],
    columns: Mapping[str, ColumnInfo],
) -> dict[str, ObjectArrays]:
    """Return the blocks whose objects lie in arrays of this file, as `object_arrays.with_objects` takes them.

    Parameters
    ----------
    columns
        Of the file, as they are stored.

    Raises
    ------
    MissingNameError
        If `absent` names a column that is not in the file.
    ConfigError
        If two blocks make objects of the same arrays in different ways.
    ExpressionError
        If an expression of such a block cannot be understood.
    """
    found: dict[str, ObjectArrays] = {}
    for name, block in collections.items():
        if block.array is not None:
            keys = block.model_dump(include=set(ObjectArrays.model_fields) - {"columns"})
            _add(found, name, ObjectArrays.model_validate(keys))
        elif block.absent or block.count is not None:
            taken = _named_arrays(name, block, objects, columns)
            if taken:
                _add(found, name, ObjectArrays(columns=taken, absent=block.absent, count=block.count))
    claimed = {column for made in found.values() for column in made.names}
    for name, block in collections.items():
        plain = tuple(_plain_names(block, columns))
        if name not in found and not claimed.intersection(plain) and _are_arrays(plain, columns):
            _add(found, name, ObjectArrays(columns=plain))
    return found


def _named_arrays(
    name: str,
    block: ConvertedCollection,
    objects: Mapping[str, Mapping[str, str]],
    columns: Mapping[str, ColumnInfo],
) -> tuple[str, ...]:
    """Return the arrays that a block names: one by one, in `absent`, or in an expression of objects."""
    _require(name, block, columns)
    texts = [column.expression for column in block.columns or () if column.expression is not None]
    texts += [text for text in (block.select, block.order_by) if text not in (None, FILE_ORDER)]
    used = [column for text in texts for column in _columns_of(text, objects, columns)]
    arrays = [column for column in used if _are_arrays((column,), columns)]
    return tuple(dict.fromkeys([*_plain_names(block, columns), *block.absent, *arrays]))


def _columns_of(
    text: str, objects: Mapping[str, Mapping[str, str]], columns: Mapping[str, ColumnInfo]
) -> tuple[str, ...]:
    return (text,) if text in columns else find_columns(text, objects)


def _plain_names(block: ConvertedCollection, columns: Mapping[str, ColumnInfo]) -> Iterator[str]:
    """Yield the columns of the file that a block takes as they are; a glob stands for arrays alone."""
    for column in block.columns or ():
        if column.is_glob:
            yield from (
                name for name in columns if fnmatchcase(name, column.name) and _are_arrays((name,), columns)
            )
        elif (column.expression or column.name) in columns:
            yield column.expression or column.name


def _are_arrays(names: tuple[str, ...], columns: Mapping[str, ColumnInfo]) -> bool:
    infos = [columns[name] for name in names if name in columns]
    return bool(infos) and all(info.kind == "array" and info.holds_objects for info in infos)


def _require(name: str, block: ConvertedCollection, columns: Mapping[str, ColumnInfo]) -> None:
    missing = [column for column in block.absent if column not in columns]
    if missing:
        place = f"{name}.absent"
        raise missing_array(place, missing[0], columns, "the file")


def missing_array(block: str, column: str, columns: Mapping[str, ColumnInfo], where: str) -> MissingNameError:
    """Return the error about a column that a block of `collections` names and `where` does not hold."""
    near = [f"'{one}'" for one in closest(column, columns)]
    hint = f"Closest: {', '.join(near)}." if near else f"Columns: {shorten(columns)}."
    return MissingNameError(f"{KEY}.{block}: column '{column}' is not in {where}. {hint}")


def _add(found: dict[str, ObjectArrays], name: str, made: ObjectArrays) -> None:
    """Add what a block makes of arrays; where another makes the same objects of them, they are one."""
    for other, before in found.items():
        if before.array != made.array or not (made.array is not None or set(before.names) & set(made.names)):
            continue
        same = ("fields", "fields_first", "absent", "count")
        if any(getattr(before, key) != getattr(made, key) for key in same):
            shared = made.array or shorten(sorted(set(before.names) & set(made.names)))
            message = (
                f"{KEY}.{other} and {KEY}.{name} make objects of the same arrays ({shared}) in different "
                "ways. Give both the same array, fields, absent and count, and choose the objects with "
                "`select`."
            )
            raise ConfigError(message)
        columns = None if made.columns is None else tuple(dict.fromkeys([*before.names, *made.names]))
        found[other] = before.model_copy(update={"columns": columns})
        return
    found[name] = made
