"""From the columns that a conversion asks for to columns of the files: names, globs, expressions."""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from rapidity.core.errors import ConfigError, MissingNameError, closest, shorten

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

    from rapidity.config.conversion import ConvertedColumn
    from rapidity.data.readers import ColumnInfo

UNREADABLE = {"unreadable", "doubly jagged"}


@dataclass(frozen=True)
class WantedColumn:
    """One column of the output, as it was asked for.

    Attributes
    ----------
    text
        Column of the files, or expression.
    type
        What it is to be stored as; None: as follows from the files.
    is_named
        Whether it was asked for by its name, not by `all` or a glob.
    """

    name: str
    text: str
    is_column: bool
    unit: str | None = None
    type: str | None = None
    is_named: bool = True


def can_be_read(info: ColumnInfo) -> bool:
    """Return whether the values of a column can be read at all."""
    if info.kind in UNREADABLE:
        return False
    return info.kind not in {"jagged", "array"} or info.dtype is not None


def expand_all(columns: Mapping[str, ColumnInfo], exclude: Sequence[str]) -> Iterator[WantedColumn]:
    """Yield all columns that can be read, but those left out."""
    for name, info in columns.items():
        if can_be_read(info) and not _is_excluded(name, exclude):
            yield WantedColumn(name, name, is_column=True, is_named=False)


def expand_columns(
    entries: Iterable[ConvertedColumn],
    columns: Mapping[str, ColumnInfo],
    exclude: Sequence[str],
    key: str,
    where: str,
) -> Iterator[WantedColumn]:
    """Yield what the entries of a list of columns ask for.

    Parameters
    ----------
    columns
        Those of the files, or of one of their collections.
    key, where
        Where the list stands, and what file is meant, for messages.

    Raises
    ------
    MissingNameError
        If a name or glob fits no column.
    """
    for entry in entries:
        if entry.expression is not None:
            text = entry.expression
            is_column = text in columns
            yield WantedColumn(entry.name, text, is_column, entry.unit, entry.type)
        elif entry.name in columns:
            yield WantedColumn(entry.name, entry.name, True, entry.unit, entry.type)
        elif entry.is_glob:
            found = [name for name in columns if fnmatchcase(name, entry.name)]
            if not found:
                raise _missing(entry.name, columns, key, where)
            for name in found:
                if can_be_read(columns[name]) and not _is_excluded(name, exclude):
                    yield WantedColumn(name, name, True, type=entry.type, is_named=False)
        else:
            raise _missing(entry.name, columns, key, where)


def _is_excluded(name: str, exclude: Sequence[str]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in exclude)


def check_exclude(exclude: Sequence[str], columns: Collection[str], where: str) -> None:
    """Raise an error about a pattern that fits no column."""
    for pattern in exclude:
        if not any(fnmatchcase(name, pattern) for name in columns):
            raise _missing(pattern, columns, "exclude", where)


def _missing(name: str, columns: Collection[str], key: str, where: str) -> MissingNameError:
    near = [f"'{found}'" for found in closest(name, columns)]
    hint = f"Closest: {', '.join(near)}. " if near else f"Columns: {shorten(columns)}. "
    if not name.replace("_", "").replace(".", "").isalnum() and not near:
        hint = f"If it is an expression, give it a name: `my_name: {name}`. "
    message = f"column '{name}' ({key}) is not in {where} ({len(columns)} columns). {hint}"
    return MissingNameError(f"{message}List all: rapidity inspect {where.rpartition(' of ')[2]}")


def unique_by_name(wanted: Iterable[WantedColumn]) -> list[WantedColumn]:
    """Return the columns, each once; two different ones of one name are a ConfigError.

    What is asked for by name takes the place of what a glob finds.
    """
    found: dict[str, WantedColumn] = {}
    for column in wanted:
        other = found.get(column.name)
        if other is None or (column.is_named and not other.is_named):
            found[column.name] = column
        elif column.is_named and (other.text, other.unit, other.type) != (
            column.text,
            column.unit,
            column.type,
        ):
            message = (
                f"two columns are called '{column.name}': `{other.text}` and `{column.text}`. "
                "Give one of them another name"
            )
            raise ConfigError(message)
    return list(found.values())
