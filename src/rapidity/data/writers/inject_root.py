"""A copy of a ROOT file with more branches in one of its trees, made by uproot's ``add_branches``."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import numpy as np
import uproot

from rapidity.core.errors import shorten
from rapidity.data.readers.root_file import open_file, report_damage
from rapidity.data.writers.injection import Injector, copy_file
from rapidity.data.writers.root_file import check_names

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from contextlib import ExitStack
    from pathlib import Path
    from typing import BinaryIO

    from numpy.typing import NDArray

_COMPARED_AT_ONCE = 2**22
_REFUSALS = (NotImplementedError, TypeError, ValueError, IndexError, KeyError)
"""What uproot raises about trees that it cannot write anew: it depends on what it meets first."""


class RootInjector(Injector):
    """Gathers the new columns, and adds them at the end: uproot writes one basket a branch.

    Memory: the new columns of the whole file. The data of the other branches are copied byte for byte, and
    compared afterwards; so are all other objects of the file.
    """

    def check(self) -> None:
        """Look for what uproot would refuse, and say it in the terms of the file."""
        check_names(self.path, self._columns)
        with open_file(self.source.path) as file, report_damage(self.source.path):
            tree = file[self.source.table]
            if not hasattr(tree, "branches"):
                self.refuse("it is an RNTuple, to which uproot adds fields of zeros only.")
            reason = _find_obstacle(tree)
        if reason:
            self.refuse(reason)

    def _open(self, temporary: Path, opened: ExitStack) -> None:
        copy_file(self.source.path, temporary)
        self._parts: list[Mapping[str, NDArray[Any]]] = []
        opened.push(lambda kind, _error, _trace: None if kind else self._add_branches(temporary))

    def _append(self, chunk: Mapping[str, NDArray[Any]], n_rows: int) -> None:
        self._parts.append(chunk)

    def _add_branches(self, temporary: Path) -> None:
        branches = {
            name: np.concatenate([np.empty(0, column.dtype), *(part[name] for part in self._parts)])
            for name, column in self._columns.items()
        }
        self._parts.clear()
        try:
            with uproot.update(temporary) as file:
                file[self.source.table].add_branches(branches)
                for name, text in self._attributes.items():
                    file[name] = text
        except _REFUSALS as error:
            self.refuse(f"uproot says: {' '.join(str(error).split())[:200]}.")

    def compare(self, temporary: Path) -> None:
        """Compare all objects of the file, and the baskets of all trees, byte by byte."""
        before, after = self.source.path, temporary
        with open_file(before) as old, open_file(after) as new, report_damage(after):
            # Of each object the newest version: of the tree there is now a newer one.
            kinds, kinds_now = (file.classnames(recursive=True, cycle=False) for file in (old, new))
            missing = [name for name in kinds if kinds_now.get(name) != kinds[name]]
            if missing:
                self.lost(f"{shorten(missing)} cannot be found in it")
            with before.open("rb") as source, after.open("rb") as copy:
                for name, kind in kinds.items():
                    if kind == "TTree":
                        ranges = _pair_baskets(old[name], new[name])
                    elif kind == "TDirectory":
                        continue
                    else:
                        ranges = iter([(_place(old.key(name)), _place(new.key(name)))])
                    if not all(_is_same(source, copy, *pair) for pair in ranges):
                        self.lost(f"'{name}' has changed")


def _find_obstacle(tree: Any) -> str:
    """Return why uproot adds no branch to this tree, or nothing."""
    return _find_objects(tree) or _find_lost_counts(tree) or _find_other_baskets(tree)


def _find_objects(tree: Any) -> str:
    """Return what is to be said of branches with C++ objects, if there are any."""
    elements = Counter(branch.classname for branch in tree.branches if branch.classname != "TBranch")
    if not elements:
        return ""
    first = next(branch for branch in tree.branches if branch.classname != "TBranch")
    return (
        f"{sum(elements.values())} of its {len(tree.branches)} branches hold C++ objects "
        f"({shorten(elements)}; the first is '{first.name}', {first.typename}), and uproot cannot write "
        "their description anew."
    )


def _find_lost_counts(tree: Any) -> str:
    """Return what is to be said of branches whose counts uproot would not find again, if there are any."""
    counts = {branch.name: _name_count(branch) for branch in tree.branches}
    lost = [name for name, count in counts.items() if count not in (None, f"n{name}")]
    if not lost:
        return ""
    return (
        f"{len(lost)} of its {len(counts)} branches hold a varying number of values per event "
        f"({shorten(lost)}), and uproot would forget that '{counts[lost[0]]}' tells how many: it expects "
        f"'n{lost[0]}'."
    )


def _find_other_baskets(tree: Any) -> str:
    """Return what is to be said of branches that are not stored in one basket each."""
    n_baskets = {branch.name: int(branch.member("fWriteBasket")) for branch in tree.branches}
    most, least = (pick(n_baskets, key=n_baskets.__getitem__, default="") for pick in (max, min))
    capacities = {int(branch.member("fMaxBaskets")) for branch in tree.branches}
    if not n_baskets:
        return "it has no branch at all."
    if n_baskets[most] != n_baskets[least] or len(capacities) > 1:
        return (
            f"its branches are stored in different numbers of baskets (from {n_baskets[least]}, '{least}', "
            f"to {n_baskets[most]}, '{most}'; room for {shorten(sorted(capacities))}), and uproot keeps one "
            "number for a whole tree."
        )
    if n_baskets[most] > 1:
        return (
            f"each of its branches is stored in {n_baskets[most]} baskets, and uproot adds branches only to "
            "trees of one basket."
        )
    return ""


def _name_count(branch: Any) -> str | None:
    """Return the name of the leaf that holds the number of values of a branch; None where it is fixed."""
    for leaf in branch.member("fLeaves"):
        if leaf.member("fLeafCount") is not None:
            return str(leaf.member("fLeafCount").member("fName"))
    return None


def _pair_baskets(old: Any, new: Any) -> Iterator[tuple[tuple[int, int], tuple[int, int]]]:
    """Yield where each basket of a tree lies, before and now; a branch that is gone has none now."""
    branches = dict(new.iteritems(recursive=True, full_paths=True))
    for path, branch in old.iteritems(recursive=True, full_paths=True):
        places = _baskets(branch)
        places_now = _baskets(branches[path]) if path in branches else []
        same = path in branches and branch.typename == branches[path].typename
        if not same or len(places) != len(places_now):
            yield (0, 1), (0, 0)
        yield from zip(places, places_now, strict=False)


def _baskets(branch: Any) -> list[tuple[int, int]]:
    """Return start and length of each basket of a branch."""
    n_baskets = int(branch.member("fWriteBasket"))
    starts, lengths = (branch.member(name)[:n_baskets] for name in ("fBasketSeek", "fBasketBytes"))
    return [(int(start), int(length)) for start, length in zip(starts, lengths, strict=True)]


def _place(key: Any) -> tuple[int, int]:
    """Return start and length of the content of an object."""
    n_head = int(key.fKeylen)
    return int(key.fSeekKey) + n_head, int(key.fNbytes) - n_head


def _is_same(source: BinaryIO, copy: BinaryIO, place: tuple[int, int], place_now: tuple[int, int]) -> bool:
    """Compare two ranges of bytes, in portions."""
    if place[1] != place_now[1]:
        return False
    source.seek(place[0])
    copy.seek(place_now[0])
    remaining = place[1]
    while remaining > 0:
        size = min(remaining, _COMPARED_AT_ONCE)
        if source.read(size) != copy.read(size):
            return False
        remaining -= size
    return True
