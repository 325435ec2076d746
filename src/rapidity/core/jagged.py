"""Columns with a varying number of values per event: jets, tracks, photons of a collection."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import DTypeLike, NDArray

    Rows = slice | NDArray[np.int64] | NDArray[np.bool_]


@dataclass(frozen=True)
class JaggedType:
    """What a reader is asked for in place of a dtype: a `Jagged` column of numbers of this dtype."""

    dtype: np.dtype[Any]

    @classmethod
    def of(cls, dtype: DTypeLike) -> JaggedType:
        """Return the type for numbers of `dtype`."""
        return cls(np.dtype(dtype))


@dataclass(frozen=True)
class PaddedObjects:
    """A value for each object of each event, in any array namespace.

    Attributes
    ----------
    values
        ``(n_events, n_objects)``; what stands where there is no object means nothing.
    is_object
        ``(n_events, n_objects)`` truth values: where there is one. Objects come first, padding after them.
    collection
        The collection that the objects belong to.
    """

    values: Any
    is_object: Any
    collection: str


@dataclass(frozen=True, eq=False)
class Jagged:
    """A varying number of values per event, end to end in one array.

    Rows are taken as of an array: by a slice, by row numbers, by a mask.

    Attributes
    ----------
    content
        The values of all events, one after the other ``(n_values,)``.
    offsets
        Where the values of each event begin, and where the last ones end ``(n_events + 1,)`` int64; the
        first is 0.

    Examples
    --------
    >>> jet_pt = Jagged.from_counts(np.array([50.0, 30.0, 40.0]), np.array([2, 0, 1]))
    >>> len(jet_pt), jet_pt.counts.tolist()
    (3, [2, 0, 1])
    >>> jet_pt[np.array([2, 0])].padded(fill=0.0)
    array([[40.,  0.],
           [50., 30.]])
    """

    content: NDArray[Any]
    offsets: NDArray[np.int64]

    @classmethod
    def from_counts(cls, content: NDArray[Any], counts: NDArray[Any]) -> Jagged:
        """Return the column whose events have `counts` values ``(n_events,)`` each."""
        offsets = np.zeros(len(counts) + 1, np.int64)
        np.cumsum(counts, out=offsets[1:])
        return cls(content, offsets)

    @classmethod
    def from_padded(cls, padded: NDArray[Any], counts: NDArray[Any]) -> Jagged:
        """Return the first ``counts[i]`` values of each row of ``(n_events, n_objects)``."""
        is_object = np.arange(padded.shape[1]) < np.asarray(counts)[:, np.newaxis]
        return cls.from_counts(padded[is_object], counts)

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the values."""
        return self.content.dtype

    @property
    def counts(self) -> NDArray[np.int64]:
        """Number of values of each event ``(n_events,)``."""
        return np.diff(self.offsets)

    @property
    def nbytes(self) -> int:
        """Memory that the values and their offsets take."""
        return int(self.content.nbytes + self.offsets.nbytes)

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def __getitem__(self, rows: Rows) -> Jagged:
        """Return some events, in the order asked for."""
        places, offsets = self.locate(rows)
        return Jagged(self.content[places], offsets)

    def locate(self, rows: Rows) -> tuple[slice | NDArray[np.int64], NDArray[np.int64]]:
        """Return where the values of some events stand in `content`, and the offsets that they then have.

        Columns with the same offsets (of one collection) can share the answer.
        """
        if isinstance(rows, slice) and rows.step in (None, 1):
            start, stop, _ = rows.indices(len(self))
            offsets = self.offsets[start : max(stop, start) + 1]
            return slice(int(offsets[0]), int(offsets[-1])), offsets - offsets[0]
        # Row numbers are taken as they are: a number for each event of the column would be a column more.
        if isinstance(rows, np.ndarray) and rows.dtype.kind in "iu" and not (rows < 0).any():
            numbers: NDArray[Any] = rows
        else:
            numbers = np.arange(len(self))[rows]
        counts = self.offsets[numbers + 1] - self.offsets[numbers]
        taken = np.zeros(len(numbers) + 1, np.int64)
        np.cumsum(counts, out=taken[1:])
        # The place of each value: that of its event's first one, and how far behind it stands.
        places = np.repeat(self.offsets[numbers] - taken[:-1], counts)
        places += np.arange(taken[-1])
        return places, taken

    def astype(self, dtype: DTypeLike, *, copy: bool = True) -> Jagged:
        """Return the column with values of another type."""
        return Jagged(self.content.astype(dtype, copy=copy), self.offsets)

    def padded(self, n_objects: int | None = None, fill: float = 0.0) -> NDArray[Any]:
        """Return ``(n_events, n_objects)``, filled up where an event has fewer values; more are cut off.

        Parameters
        ----------
        n_objects
            Columns of the result; None: as many as the fullest event has values.
        """
        counts = self.counts
        width = int(counts.max(initial=0)) if n_objects is None else n_objects
        padded = np.full((len(self), width), fill, self.dtype)
        is_object = np.arange(width) < counts[:, np.newaxis]
        if (counts <= width).all():
            padded[is_object] = self.content
            return padded
        places = np.arange(self.offsets[-1]) - np.repeat(self.offsets[:-1], counts)
        padded[is_object] = self.content[places < width]
        return padded

    @classmethod
    def concatenate(cls, parts: Iterable[Jagged]) -> Jagged:
        """Return the events of all parts, in their order; at least one part is needed."""
        listed: Sequence[Jagged] = list(parts)
        counts = np.concatenate([part.counts for part in listed])
        return cls.from_counts(np.concatenate([part.content for part in listed]), counts)
