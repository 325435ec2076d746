"""A summary as text: tables of columns for people, as wide as the terminal or, elsewhere, as they are."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rapidity.core.counting import counted
from rapidity.data.inspection.histogram import BLOCKS, N_BINS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from rapidity.data.inspection.summary import ColumnSummary, FileSummary
    from rapidity.data.readers import TableInfo

_MIN_WIDTH = 40
_LONGEST_NAME = 36
"""A longer name is cut in its middle on a terminal."""
_LONGEST_TYPE = 28
_BAR = 30
_MANY_CONSTANTS = 12
"""From so many columns with one value on, a terminal shows them as a list."""
_MANY_UNREAD = 20
_SMALLER_HISTOGRAMS = 7
"""Before a field of this rank is left out, histograms become smaller."""


@dataclass(frozen=True)
class _Field:
    """One column of the printed table.

    Attributes
    ----------
    rank
        What is left out first where a terminal is narrow: the highest.
    is_text
        Whether it is aligned to the left.
    """

    title: str
    show: Callable[[ColumnSummary], str]
    rank: int
    is_text: bool = False


def format_summary(summary: FileSummary, width: int | None = None, levels: str | None = None) -> str:
    """Return the summary as text.

    Parameters
    ----------
    width
        Columns of the terminal: the table is made to fit, with small histograms. None: plain text, nothing
        is left out or cut, and there are no histograms.
    levels
        Characters of the histograms, the lowest first; None: block characters.
    """
    name = f"{summary.path}:{summary.table}" if summary.table else str(summary.path)
    if not summary.columns:
        return "\n".join(_list_tables(summary, name))
    n_columns = counted(len(summary.columns), "column")
    lines = [f"{name}: {summary.file_format}, {_entries(summary)}, {n_columns}"]
    lines += _wrap(_tell_parts(summary), width)
    layout = _Layout(None if width is None else max(width, _MIN_WIDTH), levels or BLOCKS)
    shown, constant = _set_constants_apart(summary.columns) if width is not None else (summary.columns, ())
    for title, columns in _sections(shown):
        lines += ["", *_wrap([title] if title else [], width), *layout.print_table(columns)]
    lines += _list_constants(constant, width)
    lines += _list_unread(summary.columns, width)
    lines += _show_classes(summary, layout)
    lines += _wrap_items(_tell_missing(summary), width)
    lines += _wrap_items(_tell_duplicates(summary), width)
    return "\n".join(lines).rstrip()


def _list_tables(summary: FileSummary, name: str) -> list[str]:
    names = max((len(table.name) for table in summary.tables), default=0)
    listed = [f"  {table.name:<{names}}  ({table.layout}{_entries_of(table)})" for table in summary.tables]
    title = f"{name}: {summary.file_format}, {counted(len(summary.tables), 'table')}"
    return [title, *listed, f"Look into one: rapidity inspect {summary.path}:NAME"]


def _entries(summary: FileSummary) -> str:
    if summary.n_entries is not None:
        return _count_entries(summary.n_entries)
    if summary.n_estimated is not None:
        return f"about {_count_entries(summary.n_estimated)}"
    return f"more than {_count_entries(summary.n_read)}"


def _entries_of(table: TableInfo) -> str:
    return "" if table.n_entries is None else f", {_count_entries(table.n_entries)}"


def _count_entries(number: int) -> str:
    return counted(number, "entry", "entries")


def _tell_parts(summary: FileSummary) -> list[str]:
    if summary.from_sample:
        text = (
            "All entries were read. What is a sentinel, how many values differ, and which columns are "
            "missing together, is from a sample."
        )
        return [text]
    if not summary.is_sampled:
        return []
    if len(summary.parts) > 1:
        where = f"{summary.n_read:,} entries, in {len(summary.parts)} parts spread over the file"
    elif summary.n_estimated is not None:
        where = f"{summary.n_read:,} entries spread over the file"
    else:
        where = f"the first {summary.n_read:,} entries"
    return [f"Only a sample was looked at: {where}. Everything below is of these; --all reads all."]


def _set_constants_apart(
    columns: Sequence[ColumnSummary],
) -> tuple[Sequence[ColumnSummary], Sequence[ColumnSummary]]:
    """Return the columns to show in tables, and those that hold one value only, if these are many."""
    constant = [column for column in columns if column.n_unique == 1 and not column.n_nan]
    if len(constant) < _MANY_CONSTANTS:
        return columns, ()
    return [column for column in columns if column not in constant], constant


def _list_constants(columns: Sequence[ColumnSummary], width: int | None) -> list[str]:
    values = [
        column.most_frequent[0][0] if column.minimum is None else _number(column.minimum)
        for column in columns
    ]
    listed = ", ".join(f"{column.name} = {value}" for column, value in zip(columns, values, strict=True))
    return _wrap_items(
        [f"The same in all entries ({counted(len(columns), 'column')}): {listed}"] if columns else [], width
    )


def _sections(columns: Sequence[ColumnSummary]) -> list[tuple[str, list[ColumnSummary]]]:
    """Return the columns that were read, with a title: plain ones, then collection by collection."""
    plain = [column for column in columns if column.is_read and column.objects is None]
    jagged: dict[str, list[ColumnSummary]] = {}
    for column in columns:
        if column.objects is not None:
            jagged.setdefault(column.collection or _prefix(column.name), []).append(column)
    sections = [("One value per event" if jagged else "", plain)] if plain else []
    alone = [column for members in jagged.values() if len(members) == 1 for column in members]
    for name, members in jagged.items():
        if len(members) > 1:
            sections.append((_describe_collection(name, members), members))
    if alone:
        sections.append(("A varying number of values per event, each by itself", alone))
    return sections


def _prefix(name: str) -> str:
    """Return what a column shares with others of its collection: its name before the first _ or ."""
    ends = [place for place in (name.find("_"), name.find(".")) if place > 0]
    return name[: min(ends)] if ends else name


def _describe_collection(name: str, members: Sequence[ColumnSummary]) -> str:
    counts = Counter(column.objects for column in members)
    objects, n_equal = counts.most_common(1)[0]
    n_columns = counted(len(members), "column")
    if objects is None or n_equal == 1:
        return f"{name}: several values per event, not equally many in each column ({n_columns})"
    others = f", not equally many in {len(members) - n_equal}" if n_equal < len(members) else ""
    empty = f", none in {count(objects.n_empty)}" if objects.n_empty else ""
    if objects.minimum == objects.maximum:
        n_objects = f"{counted(objects.minimum, 'object')} in every event"
    else:
        n_objects = (
            f"{objects.minimum:,} to {objects.maximum:,} objects per event, {objects.mean:.3g} on average"
        )
    return f"{name}: {n_objects}{empty} ({n_columns}{others})"


class _Layout:
    """How tables are printed: the width there is, and the characters of histograms."""

    def __init__(self, width: int | None, levels: str) -> None:
        self.width = width
        self.levels = levels

    def print_table(self, columns: Sequence[ColumnSummary]) -> list[str]:
        """Return the lines of a table; what does not fit is left out, the least important first."""
        fields, n_bins = self._fields(columns, N_BINS), N_BINS
        while True:
            rows = [[field.title for field in fields]]
            rows += [[field.show(column) for field in fields] for column in columns]
            widths = [max(map(len, cells)) for cells in zip(*rows, strict=True)]
            last = max((field.rank for field in fields), default=0)
            if self.width is None or sum(widths) + 2 * (len(widths) - 1) <= self.width or last == 0:
                return [self.cut(_align(row, widths, fields)) for row in rows]
            if last <= _SMALLER_HISTOGRAMS and n_bins == N_BINS:
                n_bins = N_BINS // 2
                kept = {field.title for field in fields}
                fields = [field for field in self._fields(columns, n_bins) if field.title in kept]
            else:
                fields = [field for field in fields if field.rank != last]

    def cut(self, line: str) -> str:
        """Return a line that is not wider than the terminal."""
        return line if self.width is None or len(line) <= self.width else line[: self.width - 1] + "…"

    def _fields(self, columns: Sequence[ColumnSummary], n_bins: int) -> list[_Field]:
        is_terminal = self.width is not None
        name, kind = (_LONGEST_NAME, _LONGEST_TYPE) if is_terminal else (None, None)
        room = None if self.width is None else max(self.width // 4, 16)
        fields = [
            _Field("column", lambda column: shorten_name(column.name, name), 0, is_text=True),
            _Field("type", lambda column: _show_type(column.type_name, kind), 4, is_text=True),
            _Field("unit", lambda column: column.unit or "", 6, is_text=True),
            _Field("per event", _show_objects, 5),
            _Field("missing", lambda column: count(column.n_nan or None), 2),
            _Field("infinite", lambda column: count(column.n_inf or None), 9),
            _Field("min", lambda column: _number(column.minimum), 1),
            _Field("mean", lambda column: _number(column.mean), 7),
            _Field("max", lambda column: _number(column.maximum), 1),
            _Field("different", lambda column: count(column.n_unique), 8),
            _Field("distribution", lambda column: self._draw(column, n_bins), 3, is_text=True),
            _Field("remarks", lambda column: _remarks(column, room), 2, is_text=True),
        ]
        always = {"column", "type", "min", "max"}
        never = set() if self.width is not None else {"distribution"}
        if len({column.objects for column in columns}) == 1:  # it stands in the title
            never.add("per event")
        return [
            field
            for field in fields
            if field.title not in never
            and (field.title in always or any(field.show(column) for column in columns))
        ]

    def _draw(self, column: ColumnSummary, n_bins: int) -> str:
        return "" if column.histogram is None else column.histogram.draw(n_bins, self.levels)


def _align(row: Sequence[str], widths: Sequence[int], fields: Sequence[_Field]) -> str:
    return "  ".join(
        cell.ljust(width) if field.is_text else cell.rjust(width)
        for cell, width, field in zip(row, widths, fields, strict=True)
    ).rstrip()


def _show_objects(column: ColumnSummary) -> str:
    objects = column.objects
    return "" if objects is None else f"{objects.minimum:,} to {objects.maximum:,}"


def _remarks(column: ColumnSummary, room: int | None) -> str:
    remarks = [f"sentinel? {sentinel.value:g} ({count(sentinel.count)})" for sentinel in column.sentinels]
    if column.n_unique == 1 and not column.n_nan:
        value = "".join(name for name, _ in column.most_frequent)
        remarks.append(f"constant {value}" if column.minimum is None else "constant")
    elif any(number > 1 for _, number in column.most_frequent):
        remarks += [f"{value} ({count(number)})" for value, number in column.most_frequent]
    elif column.most_frequent:
        remarks.append(f"{column.most_frequent[0][0]}, ..., each once")
    text = ", ".join(remarks)
    while room is not None and len(text) > room and len(remarks) > 1:
        remarks.pop()
        text = ", ".join(remarks) + ", ..."
    return text


def _list_unread(columns: Iterable[ColumnSummary], width: int | None) -> list[str]:
    unread: dict[str, list[str]] = {}
    for column in columns:
        if not column.is_read:
            unread.setdefault(column.kind, []).append(f"{column.name} ({column.type_name})")
    if not unread:
        return []
    lines = ["", "Not read"]
    for kind, names in unread.items():
        if width is not None and len(names) > _MANY_UNREAD:
            names[_MANY_UNREAD:] = [f"and {len(names) - _MANY_UNREAD} more (--json lists them)"]
        lines += _wrap_items([f"  {kind}: {', '.join(names)}"], width, indent="    ", blank=False)
    return lines


def _show_classes(summary: FileSummary, layout: _Layout) -> list[str]:
    balance = summary.class_balance
    if balance is None:
        return []
    total = max(sum(number for _, number in balance.classes), 1)
    top = max((number for _, number in balance.classes), default=1)
    guess = " (a guess; --target names another)" if balance.is_guess else ""
    names = max(len(name) for name, _ in balance.classes) if balance.classes else 0
    numbers = max(len(count(number)) for _, number in balance.classes) if balance.classes else 0
    lines = ["", *_wrap([f"Classes in column {balance.column}{guess}"], layout.width)]
    for name, number in balance.classes:
        bar = "" if layout.width is None else "  " + layout.levels[-1] * max(round(_BAR * number / top), 1)
        lines.append(layout.cut(f"  {name:<{names}}  {count(number):>{numbers}}  {number / total:6.1%}{bar}"))
    return lines


def _tell_missing(summary: FileSummary) -> list[str]:
    return [
        f"Missing together in {_count_entries(group.n_missing)}"
        f"{'' if group.correlation >= 1 else f' (correlation {group.correlation:.2f} or more)'}: "
        f"{', '.join(group.columns)}"
        for group in summary.missing_together
    ]


def _tell_duplicates(summary: FileSummary) -> list[str]:
    if summary.n_duplicates is None:
        return []
    ignored = (
        f" (not counting {', '.join(summary.row_numbers)}, different in each)" if summary.row_numbers else ""
    )
    equal = "equals" if summary.n_duplicates == 1 else "equal"
    if summary.n_duplicates == 0:
        return [f"No two entries are equal{ignored}."]
    text = (
        f"{_count_entries(summary.n_duplicates)} {equal} an earlier one{ignored}. "
        "Set data.drop_duplicates, or the split may put both copies on different sides."
    )
    return [text]


def _wrap(lines: Sequence[str], width: int | None, indent: str = "") -> list[str]:
    """Return the lines broken between words, where there is a width."""
    if width is None:
        return list(lines)
    wrapped = []
    for line in lines:
        current = ""
        for word in line.split(" "):
            if current and len(current) + 1 + len(word) > width:
                wrapped.append(current)
                current = indent + word
            else:
                current = f"{current} {word}" if current else word
        wrapped.append(current)
    return wrapped


def _wrap_items(
    lines: Sequence[str], width: int | None, indent: str = "  ", *, blank: bool = True
) -> list[str]:
    wrapped = _wrap(lines, None if width is None else max(width, _MIN_WIDTH), indent)
    return ["", *wrapped] if wrapped and blank else wrapped


def shorten_name(name: str, most: int | None) -> str:
    """Return a name of at most so many characters, cut in its middle.

    Examples
    --------
    >>> shorten_name("AnalysisJetsAuxDyn:Timing", 12)
    'Analys…iming'
    """
    if most is None or len(name) <= most:
        return name
    return f"{name[: most // 2]}…{name[len(name) - (most - 1 - most // 2) :]}"


def _show_type(type_name: str, most: int | None) -> str:
    """Return the type as the file calls it; on a terminal without what stands before every name of C++."""
    return type_name if most is None else shorten_name(type_name.replace("std::", ""), most)


def _number(value: float | None) -> str:
    return "" if value is None else str(value) if isinstance(value, int) else f"{value:.5g}"


def count(number: int | None) -> str:
    """Return a count with commas between thousands; nothing for None."""
    return "" if number is None else f"{number:,}"
