"""Where tensors live: the memory that their arrays come from, and the journal of what happened to them.

A tensor made from others lives in their workspace, as tensors elsewhere live on a device. Without one,
arrays come from NumPy and nothing is written down.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import DTypeLike, NDArray

    from rapidity.autodiff.journal import Journal

Array = np.ndarray[Any, np.dtype[Any]]

SMALLEST_KEPT = 4096
"""Bytes; below this NumPy's own small-block cache is as quick."""


class Memory(Protocol):
    """Gives arrays whose content is undefined."""

    def empty(self, shape: tuple[int, ...], dtype: DTypeLike) -> Array:
        """Return an array to be filled."""
        ...


class PlainMemory:
    """Arrays from NumPy."""

    def empty(self, shape: tuple[int, ...], dtype: DTypeLike) -> Array:
        """Return ``numpy.empty``."""
        return np.empty(shape, dtype)


PLAIN = PlainMemory()


class BufferPool:
    """Hands buffers out again once nothing looks at them any more.

    Fresh memory costs a page fault per 4 KiB at its first touch, which for a training step of large arrays
    is dearer than the arithmetic. A buffer is free when the pool holds the only reference to it: every view
    of an array keeps its owner alive, so nothing that is still in use is ever handed out twice. This rests
    on the reference counts of CPython.

    Examples
    --------
    >>> pool = BufferPool()
    >>> first = pool.empty((1024, 8), np.float32)
    >>> view = first[2:]
    >>> del first
    >>> pool.empty((1024, 8), np.float32).base is view.base
    False
    >>> n_buffers = pool.n_buffers
    >>> del view
    >>> third = pool.empty((1024, 8), np.float32)
    >>> pool.n_buffers == n_buffers
    True
    """

    def __init__(self) -> None:
        self._buffers: dict[int, list[NDArray[np.uint8]]] = {}

    @property
    def n_buffers(self) -> int:
        """Number of buffers, those in use included."""
        return sum(len(buffers) for buffers in self._buffers.values())

    @property
    def n_bytes(self) -> int:
        """Bytes of all buffers, those in use included."""
        return sum(size * len(buffers) for size, buffers in self._buffers.items())

    def empty(self, shape: tuple[int, ...], dtype: DTypeLike) -> Array:
        """Return an array on a buffer that is free, or on a new one."""
        kind = np.dtype(dtype)
        size = kind.itemsize
        for extent in shape:
            size *= extent
        if size < SMALLEST_KEPT:
            return np.empty(shape, kind)
        buffers = self._buffers.setdefault(size, [])
        for number in range(len(buffers)):
            # One reference from the list, one from the argument of getrefcount itself.
            if sys.getrefcount(buffers[number]) == _REFERENCES_OF_A_FREE_BUFFER:
                return np.ndarray(shape, kind, buffers[number])
        buffers.append(np.empty(size, np.uint8))
        return np.ndarray(shape, kind, buffers[-1])

    def release(self) -> None:
        """Forget all buffers; those in use live on until their arrays die."""
        self._buffers.clear()


def _count_references_of_a_free_buffer() -> int:
    """Return what `getrefcount` says of an array that only a list holds; it depends on the interpreter."""
    listed = [np.empty(1)]
    return sys.getrefcount(listed[0])


_REFERENCES_OF_A_FREE_BUFFER = _count_references_of_a_free_buffer()


class Workspace:
    """A place for tensors.

    Parameters
    ----------
    memory
        Where arrays come from; a `BufferPool` saves a training loop most of its page faults.
    journal
        Writes down which nodes were computed, skipped and freed, and how many bytes were alive when.
    """

    __slots__ = ("journal", "memory")

    def __init__(self, memory: Memory = PLAIN, journal: Journal | None = None) -> None:
        self.memory = memory
        self.journal = journal


NO_WORKSPACE = Workspace()
"""NumPy's memory and no journal."""
