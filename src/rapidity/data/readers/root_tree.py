"""Trees (TTree) of ROOT files."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING, Any

import numpy as np
import uproot

from rapidity.data.readers.base import TableReader
from rapidity.data.readers.conversion import array_dtype
from rapidity.data.readers.reader import ColumnInfo
from rapidity.data.readers.root_file import open_file, report_damage

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from rapidity.data.readers.reader import ColumnKind

_UNIT = re.compile(r"\[(?P<unit>[A-Za-z][A-Za-z/^0-9]*)\]\s*$")
"""A unit in brackets at the end of a branch's title, as in ``transverse momentum [GeV]``."""


class TreeReader(TableReader):
    """A tree: its branches that hold values of their own are the columns.

    A branch inside others is called by its own name where that is unambiguous, else by its path.
    """

    def __init__(self, path: Path, table: str, tree: Any) -> None:
        columns = {name: _describe(name, branch) for name, branch in _name_branches(tree).items()}
        super().__init__(path, columns=columns, n_entries=int(tree.num_entries), table=table)

    @property
    def where(self) -> str:
        """The tree and the file, for messages."""
        return f"tree '{self.table}' of {self.path}"

    def _raw_chunks(self, names: Sequence[str], chunk_size: int) -> Iterator[dict[str, NDArray[Any]]]:
        with open_file(self.path) as file, report_damage(self.path):
            tree = file[self.table]
            named = _name_branches(tree)
            branches = {name: named[name] for name in names}
            # uproot's chunks are keyed by the bare name; a branch known by its path is read by itself.
            wanted = {id(branch) for name, branch in branches.items() if name == branch.name}
            chunks = tree.iterate(
                filter_branch=lambda branch: id(branch) in wanted,
                step_size=chunk_size,
                library="np",
                how=dict,
            )
            for start in range(0, self.n_entries or 0, chunk_size):
                chunk = next(chunks) if wanted else {}
                for name in names:
                    if name not in chunk:
                        stop = start + chunk_size
                        chunk[name] = branches[name].array(entry_start=start, entry_stop=stop, library="np")
                yield chunk


def _name_branches(tree: Any) -> dict[str, Any]:
    leaves = {
        path: branch
        for path, branch in tree.iteritems(recursive=True, full_paths=True)
        if not branch.branches
    }
    counts = Counter(branch.name for branch in leaves.values())
    return {branch.name if counts[branch.name] == 1 else path: branch for path, branch in leaves.items()}


def _describe(name: str, branch: Any) -> ColumnInfo:
    found = _UNIT.search(branch.title or "")
    kind = _kind(branch)
    shape: tuple[int, ...] = ()
    dtype = None
    if kind == "array":
        base, shape = branch.interpretation.to_dtype.subdtype
        dtype = array_dtype(base)
    unit = found["unit"] if found else None
    return ColumnInfo(name, kind, branch.typename or "unknown", unit, shape=shape, dtype=dtype)


def _kind(branch: Any) -> ColumnKind:
    interpretation = branch.interpretation
    if isinstance(interpretation, uproot.interpretation.strings.AsStrings):
        return "text"
    if isinstance(interpretation, uproot.interpretation.jagged.AsJagged):
        return "jagged"
    if not isinstance(interpretation, uproot.interpretation.numerical.AsDtype):
        return "jagged" if (branch.typename or "").startswith("std::vector<") else "unreadable"
    if interpretation.to_dtype.shape:
        return "array"
    dtype = np.dtype(interpretation.to_dtype)
    if dtype.kind == "f":
        return "float32" if dtype.itemsize <= 4 else "float64"
    return {"i": "integer", "u": "integer", "b": "boolean"}.get(dtype.kind, "unreadable")  # type: ignore[return-value]
