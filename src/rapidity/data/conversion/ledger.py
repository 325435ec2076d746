"""Which parts there are, what became of each, and which files turned out to be bad."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rapidity.data.conversion.journal import part_key
from rapidity.data.conversion.part import PartTask

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rapidity.data.conversion.journal import Journal
    from rapidity.data.conversion.looking import BadFile, FileLook
    from rapidity.data.conversion.part import PartResult
    from rapidity.data.conversion.plan import PartPlan


@dataclass(frozen=True)
class Part:
    """One part: the numbers of its source and of its file, its key in the journal, its task."""

    source: int
    file: int
    key: str
    task: PartTask


def list_parts(looks: Sequence[FileLook], plans: Sequence[PartPlan], journal: Journal) -> list[Part]:
    """Return the parts of all files, in their order.

    Parameters
    ----------
    plans
        By number of the source.
    """
    parts = []
    for number, look in enumerate(looks):
        source = look.file.source.index
        for entries in look.ranges:
            key = part_key(plans[source], look.file, entries)
            task = PartTask(look.file, entries, plans[source], str(journal.path_of(key)))
            parts.append(Part(source, number, key, task))
    return parts


class Ledger:
    """Results of parts as they come, in any order.

    Parameters
    ----------
    looks
        The files; their positions are the codes of `source_file`.
    """

    def __init__(self, looks: Sequence[FileLook], parts: Sequence[Part]) -> None:
        self.looks = tuple(looks)
        self.parts = tuple(parts)
        self.results: dict[int, PartResult] = {}
        self.bad: dict[str, BadFile] = {}
        self._open_in_file = Counter(part.file for part in parts)
        self._open_in_source = Counter(part.source for part in parts)

    @property
    def n_done(self) -> int:
        """Number of parts that are done."""
        return len(self.results)

    @property
    def open_parts(self) -> list[int]:
        """Numbers of the parts that are not settled."""
        return [index for index in range(len(self.parts)) if not self.is_settled(index)]

    def take(self, index: int, result: PartResult) -> None:
        """Note that a part is done."""
        if not self.is_settled(index):
            self._close(index)
        self.results[index] = result

    def take_bad(self, bad: BadFile) -> None:
        """Note that a file is bad; none of its parts is wanted any more."""
        if bad.path in self.bad:
            return
        for index, part in enumerate(self.parts):
            if part.task.file.path == bad.path and index not in self.results:
                self._close(index)
        self.bad[bad.path] = bad

    def _close(self, index: int) -> None:
        self._open_in_file[self.parts[index].file] -= 1
        self._open_in_source[self.parts[index].source] -= 1

    def is_bad(self, part: Part) -> bool:
        """Return whether the file of a part is bad."""
        return part.task.file.path in self.bad

    def is_settled(self, index: int) -> bool:
        """Return whether a part is done, or never will be."""
        return index in self.results or self.is_bad(self.parts[index])

    def is_file_settled(self, file: int) -> bool:
        """Return whether that is so of all parts of a file."""
        return not self._open_in_file[file]

    def is_source_settled(self, source: int) -> bool:
        """Return whether that is so of all parts of a source."""
        return not self._open_in_source[source]

    @property
    def is_all_settled(self) -> bool:
        """Return whether that is so of all parts."""
        return not self._open_in_source.total()

    def good_results(self, *, source: int | None = None, file: int | None = None) -> list[PartResult]:
        """Return the results of the parts of files that are not bad, of one source or file, or of all."""
        return [
            self.results[index]
            for index, part in enumerate(self.parts)
            if index in self.results
            and not self.is_bad(part)
            and source in {None, part.source}
            and file in {None, part.file}
        ]

    def good_looks(self, source: int) -> list[FileLook]:
        """Return the files of a source that are not bad."""
        return [
            look for look in self.looks if look.file.source.index == source and look.file.path not in self.bad
        ]
