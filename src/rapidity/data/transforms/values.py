"""The training values that a transform is fitted to: one array, or pixels that come chunk by chunk."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from numpy.typing import NDArray


class _Moments(NamedTuple):
    n_values: int
    minimum: float
    maximum: float
    mean: float
    deviation: float


class ArrayValues:
    """The values of a feature ``(n_events,)``, float64, all in memory (`TrainingValues`).

    Examples
    --------
    >>> ArrayValues(np.array([1.0, 3.0])).mean
    2.0
    """

    def __init__(self, values: NDArray[np.float64]) -> None:
        self._values = values

    def __len__(self) -> int:
        return len(self._values)

    @property
    def minimum(self) -> float:
        """The smallest value."""
        return float(self._values.min())

    @property
    def maximum(self) -> float:
        """The largest value."""
        return float(self._values.max())

    @property
    def mean(self) -> float:
        """The mean."""
        return float(self._values.mean())

    @property
    def deviation(self) -> float:
        """The standard deviation, divided by n."""
        return float(self._values.std())

    def quantiles(self, levels: Sequence[float]) -> NDArray[np.float64]:
        """Return the quantiles at these levels."""
        return np.quantile(self._values, levels)

    def count_above(self, threshold: float) -> int:
        """Return how many values are above a threshold."""
        return int(np.count_nonzero(self._values > threshold))


class ChunkedValues:
    """Values that come chunk by chunk, so that no float64 copy of all is made (`TrainingValues`).

    Parameters
    ----------
    chunks
        Gives all chunks, of any shape, from the beginning each time it is called.

    Examples
    --------
    >>> values = ChunkedValues(lambda: iter([np.array([1.0, 3.0]), np.array([5.0])]))
    >>> len(values), values.mean, values.maximum
    (3, 3.0, 5.0)
    """

    def __init__(self, chunks: Callable[[], Iterable[NDArray[Any]]]) -> None:
        self._chunks = chunks

    def __len__(self) -> int:
        return self._moments.n_values

    @property
    def minimum(self) -> float:
        """The smallest value."""
        return self._moments.minimum

    @property
    def maximum(self) -> float:
        """The largest value."""
        return self._moments.maximum

    @property
    def mean(self) -> float:
        """The mean."""
        return self._moments.mean

    @property
    def deviation(self) -> float:
        """The standard deviation, divided by n."""
        return self._moments.deviation

    @cached_property
    def _moments(self) -> _Moments:
        """One pass; the moments of chunks are joined as in Chan, Golub and LeVeque, STAN-CS-79-773."""
        count, mean, squares = 0, 0.0, 0.0
        minimum, maximum = np.inf, -np.inf
        for chunk in self._chunks():
            if not chunk.size:
                continue
            exact = chunk.astype(np.float64)
            chunk_mean = float(exact.mean())
            exact -= chunk_mean
            difference, total = chunk_mean - mean, count + chunk.size
            squares += float(np.vdot(exact, exact)) + difference**2 * count * chunk.size / total
            mean += difference * chunk.size / total
            count = total
            minimum, maximum = min(minimum, float(chunk.min())), max(maximum, float(chunk.max()))
        return _Moments(count, minimum, maximum, mean, float(np.sqrt(squares / max(count, 1))))

    def quantiles(self, levels: Sequence[float]) -> NDArray[np.float64]:
        """Return the quantiles at these levels; for them all values are together once, in their own type."""
        values = np.concatenate([chunk.ravel() for chunk in self._chunks()])
        found: NDArray[np.float64] = np.quantile(values, levels, overwrite_input=True).astype(np.float64)
        return found

    def count_above(self, threshold: float) -> int:
        """Return how many values are above a threshold."""
        return sum(int(np.count_nonzero(chunk > threshold)) for chunk in self._chunks())
