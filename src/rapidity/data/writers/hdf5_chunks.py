"""Datasets that grow by rows and are written chunk by chunk: each chunk once, compressed by any core."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, Any

import h5py
import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping
    from concurrent.futures import Future, ThreadPoolExecutor

    from numpy.typing import NDArray

CHUNK_ROWS = 16_384
CHUNK_BYTES = 2**20
"""What the HDF5 library keeps in memory of a dataset: larger chunks are decompressed again for each piece."""
GZIP_LEVEL = 1
"""Higher levels take several times as long for a few per cent: floats hardly compress."""
MOST_WAITING = 8

FILTERS: Mapping[str, Mapping[str, Any]] = {
    "none": {},
    "gzip": {"compression": "gzip", "compression_opts": GZIP_LEVEL, "shuffle": True},
    "lzf": {"compression": "lzf", "shuffle": True},
}


class ChunkedDataset:
    """Rows gathered until a chunk is full.

    The library compresses on one core, under a lock. Here whole chunks go past its filters, compressed
    already.
    What it must write itself (text, LZF) comes in whole chunks too.

    Parameters
    ----------
    group, name
        Where the dataset goes; it is made when the size of its first chunk is known.
    dtype, shape
        Of a row; `object` is text.
    """

    def __init__(
        self,
        group: Any,
        name: str,
        dtype: np.dtype[Any],
        shape: tuple[int, ...],
        compression: str,
        pool: ThreadPoolExecutor | None = None,
    ) -> None:
        is_text = dtype.kind in "OUS"
        self._group, self._name, self._shape = group, name, shape
        self._dtype: Any = h5py.string_dtype() if is_text else dtype
        self._compression = compression
        self._is_direct = not (is_text or dtype.hasobject or compression == "lzf")
        self._pool = pool if self._is_direct and compression == "gzip" else None
        self._waiting: list[tuple[int, Future[bytes]]] = []
        row_bytes = max(dtype.itemsize * int(np.prod(shape)), 1)
        self._chunk_rows = _chunk_rows(row_bytes)
        self._buffer = np.empty((self._chunk_rows, *shape), object if is_text else dtype)
        self._n_buffered = 0
        self._n_written = 0
        self._dataset: Any = None
        self.attributes: dict[str, Any] = {}
        """Written when the dataset is made."""

    @property
    def chunk_rows(self) -> int:
        """Rows of a chunk."""
        return self._chunk_rows

    def append(self, rows: NDArray[Any]) -> None:
        """Add rows at the end."""
        start = 0
        while start < len(rows):
            if not self._n_buffered and len(rows) - start >= self._chunk_rows:
                self._write(rows[start : start + self._chunk_rows])
                start += self._chunk_rows
                continue
            n_taken = min(self._chunk_rows - self._n_buffered, len(rows) - start)
            self._buffer[self._n_buffered : self._n_buffered + n_taken] = rows[start : start + n_taken]
            self._n_buffered += n_taken
            start += n_taken
            if self._n_buffered == self._chunk_rows:
                self._write(self._buffer)
                self._n_buffered = 0

    def finish(self) -> Any:
        """Write what is left and return the dataset."""
        # Less than a chunk in all: its only one is as small as that.
        self.make(max(self._n_buffered, 1))
        if self._n_buffered:
            self._write(self._buffer[: self._n_buffered])
            self._n_buffered = 0
        self._drain(0)
        return self._dataset

    def make(self, chunk_rows: int | None = None) -> None:
        """Make the dataset if it is not there, with chunks of so many rows."""
        if self._dataset is not None:
            return
        self._chunk_rows = chunk_rows or self._chunk_rows
        self._dataset = self._group.create_dataset(
            self._name,
            shape=(0, *self._shape),
            maxshape=(None, *self._shape),
            chunks=(self._chunk_rows, *(max(length, 1) for length in self._shape)),
            dtype=self._dtype,
            # Without it an attribute (names of thousands of files) ends at 64 kB.
            track_order=bool(self.attributes),
            **FILTERS[self._compression],
        )
        for key, value in self.attributes.items():
            self._dataset.attrs[key] = value

    def _write(self, rows: NDArray[Any]) -> None:
        self.make()
        start, n_rows = self._n_written, len(rows)
        self._n_written += n_rows
        # Not `resize`, which asks for the shape again: with many columns that takes as long as writing.
        self._dataset.id.set_extent((self._n_written, *self._shape))
        if not self._is_direct or not all(self._shape):
            self._dataset[start:] = rows
            return
        if n_rows < self._chunk_rows:  # on disk the last chunk is as large as the others
            whole = np.zeros((self._chunk_rows, *self._shape), rows.dtype)
            whole[:n_rows] = rows
            rows = whole
        if self._pool is None:
            self._put(start, _encode(rows, self._compression))
            return
        # A copy: the buffer is filled anew meanwhile.
        self._waiting.append((start, self._pool.submit(_encode, rows.copy(), self._compression)))
        self._drain(MOST_WAITING)

    def _drain(self, most: int) -> None:
        """Write chunks that are compressed, in their order, until at most so many wait."""
        while len(self._waiting) > most:
            start, encoded = self._waiting.pop(0)
            self._put(start, encoded.result())

    def _put(self, start: int, content: Any) -> None:
        self._dataset.id.write_direct_chunk((start, *(0 for _ in self._shape)), content)


def _chunk_rows(row_bytes: int) -> int:
    """Return the rows of a chunk: a power of two, fewer where rows are long.

    Examples
    --------
    >>> _chunk_rows(4), _chunk_rows(512 * 512)
    (16384, 4)
    """
    rows = CHUNK_ROWS
    while rows > 1 and rows * row_bytes > CHUNK_BYTES:
        rows //= 2
    return rows


def _encode(rows: NDArray[Any], compression: str) -> Any:
    """Return the bytes of a chunk as the filters of the library would make them (shuffle, then deflate)."""
    contiguous = np.ascontiguousarray(rows)
    if compression != "gzip":
        return contiguous
    content = contiguous.reshape(-1).view(np.uint8)
    if contiguous.dtype.itemsize > 1:
        content = np.ascontiguousarray(content.reshape(-1, contiguous.dtype.itemsize).T)
    return zlib.compress(content.data, GZIP_LEVEL)
