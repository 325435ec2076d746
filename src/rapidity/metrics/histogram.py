"""Weighted histograms with their statistical errors, under- and overflow."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from rapidity.core.errors import DataError
from rapidity.metrics.arrays import check_event_weight, sum_in_cells

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray


@dataclass(frozen=True)
class Histogram:
    """Sums of weights in bins.

    Attributes
    ----------
    edges
        Bin edges ``(n_bins + 1,)``. Bins are closed below and open above; the last is closed.
    contents, variances
        Sums of weights and of their squares ``(n_bins + 2,)``: underflow, bins, overflow.
    missing
        Sum of the weights of NaN values, which are in no bin.
    """

    edges: NDArray[np.float64]
    contents: NDArray[np.float64]
    variances: NDArray[np.float64]
    missing: float

    @property
    def values(self) -> NDArray[np.float64]:
        """Sums of weights ``(n_bins,)``, in events."""
        return self.contents[1:-1]

    @property
    def errors(self) -> NDArray[np.float64]:
        """Statistical error of each bin, ``sqrt(sum w^2)``, shape ``(n_bins,)``, in events."""
        return np.sqrt(self.variances[1:-1])

    @property
    def underflow(self) -> float:
        """Sum of the weights below the first edge, in events."""
        return float(self.contents[0])

    @property
    def overflow(self) -> float:
        """Sum of the weights above the last edge, in events."""
        return float(self.contents[-1])

    @property
    def total(self) -> float:
        """Sum of all weights but those of NaN values, in events."""
        return float(self.contents.sum())


def fill_histogram(values: ArrayLike, edges: ArrayLike, event_weight: ArrayLike | None = None) -> Histogram:
    """Return the weighted histogram of `values`; contents in events.

    Parameters
    ----------
    values
        Shape ``(n_events,)``. Infinities go to under- and overflow, NaN to `Histogram.missing`.
    edges
        Rising bin edges ``(n_bins + 1,)`` in the unit of the values.
    event_weight
        Signed weights ``(n_events,)``; None stands for weights of 1.

    Raises
    ------
    DataError
        If the edges do not rise, or a weight is not finite.

    Examples
    --------
    >>> h = fill_histogram([0.5, 1.5, 1.6, 2.0, 7.0], [0, 1, 2], event_weight=[1, 2, 2, 1, 1])
    >>> h.values, h.errors, h.overflow
    (array([1., 5.]), array([1., 3.]), 1.0)
    """
    numbers = np.asarray(values)
    bounds = np.asarray(edges, dtype=np.float64)
    if bounds.ndim != 1 or len(bounds) < 2 or not (np.diff(bounds) > 0).all():
        message = f"bin edges must rise and be at least two, found {bounds.tolist()[:10]}. Correct the edges."
        raise DataError(message)
    weight = check_event_weight(event_weight, len(numbers))
    position = np.searchsorted(bounds, numbers, side="right")
    position[numbers == bounds[-1]] = len(bounds) - 1
    is_missing = np.isnan(numbers)
    missing = float(weight[is_missing].sum())
    if is_missing.any():
        position, weight = position[~is_missing], weight[~is_missing]
    n_cells = len(bounds) + 1
    contents = sum_in_cells(position, weight, n_cells)
    variances = np.bincount(position, weight**2, minlength=n_cells).astype(np.float64)
    return Histogram(bounds, contents, variances, missing)
