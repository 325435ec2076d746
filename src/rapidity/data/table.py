"""Events in memory: raw columns with the identity, class and weight of each row."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from rapidity.data.collections import pick_rows

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    from numpy.typing import NDArray

    from rapidity.core.classes import ClassSet
    from rapidity.data.spool import Spool

Column = Any
"""``NDArray``, or `Jagged` where events have a varying number of values."""

SPLITS = ("train", "validation", "test")
"""Names of the splits, in the order of their codes 0, 1, 2."""


@dataclass(frozen=True)
class SourceCounts:
    """How many events of one source were read and kept.

    Attributes
    ----------
    n_read
        Entries read from the files; fewer than they hold where a limit ended the reading.
    n_selected
        Events that fulfil the selection.
    n_duplicates
        Of these, events dropped because an equal one of their class came before.
    n_kept
        Events in the table.
    """

    source: str
    n_read: int
    n_selected: int
    n_duplicates: int
    n_kept: int


@dataclass(frozen=True)
class Table:
    """Selected events.

    Attributes
    ----------
    columns
        Raw column name -> array ``(n_events,)``: float32, or float64 where an expression needs it;
        int64 for event keys; spectators also as text. Columns of images are ``(n_events, height, width)``
        or ``(n_events, height, width, channels)`` in the type of the file. Columns of a collection are
        `Jagged`, with one array of offsets for all of them.
    files, source_file, source_entry
        Paths of the files; for each event the index of its file (int32) and its entry there (int64).
    tables
        For each of the files the tree or dataset inside it that was read, empty where none was named.
        A file of several tables stands once for each of them.
    joined_files
        Paths of the files that were joined to them, row by row.
    sample
        For each event the index of its source in ``data.sources`` (int32).
    classes, class_index
        The classes, and for each event its class (int64), ``UNLABELLED`` (-1) if not known.
    event_weight
        Signed physics weight of each event (float64), or None where there is none.
    fixed_split
        For each event the split that its source fixes (index into ``SPLITS``, int8), -1 if none.
    event_key
        Names of the columns that identify an event within a sample; empty where none are given.
    units
        Units of the columns that state one.
    counts
        For each source how many events were read and kept.
    targets
        Output name -> what is true of each event, in units of the target: of a regression float64
        ``(n_events,)``, NaN where it is not known; of an assignment `Jagged` class indices of the objects
        (-1: none). The truth of a classification is `class_index`.
    spool
        Where the columns were collected and may lie on disk; None where there is no bound on memory.
    """

    columns: Mapping[str, Column]
    files: tuple[str, ...]
    source_file: NDArray[np.int32]
    source_entry: NDArray[np.int64]
    sample: NDArray[np.int32]
    classes: ClassSet
    class_index: NDArray[np.int64]
    event_weight: NDArray[np.float64] | None
    fixed_split: NDArray[np.int8]
    event_key: tuple[str, ...] = ()
    units: Mapping[str, str] = field(default_factory=dict)
    counts: tuple[SourceCounts, ...] = ()
    tables: tuple[str, ...] = ()
    joined_files: tuple[str, ...] = ()
    spool: Spool | None = None
    targets: Mapping[str, Column] = field(default_factory=dict)

    @property
    def n_events(self) -> int:
        """Number of events."""
        return len(self.source_entry)

    def name_row(self, row: int) -> str:
        """Return entry and file of one event, for messages: ``entry 12 of a.h5:Signal``."""
        return f"entry {self.source_entry[row]} of {self.file_names[self.source_file[row]]}"

    @property
    def inner_tables(self) -> tuple[str, ...]:
        """For each of the files the table inside it, empty where none was named."""
        return self.tables or ("",) * len(self.files)

    @property
    def file_names(self) -> tuple[str, ...]:
        """The files with the table inside them, ``a.h5:Signal``: each stands for other events."""
        pairs = zip(self.files, self.inner_tables, strict=True)
        return tuple(f"{file}:{table}" if table else file for file, table in pairs)

    def take(self, rows: NDArray[np.int64] | NDArray[np.bool_]) -> Table:
        """Return the events of these row numbers (or where a mask is True), in that order."""
        return replace(
            self,
            columns=pick_rows(self.columns, self.columns, rows),
            source_file=self.source_file[rows],
            source_entry=self.source_entry[rows],
            sample=self.sample[rows],
            class_index=self.class_index[rows],
            event_weight=None if self.event_weight is None else self.event_weight[rows],
            fixed_split=self.fixed_split[rows],
            targets=pick_rows(self.targets, self.targets, rows),
        )
