"""ROOT files: trees (TTree) and RNTuples; columns with one value an event are read as numbers."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from rapidity.data.readers.reader import TableInfo
from rapidity.data.readers.root_file import open_file, report_damage
from rapidity.data.readers.root_rntuple import RNTupleReader
from rapidity.data.readers.root_tree import TreeReader

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from rapidity.data.readers.base import TableReader

UNITS = "units"
"""Name of the text that holds the units of the columns: uproot writes no titles of branches."""
_LAYOUTS = {"TTree": "TTree", "TNtuple": "TTree", "TNtupleD": "TTree", "ROOT::RNTuple": "RNTuple"}


def list_tables(path: Path) -> list[TableInfo]:
    """Return the trees and RNTuples of the file, of each the newest cycle."""
    with open_file(path) as file, report_damage(path):
        found = _find_tables(file)
        return [TableInfo(name, layout, int(file[name].num_entries)) for name, layout in found.items()]


def resolve_table(path: Path, name: str | None) -> str | None:
    """Return the name without its cycle number, or the only name; None if that is not one tree."""
    with open_file(path) as file, report_damage(path):
        names = list(_find_tables(file))
    if name is None:
        return names[0] if len(names) == 1 else None
    inside = name.strip("/").partition(";")[0]
    return inside if inside in names else None


def open_table(path: Path, table: str, column_names: Sequence[str] | None) -> TableReader:
    """Open a tree or an RNTuple; both name their columns themselves."""
    with open_file(path) as file, report_damage(path):
        is_tree = _find_tables(file)[table] == "TTree"
        make_reader = TreeReader if is_tree else RNTupleReader
        return make_reader(path, table, file[table], _stated_units(file))


def _stated_units(file: Any) -> dict[str, str]:
    """Return the unit of each column that the text `units` of a file (JSON) states; see `RootWriter`."""
    if file.classnames(recursive=False, cycle=False).get(UNITS) != "TObjString":
        return {}
    try:
        units = json.loads(str(file[UNITS]))
    except ValueError:
        return {}
    return {name: str(unit) for name, unit in units.items()} if isinstance(units, dict) else {}


def _find_tables(file: Any) -> dict[str, str]:
    """Return the layout of each table by its name."""
    classes: dict[str, str] = file.classnames(recursive=True, cycle=False)
    return {name: _LAYOUTS[kind] for name, kind in classes.items() if kind in _LAYOUTS}
