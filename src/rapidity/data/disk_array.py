"""Arrays whose values lie in a file: taking rows copies them, and memory stays flat."""

from __future__ import annotations

import mmap
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

if TYPE_CHECKING:
    from typing import BinaryIO

    from numpy.typing import NDArray


PAGE_BYTES = 2**16
"""What the system brings in around a single value: sixteen pages of 4 KiB."""


class PageCounter(Protocol):
    """What keeps account of the pages that come into memory when rows are taken."""

    def touch(self, n_bytes: int) -> None:
        """Take note that about so many bytes of the file have come into memory."""
        ...


class DiskArray(np.ndarray[Any, np.dtype[Any]]):
    """A read-only array in a memory-mapped file.

    It is used like any other array. Rows, also a slice of them, come as copies in memory, and what was
    read for them is counted, so that pages can be given back to the system (`release`); a view would keep
    them. What is computed from the whole is an ordinary array.
    """

    _map: mmap.mmap | None
    _counter: PageCounter | None

    @classmethod
    def open(cls, file: BinaryIO, dtype: np.dtype[Any], n_values: int, counter: PageCounter) -> DiskArray:
        """Return the `n_values` values of a file, which may be deleted once this array is gone.

        Parameters
        ----------
        dtype
            Of one value; a dtype with a shape is for arrays.
        """
        shape = (n_values, *dtype.shape)
        if n_values == 0:
            array = np.empty(shape, dtype.base).view(cls)
            array._map = array._counter = None
            return array
        mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        array = np.frombuffer(mapped, dtype.base).reshape(shape).view(cls)
        array._map, array._counter = mapped, counter
        return array

    def __array_finalize__(self, source: Any) -> None:
        """Forget the file: only what `open` made stands for the whole of it."""
        self._map = self._counter = None

    def __array_wrap__(self, array: Any, context: Any = None, return_scalar: bool = False) -> Any:
        """Return what a function computed from the values as an ordinary array."""
        return array[()] if return_scalar else np.asarray(array)

    def __getitem__(self, rows: Any) -> Any:
        """Return a copy of some rows."""
        plain = self.view(np.ndarray)
        found = plain[rows]
        if self._counter is None or not isinstance(found, np.ndarray):
            return found
        if np.may_share_memory(found, plain):
            found = found.copy()
        self._counter.touch(self._count_bytes(rows, found))
        return found

    def _count_bytes(self, rows: Any, found: NDArray[Any]) -> int:
        """Return about how many bytes of the file were needed."""
        if isinstance(rows, np.ndarray) and rows.dtype.kind in "iu" and len(rows):
            span = (int(rows.max()) - int(rows.min()) + 1) * self.strides[0]
            return min(span, found.nbytes + len(rows) * PAGE_BYTES)
        return int(self.nbytes if isinstance(rows, np.ndarray) else found.nbytes)

    def release(self) -> None:
        """Let the system have the memory of the pages that were read; they stay in the file."""
        if self._map is not None and hasattr(mmap, "MADV_DONTNEED"):
            self._map.madvise(mmap.MADV_DONTNEED)
