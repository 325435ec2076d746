"""Trees (TTree) of ROOT files."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING, Any

import uproot

from rapidity.data.readers.base import TableReader
from rapidity.data.readers.conversion import array_dtype
from rapidity.data.readers.ranges import common_borders
from rapidity.data.readers.reader import ColumnInfo
from rapidity.data.readers.root_baskets import BranchStream, holds_lists, holds_numbers
from rapidity.data.readers.root_file import open_file, report_damage

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from rapidity.data.readers.reader import ColumnKind

_UNIT = re.compile(r"\[(?P<unit>[A-Za-z][A-Za-z/^0-9]*)\]\s*$")
"""A unit in brackets at the end of a branch's title, as in ``transverse momentum [GeV]``."""

_COUNTS = re.compile(r"(?:n|num|number)_?(?P<after>\w+?)|(?P<before>\w+)_(?:n|num|size)", re.IGNORECASE)
"""Names of branches that hold the number of objects per event."""

_LIST_OF_TEXT = re.compile(r"<(?:std::)?(?:string|TString)\s*>+\s*$")
_LIST_OF_NUMBERS = re.compile(
    r"<(?:float|double|bool|char|short|int|long|u?int\d+_t|unsigned \w+|Double32_t|Float16_t)\s*(?:>\s*)+$"
)


class TreeReader(TableReader):
    """A tree: its branches that hold values of their own are the columns.

    A branch inside others is called by its own name where that is unambiguous, else by its path.
    """

    def __init__(self, path: Path, table: str, tree: Any, units: Mapping[str, str] | None = None) -> None:
        """Describe the branches; `units` are those of columns that no title of a branch states."""
        stated = units or {}
        columns = {
            name: _describe(name, branch, stated.get(name)) for name, branch in _name_branches(tree).items()
        }
        super().__init__(path, columns=columns, n_entries=int(tree.num_entries), table=table)

    @property
    def where(self) -> str:
        """The tree and the file, for messages."""
        return f"tree '{self.table}' of {self.path}"

    def _block_borders(self, n_wanted: int) -> NDArray[np.int64] | None:
        with open_file(self.path) as file, report_damage(self.path):
            branches = _name_branches(file[self.table])
            readable = [
                branch for name, branch in branches.items() if self._columns[name].kind != "unreadable"
            ]
            return common_borders((branch.entry_offsets for branch in readable), n_wanted)

    def _raw_chunks(
        self, names: Sequence[str], chunk_size: int, start: int, stop: int | None
    ) -> Iterator[dict[str, Any]]:
        with (
            open_file(self.path) as file,
            self.path.open("rb", buffering=0) as raw,
            report_damage(self.path),
        ):
            branches = _name_branches(file[self.table])
            streams = {name: BranchStream(branches[name], raw) for name in names}
            end = self._n_entries if stop is None else stop
            for first in range(start, end or 0, chunk_size):
                last = min(first + chunk_size, end or 0)
                for stream in streams.values():
                    stream.expect(first, last)
                yield {name: self._take(name, stream, first, last) for name, stream in streams.items()}

    def _take(self, name: str, stream: BranchStream, first: int, last: int) -> Any:
        with report_damage(self.path, f"branch '{name}', entries {first:,} to {last - 1:,},"):
            return stream.take(first, last)


def _name_branches(tree: Any) -> dict[str, Any]:
    leaves = {
        path: branch
        for path, branch in tree.iteritems(recursive=True, full_paths=True)
        if not branch.branches
    }
    counts = Counter(branch.name for branch in leaves.values())
    return {branch.name if counts[branch.name] == 1 else path: branch for path, branch in leaves.items()}


def _describe(name: str, branch: Any, unit: str | None) -> ColumnInfo:
    found = _UNIT.search(branch.title or "")
    interpretation = branch.interpretation
    kind = _kind(branch)
    shape: tuple[int, ...] = ()
    dtype = None
    if kind == "array":
        base, shape = interpretation.to_dtype.subdtype
        dtype = array_dtype(base)
    elif kind == "jagged" and holds_lists(interpretation):
        dtype = array_dtype(interpretation.content.to_dtype)
    return ColumnInfo(
        name,
        kind,
        branch.typename or "unknown",
        found["unit"] if found else unit,
        shape=shape,
        dtype=dtype,
        collection=_collection(name, branch) if kind == "jagged" else None,
    )


def _kind(branch: Any) -> ColumnKind:
    interpretation = branch.interpretation
    if isinstance(interpretation, uproot.interpretation.strings.AsStrings):
        return "text"
    if holds_lists(interpretation):
        return "doubly jagged" if interpretation.content.to_dtype.shape else "jagged"
    if holds_numbers(interpretation):
        return _number_kind(interpretation.to_dtype)
    lists = re.match(r"(?:(?:std::vector|ROOT::(?:VecOps::)?RVec)<)*", branch.typename or "")
    depth = lists[0].count("<") if lists else 0
    if depth and _LIST_OF_TEXT.search(branch.typename):
        return "jagged" if depth == 1 else "doubly jagged"
    # Lists of objects are not lists of numbers, however they are nested.
    return "doubly jagged" if depth > 1 and _LIST_OF_NUMBERS.search(branch.typename) else "unreadable"


def _number_kind(dtype: np.dtype[Any]) -> ColumnKind:
    if dtype.shape:
        return "array"
    if dtype.kind == "f":
        return "float32" if dtype.itemsize <= 4 else "float64"
    return {"i": "integer", "u": "integer", "b": "boolean"}.get(dtype.kind, "unreadable")  # type: ignore[return-value]


def _collection(name: str, branch: Any) -> str | None:
    """Return the collection that the branch with the counts is called after, if there is one.

    Delphes calls the leaf ``Jet_``, NanoAOD ``nJet``, others ``n_jets``, ``jet_n``, ``jet_num``, ...
    """
    leaf = branch.count_leaf
    if leaf is None:
        return None
    counts = str(leaf.member("fName")).strip("_")
    found = _COUNTS.fullmatch(counts)
    # A collection may be called `neutral`, which no count of `eutral` is.
    if not found or name.startswith(counts):
        return counts
    return found["before"] or found["after"]
