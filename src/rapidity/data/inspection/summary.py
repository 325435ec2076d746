"""What is found in a file, as records that print as text and turn into JSON."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from rapidity.data.inspection.sentinels import Sentinel
    from rapidity.data.readers.reader import ColumnKind, TableInfo


@dataclass(frozen=True)
class ColumnSummary:
    """One column of the entries looked at.

    Attributes
    ----------
    shape
        Of a column of arrays: the shape of one entry; numbers below then count and describe the numbers
        inside.
    n_values
        Entries that have a value: not missing, not NaN.
    minimum, maximum, mean
        Of the finite values, sentinels included; None for text and for columns that are not read.
    n_unique
        Number of different values.
    most_frequent
        For text and for columns with few values: the most frequent ones with their counts.
    """

    name: str
    kind: ColumnKind
    type_name: str
    unit: str | None = None
    shape: tuple[int, ...] = ()
    n_values: int | None = None
    n_nan: int | None = None
    n_inf: int | None = None
    minimum: float | None = None
    maximum: float | None = None
    mean: float | None = None
    n_unique: int | None = None
    sentinels: tuple[Sentinel, ...] = ()
    most_frequent: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True)
class FileSummary:
    """One table of a file; where a file has several and none was named, only their list.

    Attributes
    ----------
    n_entries
        Entries of the table, None where the file does not say and was not read to its end.
    n_read
        Entries looked at, the first of the table.
    n_duplicates
        Entries looked at that equal an earlier one in all columns that can be compared; None if there
        are fewer than two such columns.
    row_numbers
        Whole-number columns that differ in every entry, and so are not compared.
    """

    path: Path
    file_format: str
    table: str
    tables: tuple[TableInfo, ...]
    n_entries: int | None
    n_read: int
    n_duplicates: int | None
    row_numbers: tuple[str, ...]
    columns: tuple[ColumnSummary, ...]

    @property
    def is_sampled(self) -> bool:
        """Whether only the first part of the entries was looked at."""
        return self.n_entries is None or self.n_read < self.n_entries

    def to_dict(self) -> dict[str, Any]:
        """Return everything as plain values that JSON can hold."""
        return {**asdict(self), "path": str(self.path), "is_sampled": self.is_sampled}

    def __str__(self) -> str:
        name = f"{self.path}:{self.table}" if self.table else str(self.path)
        if not self.columns:
            listed = [
                f"  {table.name} ({table.layout}, {_count(table.n_entries)} entries)" for table in self.tables
            ]
            title = f"{name}: {self.file_format}, {len(self.tables)} tables"
            return "\n".join([title, *listed, f"Look into one: rapidity inspect {self.path}:NAME"])
        lines = [f"{name}: {self.file_format}, {_count(self.n_entries)} entries, {len(self.columns)} columns"]
        if self.is_sampled:
            lines.append(f"Only the first {_count(self.n_read)} entries were looked at.")
        lines += [
            "",
            *_align([_HEADER, *(_row(column) for column in self.columns)]),
            "",
            self._describe_duplicates(),
        ]
        return "\n".join(lines).rstrip()

    def _describe_duplicates(self) -> str:
        ignored = (
            f" (not counting {', '.join(self.row_numbers)}, different in each)" if self.row_numbers else ""
        )
        if self.n_duplicates is None:
            return ""
        if self.n_duplicates == 0:
            return f"No two entries are equal{ignored}."
        return (
            f"{_count(self.n_duplicates)} entries equal an earlier one{ignored}. "
            "Set data.drop_duplicates, or the split may put both copies on different sides."
        )


_HEADER = ("column", "type", "unit", "missing", "infinite", "min", "mean", "max", "different", "remarks")


def _row(column: ColumnSummary) -> tuple[str, ...]:
    remarks = [f"sentinel? {sentinel.value:g} ({_count(sentinel.count)})" for sentinel in column.sentinels]
    remarks += [f"{value} ({_count(count)})" for value, count in column.most_frequent]
    if column.n_values is None:
        remarks = [f"{column.kind}: not read"]
    numbers = [_number(value) for value in (column.minimum, column.mean, column.maximum)]
    return (
        column.name,
        column.type_name,
        column.unit or "",
        _count(column.n_nan),
        _count(column.n_inf),
        *numbers,
        _count(column.n_unique),
        ", ".join(remarks),
    )


def _number(value: float | None) -> str:
    return "" if value is None else str(value) if isinstance(value, int) else f"{value:.5g}"


def _count(number: int | None) -> str:
    return "" if number is None else f"{number:,}"


def _align(rows: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(len(row[index]) for row in rows) for index in range(len(rows[0]))]
    is_text = {0, 1, 2, len(widths) - 1}
    return [
        "  ".join(
            cell.ljust(width) if index in is_text else cell.rjust(width)
            for index, (cell, width) in enumerate(zip(row, widths, strict=True))
            if width
        ).rstrip()
        for row in rows
    ]
