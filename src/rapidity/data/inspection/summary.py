"""What is found in a file, as records that print as text and turn into JSON."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

    from rapidity.data.inspection.histogram import Histogram
    from rapidity.data.inspection.sentinels import Sentinel
    from rapidity.data.readers.reader import ColumnKind, TableInfo

FORMAT_VERSION = 1
"""Of what `FileSummary.to_dict` returns; a key that is removed or changes its meaning makes a new one."""


@dataclass(frozen=True)
class ObjectCounts:
    """How many objects the events have.

    Attributes
    ----------
    n_empty
        Events without any.
    """

    minimum: int
    mean: float
    maximum: int
    n_empty: int


@dataclass(frozen=True)
class ColumnSummary:
    """One column of the entries looked at.

    Attributes
    ----------
    shape
        Of a column of arrays: the shape of one entry; numbers below then count and describe the numbers
        inside. Those of a jagged column describe the values of all objects.
    collection
        Of a jagged column: the collection that the file says it belongs to.
    n_values
        Values that are there: not missing, not NaN.
    minimum, maximum, mean
        Of the finite values, sentinels included; None for text and for columns that are not read.
    n_unique
        Number of different values.
    most_frequent
        For text and for columns with few values: the most frequent ones with their counts.
    histogram
        Of the finite values without sentinels; None where there are fewer than two different ones.
    objects
        Of a jagged column: how many values the events have.
    """

    name: str
    kind: ColumnKind
    type_name: str
    unit: str | None = None
    shape: tuple[int, ...] = ()
    collection: str | None = None
    n_values: int | None = None
    n_nan: int | None = None
    n_inf: int | None = None
    minimum: float | None = None
    maximum: float | None = None
    mean: float | None = None
    n_unique: int | None = None
    sentinels: tuple[Sentinel, ...] = ()
    most_frequent: tuple[tuple[str, int], ...] = ()
    histogram: Histogram | None = None
    objects: ObjectCounts | None = None

    @property
    def is_read(self) -> bool:
        """Whether the values were looked at."""
        return self.n_values is not None


@dataclass(frozen=True)
class ClassBalance:
    """How many of the entries looked at belong to each class.

    Attributes
    ----------
    is_guess
        Whether nobody named the column: it looks like one of classes.
    classes
        Value and number of entries, the most frequent first.
    """

    column: str
    is_guess: bool
    classes: tuple[tuple[str, int], ...]


@dataclass(frozen=True)
class MissingTogether:
    """Columns whose values are missing (NaN, empty or a sentinel) in about the same entries.

    Attributes
    ----------
    n_missing
        Entries in which all of them are missing.
    correlation
        The smallest correlation of "is missing" between a column and the first of the group.
    """

    columns: tuple[str, ...]
    n_missing: int
    correlation: float


@dataclass(frozen=True)
class FileSummary:
    """One table of a file; where a file has several and none was named, only their list.

    Attributes
    ----------
    tables
        All tables of the file; empty where one was named.
    n_entries
        Entries of the table, None where the file does not say and was not read to its end.
    n_estimated
        About how many entries a file has that does not say it.
    n_read
        Entries looked at.
    parts
        Where these lie, as (first entry, one past the last); empty where a file does not tell.
    n_duplicates
        Entries looked at that equal an earlier one in all columns that can be compared; None if there
        are fewer than two such columns.
    row_numbers
        Whole-number columns that differ in every entry, and so are not compared.
    from_sample
        Whether sentinels, the number of different values and the bins of histograms are those of a
        sample although all entries were read.
    """

    path: Path
    file_format: str
    table: str
    tables: tuple[TableInfo, ...]
    n_entries: int | None = None
    n_read: int = 0
    n_duplicates: int | None = None
    row_numbers: tuple[str, ...] = ()
    columns: tuple[ColumnSummary, ...] = ()
    n_estimated: int | None = None
    parts: tuple[tuple[int, int], ...] = ()
    class_balance: ClassBalance | None = None
    missing_together: tuple[MissingTogether, ...] = ()
    from_sample: bool = False

    @property
    def is_sampled(self) -> bool:
        """Whether only a part of the entries was looked at."""
        return self.n_entries is None or self.n_read < self.n_entries

    def to_dict(self) -> dict[str, Any]:
        """Return everything as plain values that JSON can hold."""
        described = asdict(self) | {"path": str(self.path), "is_sampled": self.is_sampled}
        return {"format_version": FORMAT_VERSION, **described}

    def __str__(self) -> str:
        from rapidity.data.inspection.text import format_summary

        return format_summary(self)
