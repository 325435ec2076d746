"""What every file format offers: its columns, and their values chunk by chunk."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from numpy.typing import DTypeLike

    from rapidity.core.jagged import JaggedType

    ColumnType = DTypeLike | JaggedType
    EntryRange = range | tuple[int, int]

ColumnKind = Literal[
    "float32", "float64", "integer", "boolean", "text", "jagged", "doubly jagged", "array", "unreadable"
]
"""`array`: a fixed number of values per event; `jagged`: a varying number; `doubly jagged`: a varying number
for each of a varying number of objects; `unreadable`: an object."""


@dataclass(frozen=True)
class ColumnInfo:
    """One column as it stands in a file.

    Attributes
    ----------
    type_name
        The type as the file format calls it, for people.
    unit
        The unit, if the file states one.
    stray_text
        Of a text column whose values are numbers for the most part: where the first one stands that
        is not (``line 9: 'n/a?'``). Likely it should be a number.
    shape
        Of a column of kind `array`: the shape of one event; else ``()``.
    dtype
        Of a column of kind `array` or `jagged` that can be read: NumPy's name of the type in which its
        numbers are kept (`conversion.array_dtype`); else None.
    collection
        Of a column of kind `jagged`: the collection that the file says it belongs to (by the name of the
        branch that holds the counts, by the record it is a member of); None if the file does not say.
    why_no_array
        Of nested lists that would be an array if they had one shape: where they differ (``shape (8, 9) in
        entry 3, but (8, 8) in entry 0``).
    labels
        Of a column of codes that the file names: the names in the order of the codes. It is read as text,
        or (``integer``, in Parquet files) as the codes from 0.
    is_truth
        Whether the file says that this is what really happened, which recorded events do not have.
    """

    name: str
    kind: ColumnKind
    type_name: str
    unit: str | None = None
    stray_text: str | None = None
    shape: tuple[int, ...] = ()
    dtype: str | None = None
    collection: str | None = None
    why_no_array: str | None = None
    labels: tuple[str, ...] = ()
    is_truth: bool = False

    @property
    def holds_objects(self) -> bool:
        """Whether it can be read as `Jagged`: several numbers per event, be it as many in each."""
        return self.dtype is not None and (
            self.kind == "jagged" or (self.kind == "array" and len(self.shape) == 1)
        )


@dataclass(frozen=True)
class TableInfo:
    """One table inside a file.

    Attributes
    ----------
    name
        As `tree` or `dataset` takes it; empty where the file itself is the table.
    layout
        How the file format calls it: tree, RNTuple, dataset, group, array, ...
    n_entries
        Number of rows, or None where only reading the file tells.
    """

    name: str
    layout: str
    n_entries: int | None


class Reader(Protocol):
    """One table inside one file, opened lazily.

    Opening a file that is missing, truncated, or not what its name says is a DataError that names it.
    """

    path: Path

    @property
    def where(self) -> str:
        """The file and the table inside it, for messages: ``tree 'nominal' of a.root``."""
        ...

    @property
    def columns(self) -> Mapping[str, ColumnInfo]:
        """All columns, in the order of the file."""
        ...

    @property
    def n_entries(self) -> int | None:
        """Number of rows, or None where only reading the file tells (CSV)."""
        ...

    def entry_ranges(self, n_wanted: int) -> list[tuple[int, int]]:
        """Return consecutive ranges ``(start, stop)`` of all entries, each of about `n_wanted`.

        They begin where blocks on disk begin (baskets, clusters, row groups), so that little is
        decompressed twice when each is read apart; a file of one block is one range. Only where
        `n_entries` is known.
        """
        ...

    def read(
        self,
        dtypes: Mapping[str, ColumnType],
        chunk_size: int = 131_072,
        entries: EntryRange | None = None,
    ) -> Iterator[dict[str, Any]]:
        """Yield the named columns chunk by chunk, the entries in the order of the file.

        Numbers are converted to the dtype asked for (``np.float32``, ``np.float64``, ``np.int64``,
        ``object`` for text as str). A column of arrays is asked for with a dtype that has a shape,
        ``np.dtype((np.uint8, (28, 28)))``, and comes as ``(n_entries, 28, 28)``. A jagged column is asked
        for with a `JaggedType`, and comes as a `Jagged`; so may arrays with one axis be.

        Parameters
        ----------
        chunk_size
            Entries of a chunk, at most.
        entries
            Which entries, as ``(start, stop)`` or a range with step 1; None: all. Formats that know where
            an entry lies read that part of the file only; CSV, NPZ and gzipped IDX files are read from
            their beginning, and what comes before is passed over.

        Raises
        ------
        MissingNameError
            If there is no such column, with the nearest names.
        DataError
            If a column is asked for in another way than it is, with the file; about text in a column asked
            for as a number, a missing value in one asked for as an integer or inside a list, or an array of
            another shape, with file, entry and value; if there are fewer entries. An empty cell in a float
            column is no error but NaN.
        """
        ...
