"""Linear correlation between columns."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from rapidity.metrics.arrays import check_event_weight

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray


def correlation_matrix(columns: ArrayLike, event_weight: ArrayLike | None = None) -> NDArray[np.float64]:
    """Return Pearson's correlation (no unit) of every pair of columns, shape ``(n_columns, n_columns)``.

    Parameters
    ----------
    columns
        Shape ``(n_events, n_columns)``. NaN and infinities are missing: each pair of columns uses the
        events in which both are there.
    event_weight
        Signed weights ``(n_events,)``; None stands for weights of 1.

    Returns
    -------
    matrix
        NaN where a column is constant, has no common events with the other, or has no positive
        weighted variance (weights of both signs).

    Examples
    --------
    >>> correlation_matrix([[1.0, 2.0, 1.0], [2.0, 4.0, 1.0], [3.0, 6.0, np.nan]])
    array([[ 1.,  1., nan],
           [ 1.,  1., nan],
           [nan, nan, nan]])
    """
    values = np.array(columns, dtype=np.float64, ndmin=2)
    weight = check_event_weight(event_weight, len(values))
    is_there = np.isfinite(values)
    values[~is_there] = 0.0
    there = is_there.astype(np.float64)
    # Centred and scaled first: sums of squares of raw momenta would cancel.
    n_there = np.maximum(there.sum(axis=0), 1)
    centre = values.sum(axis=0) / n_there
    values = (values - centre) * there
    scale = np.sqrt((values**2).sum(axis=0) / n_there)
    is_constant = scale <= 1e-12 * np.abs(centre)
    values /= np.where(is_constant, 1.0, scale)
    total = there.T @ (weight[:, np.newaxis] * there)
    first = (weight[:, np.newaxis] * values).T @ there
    second = (weight[:, np.newaxis] * values**2).T @ there
    product = (weight[:, np.newaxis] * values).T @ values
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = first / total
        variance = second / total - mean**2
        covariance = product / total - mean * mean.T
        matrix = covariance / np.sqrt(variance * variance.T)
    is_undefined = is_constant[:, np.newaxis] | is_constant | ~(variance > 1e-12) | ~(variance.T > 1e-12)
    matrix[is_undefined] = np.nan
    clipped: NDArray[np.float64] = np.clip(matrix, -1.0, 1.0)
    return clipped
