"""A jagged column that grows at its end while events are read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from rapidity.core.jagged import Jagged
from rapidity.data.growing import GrowingArray

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import DTypeLike


class GrowingJagged:
    """Values of a varying number per event, collected chunk by chunk.

    Examples
    --------
    >>> growing = GrowingJagged(np.float32)
    >>> growing.append(Jagged.from_counts(np.array([50.0, 30.0]), np.array([2, 0])))
    >>> growing.append(Jagged.from_counts(np.array([40.0]), np.array([1])))
    >>> growing.finish().counts
    array([2, 0, 1])
    """

    def __init__(self, dtype: DTypeLike, make_array: Callable[[Any], GrowingArray] = GrowingArray) -> None:
        """Start with no events.

        Parameters
        ----------
        make_array
            Makes what the values and their offsets are collected in.
        """
        self._content = make_array(dtype)
        self._offsets = make_array(np.int64)
        self._offsets.append(np.zeros(1, np.int64))
        self._n_values = 0

    def append(self, values: Jagged) -> None:
        """Add events at the end, their values converted to the dtype."""
        self._content.append(values.content)
        self._offsets.append(values.offsets[1:] + self._n_values)
        self._n_values += len(values.content)

    def finish(self) -> Jagged:
        """Return all events; nothing can be added afterwards."""
        return Jagged(self._content.finish(), self._offsets.finish())
