"""An array that grows at its end while events are read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import DTypeLike, NDArray


class GrowingArray:
    """Values collected chunk by chunk in one block of memory.

    A list of chunks, joined at the end, leaves the memory in many small pieces that cannot be returned to
    the system. Here a block twice as large takes over when one is full; the part of it not yet written to
    takes no memory. `SpooledArray` goes to disk when memory is not enough.

    Examples
    --------
    >>> growing = GrowingArray(np.float32)
    >>> growing.append(np.array([1.0, 2.0]))
    >>> growing.append(np.array([3.0]))
    >>> growing.finish()
    array([1., 2., 3.], dtype=float32)
    """

    def __init__(self, dtype: DTypeLike) -> None:
        """Start with no values; a dtype with a shape, ``(np.uint8, (28, 28))``, is for arrays."""
        self._block: NDArray[Any] = np.empty(0, dtype=dtype)
        self._n_values = 0

    def append(self, values: NDArray[Any]) -> None:
        """Add values at the end, converted to the dtype."""
        n_values = self._n_values + len(values)
        if n_values > len(self._block):
            self._move_to(max(n_values, 2 * len(self._block)))
        self._block[self._n_values : n_values] = values
        self._n_values = n_values

    def finish(self) -> NDArray[Any]:
        """Return all values; nothing can be added afterwards."""
        # Given back to the system in place: images of several GB must not be there twice.
        self._block.resize((self._n_values, *self._block.shape[1:]), refcheck=False)
        return self._block

    def _move_to(self, size: int) -> None:
        block = np.empty((size, *self._block.shape[1:]), dtype=self._block.dtype)
        block[: self._n_values] = self._block[: self._n_values]
        self._block = block
