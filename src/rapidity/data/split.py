"""Dividing the events into train, validation and test, once and for all steps that follow.

The rows of each split have a type of their own, so that a function which fits something to the
training split cannot be given any other.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

import numpy as np

from rapidity.config.preparation import SplitBy, SplitColumn, SplitFractions
from rapidity.core.errors import DataError, closest, shorten
from rapidity.core.jagged import Jagged
from rapidity.core.random import make_generator
from rapidity.data.collections import find_columns
from rapidity.data.columns import ROW_NUMBER
from rapidity.data.features import require_one_value
from rapidity.data.row_hash import HashArray, hash_rows
from rapidity.data.table import SPLITS, Table
from rapidity.data.targets import ValueCodes, canonical_value, show_value
from rapidity.expressions import parse_expression

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from rapidity.config.preparation import Split
    from rapidity.expressions import Expression

NO_SPLIT = -1
ROWS_DRAWN_AT_ONCE = 2**18


@dataclass(frozen=True)
class SplitRows:
    """The events of one split.

    Attributes
    ----------
    table
        All events.
    rows
        Row numbers of this split ``(n_events,)`` int64, ascending.
    """

    table: Table
    rows: NDArray[np.int64]

    @property
    def n_events(self) -> int:
        """Number of events of the split."""
        return len(self.rows)

    @property
    def class_index(self) -> NDArray[np.int64]:
        """Class of each event of the split ``(n_events,)``."""
        return self.table.class_index[self.rows]

    @property
    def event_weight(self) -> NDArray[np.float64] | None:
        """Physics weight of each event of the split ``(n_events,)``, or None."""
        return None if self.table.event_weight is None else self.table.event_weight[self.rows]

    def target(self, name: str) -> Any:
        """Return what is true of each event of the split for an output; see `Table.targets`."""
        return self.table.targets[name][self.rows]

    def column(self, name: str) -> NDArray[Any]:
        """Return the values of a raw column in this split ``(n_events,)``."""
        values: NDArray[Any] = self.table.columns[name][self.rows]
        return values


class TrainRows(SplitRows):
    """Events of the training split: scalers, fills and parameters are fitted on these."""


class ValidationRows(SplitRows):
    """Events of the validation split: early stopping, calibration and working points use these."""


class TestRows(SplitRows):
    """Events of the test split: scored once, at the end."""

    __test__ = False  # pytest would take it for a test


@dataclass(frozen=True)
class SplitTable:
    """All events, and the split that each belongs to.

    Attributes
    ----------
    codes
        For each event the index into ``SPLITS`` (int8).
    """

    table: Table
    codes: NDArray[np.int8]

    @cached_property
    def train(self) -> TrainRows:
        """Events of the training split."""
        return TrainRows(self.table, np.flatnonzero(self.codes == 0))

    @cached_property
    def validation(self) -> ValidationRows:
        """Events of the validation split."""
        return ValidationRows(self.table, np.flatnonzero(self.codes == 1))

    @cached_property
    def test(self) -> TestRows:
        """Events of the test split; there may be none."""
        return TestRows(self.table, np.flatnonzero(self.codes == 2))

    def count_events(self) -> dict[str, dict[str, int]]:
        """Return split -> class -> number of events."""
        names = self.table.classes.names
        counted = {}
        for code, split in enumerate(SPLITS):
            numbers = np.bincount(self.table.class_index[self.codes == code], minlength=len(names))
            counted[split] = dict(zip(names, numbers.tolist(), strict=True))
        return counted


def needed_columns(config: Split, objects: Mapping[str, Mapping[str, str]]) -> tuple[str, ...]:
    """Return the raw columns that a split needs besides the features."""
    if isinstance(config, SplitColumn):
        return (config.column,)
    if isinstance(config, SplitBy):
        return tuple(name for name in find_columns(config.by, objects) if name != ROW_NUMBER)
    return ()


def split_events(
    table: Table,
    config: Split,
    objects: Mapping[str, Mapping[str, str]] | None = None,
    collections: Mapping[str, str] | None = None,
) -> SplitTable:
    """Return the events with the split of each.

    Names in `split.by` mean what `objects` and `collections` (jagged column -> its collection) say.

    A source that fixes the split of its events wins over everything else. The train and validation
    splits need events of every class; the test split may be left empty on purpose (fraction 0, or no
    value that means it).

    Raises
    ------
    DataError
        If a class has no event in a split that is wanted, or a value has no split.
    """
    codes = table.fixed_split.astype(np.int8, copy=True)
    free = np.flatnonzero(codes == NO_SPLIT)
    if len(free):
        if isinstance(config, SplitFractions):
            codes[free] = _split_by_fractions(table, free, config)
        elif isinstance(config, SplitBy):
            expression = parse_expression(config.by, objects, collections)
            require_one_value(expression, f"preparation.split.by '{config.by}'")
            codes[free] = _split_by_expression(table, config, expression)[free]
        else:
            codes[free] = _split_by_column(table, free, config)
    split_table = SplitTable(table, codes)
    _check_classes(split_table, is_test_wanted=_is_test_wanted(config, table))
    return split_table


def _split_by_fractions(table: Table, free: NDArray[np.int64], config: SplitFractions) -> NDArray[np.int8]:
    """Return the split of the rows `free`.

    Each event draws a number from the seed and its identity (the event key in its sample if there is
    one, else its file and entry), so the order of the
    files does not matter.
    Within a class the events are ordered by that number and cut at the fractions: every class is
    divided as exactly as its number of events allows. Events with the same key stay together, in
    the class of the first.
    """
    draws = _draw(table, free, config.seed)
    edges = np.cumsum([config.train, config.validation])
    ordered = np.sort(draws)
    if (ordered[1:] != ordered[:-1]).all():
        del ordered
        return _cut_events(draws, table.class_index[free], edges)
    distinct, first, group = np.unique(draws, return_index=True, return_inverse=True)
    group_class = table.class_index[free][first]
    group_split = np.empty(len(distinct), dtype=np.int8)
    for class_index in np.unique(group_class):
        # `distinct` is sorted, so these are in the order of their draws.
        members = np.flatnonzero(group_class == class_index)
        cuts = np.rint(edges * len(members))
        group_split[members] = np.searchsorted(cuts, np.arange(len(members)), side="right")
    return group_split[group]


def _cut_events(
    draws: HashArray, class_index: NDArray[np.int64], edges: NDArray[np.float64]
) -> NDArray[np.int8]:
    """Return the split of events that are all different: the same cuts as for groups, in less memory."""
    codes = np.zeros(len(draws), dtype=np.int8)
    for present in np.flatnonzero(np.bincount(class_index + 1)) - 1:
        members = np.flatnonzero(class_index == present)
        own = draws[members]
        cuts = np.rint(edges * len(members)).astype(np.int64)
        cuts = cuts[cuts < len(members)]
        # The draws at the cuts, without all the others in order.
        limits = np.partition(own, cuts)[cuts] if len(cuts) else own[:0]
        codes[members] = sum((own >= limit).astype(np.int8) for limit in limits)
    return codes


def _draw(table: Table, free: NDArray[np.int64], seed: int) -> HashArray:
    """Return a 64-bit random number for each of the rows, a function of the seed and its identity."""
    offset = np.uint64(make_generator(seed, "split").integers(0, 2**63))
    file_numbers = _file_numbers(table.file_names)
    draws = np.empty(len(free), np.uint64)
    for first in range(0, len(free), ROWS_DRAWN_AT_ONCE):
        rows = free[first : first + ROWS_DRAWN_AT_ONCE]
        if table.event_key:
            identity = [table.columns[name][rows] for name in table.event_key]
            # Small samples repeat event numbers, so the same key in another sample is another event.
            start = hash_rows([table.sample[rows]])
        else:
            identity = [table.source_entry[rows]]
            start = file_numbers[table.source_file[rows]]
        draws[first : first + len(rows)] = hash_rows(identity, start=start ^ offset)
    return draws


def _file_numbers(files: tuple[str, ...]) -> HashArray:
    """Return a number for each file that follows from its name alone, as far as names are distinct."""
    paths = [PurePath(file) for file in files]
    names = [path.name for path in paths]
    if len(set(names)) < len(names):
        # Files of the same name in different folders: tell them apart by what differs in their paths.
        n_shared = 0
        while len({path.parts[: n_shared + 1] for path in paths}) == 1 and n_shared < len(paths[0].parts):
            n_shared += 1
        names = ["/".join(path.parts[n_shared:]) for path in paths]
    return np.array([make_generator(0, "file", name).integers(0, 2**63) for name in names], dtype=np.uint64)


def _split_by_expression(table: Table, config: SplitBy, expression: Expression) -> NDArray[np.int8]:
    values = _evaluate_by(table, expression)
    bad = np.flatnonzero(~(values == np.floor(values)))
    if len(bad):
        message = (
            f"preparation.split.by '{config.by}' gives {values[bad[0]]} at {table.name_row(int(bad[0]))}. "
            "It must give a whole number for every event: end it with `% 10`, say."
        )
        raise DataError(message)
    codes = np.full(table.n_events, 0 if config.train is None else NO_SPLIT, dtype=np.int8)
    for code, listed in enumerate((config.train or (), config.validation, config.test)):
        codes[np.isin(values, listed)] = code
    lost = np.unique(values[(codes == NO_SPLIT) & (table.fixed_split == NO_SPLIT)])
    if len(lost):
        found = shorten(show_value(float(value)) for value in lost)
        message = (
            f"preparation.split.by '{config.by}' gives {found}, which stand in none of train "
            f"{list(config.train or ())}, "
            f"validation {list(config.validation)}, test {list(config.test)}. "
            "Add them, or leave `train` out: then it takes all others."
        )
        raise DataError(message)
    return codes


def _evaluate_by(table: Table, expression: Expression) -> NDArray[Any]:
    # The row number last: a feature may have the same name.
    columns = {**table.columns, ROW_NUMBER: np.arange(table.n_events, dtype=np.int64)}
    texts = [name for name in expression.columns if columns[name].dtype.kind == "O"]
    if texts:
        message = (
            f"preparation.split.by '{expression.text}' computes with {shorten(texts)}, which holds text; "
            "expected numbers. Where a column names the splits, write `split: {column: "
            f"{texts[0]}}}`."
        )
        raise DataError(message)
    # Whole-numbered columns stay whole, so that the last digits of 64-bit event numbers count.
    return np.asarray(expression.evaluate({name: columns[name] for name in expression.columns}))


def _split_by_column(table: Table, free: NDArray[np.int64], config: SplitColumn) -> NDArray[np.int8]:
    meaning = {}
    for code, split in enumerate(SPLITS):
        listed = getattr(config, split)
        for value in listed if isinstance(listed, tuple) else (listed,):
            meaning[canonical_value(value)] = code
    column = table.columns[config.column]
    if isinstance(column, Jagged):
        message = (
            f"column '{config.column}' (preparation.split) holds a varying number of values per event, "
            "expected one that names the split. Write an expression of one value: split: {by: ...}."
        )
        raise DataError(message)
    found = ValueCodes()
    value_codes = found.encode(column[free])
    lost = [value for value in found.values if value not in meaning]
    if lost:
        near = [name for value in lost for name in closest(str(value), map(str, meaning), limit=1)]
        hint = f" Did you mean '{near[0]}'?" if near else ""
        unknown = shorten(show_value(value) or "nothing" for value in lost)
        known = shorten(f"{show_value(value)} ({SPLITS[code]})" for value, code in meaning.items())
        message = (
            f"column '{config.column}' (preparation.split) holds {unknown}, which mean no split.{hint} "
            f"Known: {known}. "
            "Give the values of each split: {column: ..., train: ..., validation: ..., test: ...}."
        )
        raise DataError(message)
    return np.array([meaning[value] for value in found.values], dtype=np.int8)[value_codes]


def _is_test_wanted(config: Split, table: Table) -> bool:
    if (table.fixed_split == SPLITS.index("test")).any():
        return True
    return bool(config.test)


def _check_classes(split_table: SplitTable, *, is_test_wanted: bool) -> None:
    counted = split_table.count_events()
    if not is_test_wanted and not sum(counted["test"].values()):
        counted.pop("test")
    for split, numbers in counted.items():
        absent = [name for name, n in numbers.items() if not n]
        if not absent:
            continue
        there = shorten(f"{name} {n}" for name, n in numbers.items())
        everywhere = "; ".join(f"{other} {sum(n.values())}" for other, n in counted.items())
        message = (
            f"class {shorten(absent)} has no event in the {split} split (there: {there}; "
            f"events per split: {everywhere}). Every split needs every class: change preparation.split, "
            "the `split:` of the sources, or use more events."
        )
        raise DataError(message)
