"""Reading a long table to its end, in flat memory: what a sample can only estimate is counted."""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from rapidity.core.errors import DataError
from rapidity.core.jagged import Jagged
from rapidity.data.inspection.classes import name_class
from rapidity.data.inspection.histogram import Histogram
from rapidity.data.inspection.sentinels import Sentinel
from rapidity.data.inspection.summary import ObjectCounts
from rapidity.data.row_hash import hash_rows

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from rapidity.data.inspection.sampling import Sample
    from rapidity.data.inspection.summary import ClassBalance, ColumnSummary, FileSummary
    from rapidity.data.readers import Reader
    from rapidity.data.readers.reader import ColumnType
    from rapidity.data.row_hash import HashArray

_CHUNK_ENTRIES = 65_536
_MAX_HASHED = 25_000_000
"""Entries among which equal ones are counted: 8 bytes each are held."""


def read_exactly(reader: Reader, summary: FileSummary, sample: Sample) -> FileSummary:
    """Return the summary with counts, ranges and means of all entries.

    Which values are sentinels, how many different ones there are and the borders of the bins are those
    of the sample; so are the groups that are missing together.
    """
    try:
        return _read(reader, summary, sample.dtypes)
    except DataError:
        whole = {np.int64, np.uint64}
        dtypes = {name: np.float64 if dtype in whole else dtype for name, dtype in sample.dtypes.items()}
        if dtypes == dict(sample.dtypes):
            raise
        return _read(reader, summary, dtypes)


def _read(reader: Reader, summary: FileSummary, dtypes: Mapping[str, ColumnType]) -> FileSummary:
    counts = {column.name: _Count(column) for column in summary.columns if column.name in dtypes}
    balance = summary.class_balance
    classes: Counter[str] = Counter()
    hashes = []
    n_entries = 0
    for chunk in reader.read(dtypes, _CHUNK_ENTRIES):
        n_entries += len(next(iter(chunk.values()), ()))
        for name, values in chunk.items():
            counts[name].add(values)
        if balance is not None:
            classes.update(_count_texts(chunk[balance.column], reader.columns[balance.column].labels))
        compared = [_stable(values) for name, values in chunk.items() if name not in summary.row_numbers]
        if summary.n_duplicates is not None and compared and n_entries <= _MAX_HASHED:
            hashes.append(hash_rows(compared))
    is_hashed = sum(map(len, hashes)) == n_entries and bool(hashes)
    n_repeated = _count_repeated(hashes) if is_hashed else None
    return replace(
        summary,
        n_entries=n_entries,
        n_read=n_entries,
        n_estimated=None,
        parts=((0, n_entries),),
        n_duplicates=n_repeated,
        columns=tuple(
            counts[column.name].summary() if column.name in counts else column for column in summary.columns
        ),
        class_balance=None if balance is None else _replace_classes(balance, classes),
        from_sample=True,
    )


def _count_repeated(hashes: list[HashArray]) -> int:
    """Return how many of the hashes equal an earlier one; the list is emptied."""
    joined = np.concatenate(hashes)
    hashes.clear()
    joined.sort()
    return int((joined[1:] == joined[:-1]).sum())


def _replace_classes(balance: ClassBalance, classes: Counter[str]) -> ClassBalance:
    return replace(balance, classes=tuple(sorted(classes.items(), key=lambda item: -item[1])))


def _count_texts(values: NDArray[Any], labels: Sequence[str] = ()) -> dict[str, int]:
    if values.dtype != object:
        values = values[~np.isnan(values)]
    distinct, counts = np.unique(values.astype(str) if values.dtype == object else values, return_counts=True)
    return {
        name_class(value.item(), labels): int(count) for value, count in zip(distinct, counts, strict=True)
    }


def _stable(values: NDArray[Any] | Jagged) -> NDArray[Any] | Jagged:
    """Return a column as it is, text as numbers that are the same in every chunk."""
    if isinstance(values, Jagged) or values.dtype != object:
        return values
    distinct, places = np.unique(values.astype(str), return_inverse=True)
    digests = [hashlib.blake2b(text.encode(), digest_size=8).digest() for text in distinct.tolist()]
    codes: NDArray[Any] = np.frombuffer(b"".join(digests), np.int64)[places]
    return codes


@dataclass
class _Count:
    """What is counted of one column."""

    column: ColumnSummary
    n_values: int = 0
    n_nan: int = 0
    n_inf: int = 0
    n_finite: int = 0
    total: float = 0.0
    minimum: float = np.inf
    maximum: float = -np.inf
    n_events: int = 0
    n_empty: int = 0
    fewest: int | None = None
    most: int = 0
    texts: Counter[str] = field(default_factory=Counter)
    bins: NDArray[np.int64] | None = None
    n_sentinels: Counter[float] = field(default_factory=Counter)

    def add(self, values: NDArray[Any] | Jagged) -> None:
        """Take in a chunk."""
        if isinstance(values, Jagged):
            self._add_objects(values.counts)
            values = values.content
        if self.column.most_frequent:
            self.texts.update(_count_texts(values))
        if values.dtype == object:
            n_present = int((values != "").sum())
            self.n_values += n_present
            self.n_nan += len(values) - n_present
        else:
            self._add_numbers(values)

    def _add_objects(self, counts: NDArray[np.int64]) -> None:
        if len(counts):
            self.n_events += len(counts)
            self.n_empty += int((counts == 0).sum())
            least = int(counts.min())
            self.fewest = least if self.fewest is None else min(self.fewest, least)
            self.most = max(self.most, int(counts.max()))

    def _add_numbers(self, values: NDArray[Any]) -> None:
        n_nan = int(np.isnan(values).sum())
        finite = values[np.isfinite(values)]
        self.n_nan += n_nan
        self.n_values += len(values) - n_nan
        self.n_inf += len(values) - n_nan - len(finite)
        self.n_finite += len(finite)
        if not len(finite):
            return
        self.total += float(finite.sum(dtype=np.float64))
        self.minimum = min(self.minimum, finite.min().item())
        self.maximum = max(self.maximum, finite.max().item())
        for sentinel in self.column.sentinels:
            is_sentinel = finite == np.asarray(sentinel.value).astype(finite.dtype)
            self.n_sentinels[sentinel.value] += int(is_sentinel.sum())
            finite = finite[~is_sentinel]
        shown = self.column.histogram
        if shown is not None:
            inside, _ = np.histogram(finite, len(shown.counts), (shown.low, shown.high))
            beyond = [(finite < shown.low).sum(), (finite > shown.high).sum()]
            added = np.array([*inside, *beyond], np.int64)
            self.bins = added if self.bins is None else self.bins + added

    def summary(self) -> ColumnSummary:
        """Return the summary of the column with what was counted."""
        column, has_any = self.column, self.n_finite > 0
        shown, bins = column.histogram, self.bins
        if shown is not None and bins is not None:
            counts = tuple(int(count) for count in bins[:-2])
            shown = Histogram(shown.low, shown.high, counts, int(bins[-2]), int(bins[-1]))
        return replace(
            column,
            n_values=self.n_values,
            n_nan=self.n_nan,
            n_inf=None if column.n_inf is None else self.n_inf,
            minimum=self.minimum if has_any else None,
            maximum=self.maximum if has_any else None,
            mean=self.total / self.n_finite if has_any else None,
            sentinels=tuple(
                Sentinel(found.value, self.n_sentinels[found.value]) for found in column.sentinels
            ),
            most_frequent=tuple(self.texts.most_common(10)),
            histogram=shown,
            objects=self._objects(),
        )

    def _objects(self) -> ObjectCounts | None:
        if self.column.objects is None:
            return None
        mean = (self.n_values + self.n_nan) / max(self.n_events, 1)
        return ObjectCounts(self.fewest or 0, mean, self.most, self.n_empty)
