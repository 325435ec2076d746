"""Whether the files of a conversion hold the same columns, and the types that suit all of them."""

from __future__ import annotations

import re
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

import numpy as np

from rapidity.core.errors import closest, shorten
from rapidity.data.conversion.looking import BadFile
from rapidity.data.conversion.naming import can_be_read
from rapidity.data.conversion.plan import RawColumn

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from rapidity.data.conversion.looking import FileLook
    from rapidity.data.readers import ColumnInfo

_NUMBERS = {"float32": "float32", "float64": "float64", "integer": "int64", "boolean": "bool"}
_UNSIGNED_64 = re.compile(r"uint64|ULong64|unsigned long")
"""Types whose largest values an int64 does not hold."""


def find_misfits(
    looks: Sequence[FileLook], needed: Sequence[Iterable[str]], patterns: Sequence[str] | None
) -> list[BadFile]:
    """Return the files that lack columns, or hold others than the first file.

    Parameters
    ----------
    needed
        Columns that are read, by number of the source.
    patterns
        Globs that must mean the same columns in every file; None for all columns.
    """
    first = looks[0]
    misfits = []
    for look in looks:
        reason = next(_differences(look, first, needed[look.file.source.index], patterns), None)
        if reason is not None:
            misfits.append(BadFile(look.file.path, reason))
    return misfits


def _differences(
    look: FileLook, first: FileLook, needed: Iterable[str], patterns: Sequence[str] | None
) -> Iterator[str]:
    for name in needed:
        info, other = look.columns.get(name), first.columns.get(name)
        if info is None:
            near = [f"'{found}'" for found in closest(name, look.columns)]
            hint = f" Closest: {', '.join(near)}." if near else ""
            yield (
                f"column '{name}' is not in {look.where} ({len(look.columns)} columns).{hint} Every file "
                "needs the same columns: take it out of the sources, or leave the column out."
            )
        elif other is not None and _nature(info) != _nature(other):
            yield (
                f"column '{name}' of {look.where} holds {_describe(info)}, but {_describe(other)} in "
                f"{first.where}. Every file needs the same columns: take one out of the sources, or leave "
                "the column out."
            )
    here, there = _matched(look.columns, patterns), _matched(first.columns, patterns)
    if here != there:
        extra, missing = sorted(here - there), sorted(there - here)
        found = [f"only here: {shorten(extra)}"] if extra else []
        found += [f"not here: {shorten(missing)}"] if missing else []
        meant = "`columns: all` means" if patterns is None else "a glob in `columns` means"
        yield (
            f"{meant} other columns in {look.where} than in {first.where} ({'; '.join(found)}). List the "
            "columns, or `exclude` these."
        )


def _matched(columns: Mapping[str, ColumnInfo], patterns: Sequence[str] | None) -> set[str]:
    return {
        name
        for name, info in columns.items()
        if can_be_read(info) and (patterns is None or any(fnmatchcase(name, pattern) for pattern in patterns))
    }


def _nature(info: ColumnInfo) -> tuple[str, tuple[int, ...]]:
    return ("number" if info.kind in _NUMBERS else info.kind, info.shape)


def _describe(info: ColumnInfo) -> str:
    shape = f" of shape {info.shape}" if info.shape else ""
    return f"{info.type_name} ({info.kind}{shape})"


def merge_types(looks: Sequence[FileLook], names: Iterable[str]) -> dict[str, RawColumn]:
    """Return how each column is read: in the type that holds the values of all files.

    Numbers of different types become float64, whole numbers int64 or (where all files say so) uint64.
    """
    merged = {}
    for name in names:
        infos = [look.columns[name] for look in looks if name in look.columns]
        info = infos[0]
        if info.kind in _NUMBERS:
            kinds = {_NUMBERS[other.kind] for other in infos}
            dtype = kinds.pop() if len(kinds) == 1 else "float64"
            if dtype == "int64" and all(_UNSIGNED_64.search(other.type_name) for other in infos):
                dtype = "uint64"
            merged[name] = RawColumn(name, dtype)
        elif info.kind == "text":
            merged[name] = RawColumn(name, "object")
        else:
            dtypes = [np.dtype(other.dtype) for other in infos if other.dtype is not None]
            dtype = np.result_type(*dtypes).name if dtypes else "unreadable"
            merged[name] = RawColumn(name, dtype, info.kind == "jagged", info.shape)
    return merged
