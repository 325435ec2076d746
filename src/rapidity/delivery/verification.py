"""Reading scores again: what was just written, and what was written long ago."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import numpy as np

from rapidity.core.errors import VerificationError
from rapidity.data.readers import open_reader

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    from rapidity.data.readers import Reader

_ROWS_AT_ONCE = 131_072


class ColumnDigests:
    """A digest of each column over all rows so far, in whatever portions they come.

    Equal digests mean equal values in equal order, bit by bit; only NaN equals every NaN.
    """

    def __init__(self, dtypes: Mapping[str, np.dtype[Any]]) -> None:
        self.dtypes = dict(dtypes)
        self.n_rows = 0
        # Against accidents, not against people; the fastest of those that the processor helps with.
        self._digests = {name: hashlib.sha1(usedforsecurity=False) for name in dtypes}

    def add(self, rows: Mapping[str, NDArray[Any]]) -> None:
        """Take some rows into account."""
        for name, digest in self._digests.items():
            digest.update(_canonical(rows[name], self.dtypes[name]))
        self.n_rows += len(next(iter(rows.values())))

    def differing(self, other: ColumnDigests) -> list[str]:
        """Return the columns whose digests differ."""
        return [name for name, digest in self._digests.items() if digest.digest() != other.digest(name)]

    def digest(self, name: str) -> bytes:
        """Return the digest of a column."""
        return self._digests[name].digest()


def _canonical(values: NDArray[Any], dtype: np.dtype[Any]) -> bytes:
    """Return values as bytes that are equal where the values are."""
    if dtype.kind == "O":
        return "\0".join(map(str, values)).encode() + b"\0"
    exact = np.ascontiguousarray(values, dtype=dtype)
    if dtype.kind == "f":
        is_nan = np.isnan(exact)
        if is_nan.any():
            exact = np.where(is_nan, dtype.type(np.nan), exact)
    return exact.tobytes()


def open_scores(path: Path, table: str) -> Reader:
    """Open a file of scores, or a copy with scores, at its table (empty: a file is one table)."""
    suffixes = {suffix.lower() for suffix in path.suffixes}
    if not table:
        return open_reader(path)
    return open_reader(path, tree=table) if ".root" in suffixes else open_reader(path, dataset=table)


def verify_written(path: Path, table: str, written: ColumnDigests, shown: Path) -> None:
    """Open a file that was just written and compare every value with what should be there.

    Parameters
    ----------
    shown
        The file as messages call it: its final name.

    Raises
    ------
    VerificationError
        If the number of entries, their order or a value differs.
    """
    reader = open_scores(path, table)
    found = ColumnDigests(written.dtypes)
    for rows in reader.read(written.dtypes, _ROWS_AT_ONCE):
        found.add(rows)
    if found.n_rows != written.n_rows:
        message = (
            f"{shown} was to hold {written.n_rows:,} entries, but {found.n_rows:,} are read back. It was not "
            "kept. Is the disk sound? Try again, or write another format."
        )
        raise VerificationError(message)
    differing = written.differing(found)
    if differing:
        message = (
            f"{shown} reads back with other values than were written, in: {', '.join(differing)}. It was not "
            "kept. Is the disk sound? Try again, or write another format."
        )
        raise VerificationError(message)
