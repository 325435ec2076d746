"""Bias and resolution of a measured number: from the differences between what is found and what is true."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from rapidity.core.errors import DataError
from rapidity.metrics.arrays import ROUNDING, check_event_weight, signed_sum

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

LOW_TAIL, HIGH_TAIL = (math.erfc(1 / math.sqrt(2)) / 2, 1 - math.erfc(1 / math.sqrt(2)) / 2)
"""Parts of a normal distribution below minus one and below plus one standard deviation."""


@dataclass(frozen=True)
class ResidualSpread:
    """How residuals are distributed, in the unit of the residuals.

    Attributes
    ----------
    bias
        The weighted mean.
    resolution
        The weighted standard deviation about the mean.
    half_width
        Half the width of the interval from the 15.9 % to the 84.1 % quantile, which holds the central 68.3 %:
        of a normal distribution the standard deviation, whatever its tails.
    """

    bias: float
    resolution: float
    half_width: float


@dataclass(frozen=True)
class RankedResiduals:
    """Residuals in ascending order: their distribution can then be found again and again in O(n).

    Attributes
    ----------
    order
        Row of the event at each place ``(n_events,)``.
    values
        The residuals in that order ``(n_events,)``.

    Examples
    --------
    >>> ranked = RankedResiduals.from_values([3.0, 1.0, 2.0])
    >>> ranked.spread(np.ones(3)).bias, ranked.quantile(np.ones(3), 0.5)
    (2.0, 2.0)
    """

    order: NDArray[np.int64]
    values: NDArray[np.float64]

    @classmethod
    def from_values(cls, residuals: ArrayLike) -> RankedResiduals:
        """Return residuals ``(n_events,)`` in order; NaN is a DataError."""
        values = np.asarray(residuals, dtype=np.float64)
        if np.isnan(values).any():
            message = (
                f"{int(np.isnan(values).sum())} of {len(values)} residuals are NaN, which have no place in"
                " any order. Leave out events whose truth is not known, and look for NaN in the predictions."
            )
            raise DataError(message)
        order = np.argsort(values, kind="stable")
        return cls(order, values[order])

    def spread(self, ranked_weight: NDArray[np.float64]) -> ResidualSpread:
        """Return bias, resolution and half width, NaN where they are not defined.

        None of them is where the weights sum to nothing or less. The resolution is not where negative weights
        make the variance negative, as few events of a signed sample can: of such a sample no width is known
        from squares, and the root of an absolute value would be that of another one. The half width, from
        quantiles, is still there. What cancels but for rounding is zero.

        Parameters
        ----------
        ranked_weight
            Signed weights in the order of the residuals ``(n_events,)``.
        """
        total = float(ranked_weight.sum())
        if not total > ROUNDING * float(np.abs(ranked_weight).sum()):
            return ResidualSpread(math.nan, math.nan, math.nan)
        bias = float(ranked_weight @ self.values) / total
        variance = signed_sum(ranked_weight, (self.values - bias) ** 2) / total
        low, high = (self.quantile(ranked_weight, part) for part in (LOW_TAIL, HIGH_TAIL))
        return ResidualSpread(bias, math.sqrt(variance) if variance >= 0 else math.nan, (high - low) / 2)

    def quantile(self, ranked_weight: NDArray[np.float64], part: float) -> float:
        """Return the smallest residual up to which at least `part` of the weights lies; NaN without any.

        Negative weights may make the sum fall again: the first place counts.
        """
        reached = np.maximum.accumulate(np.cumsum(ranked_weight))
        if not len(reached):
            return math.nan
        # The sum may miss the total by a rounding error.
        place = int(np.searchsorted(reached, part * float(ranked_weight.sum()) * (1 - ROUNDING)))
        return float(self.values[min(place, len(self.values) - 1)])


def residual_spread(residuals: ArrayLike, event_weight: ArrayLike | None = None) -> ResidualSpread:
    """Return bias, resolution and half width of residuals ``(n_events,)``, in their unit.

    Parameters
    ----------
    event_weight
        Signed weights ``(n_events,)``; None stands for weights of 1.

    Raises
    ------
    DataError
        If a residual is NaN, or lengths differ.

    Examples
    --------
    >>> residual_spread([-1.0, 1.0])
    ResidualSpread(bias=0.0, resolution=1.0, half_width=1.0)
    """
    ranked = RankedResiduals.from_values(residuals)
    weight = check_event_weight(event_weight, len(ranked.values))
    return ranked.spread(weight[ranked.order])


def explained_variance(
    truth: ArrayLike, prediction: ArrayLike, event_weight: ArrayLike | None = None
) -> float:
    r"""Return R2, the part of the variance of the truth that a prediction explains; 1 is best.

    Parameters
    ----------
    truth, prediction
        One number an event ``(n_events,)``.
    event_weight
        Signed weights ``(n_events,)``; None stands for weights of 1.

    Notes
    -----
    :math:`1 - \sum w (t - p)^2 / \sum w (t - \bar t)^2`, NaN where the denominator is not above zero (a truth
    that is always the same, or negative weights): 0 for a
    prediction that is always the mean, below zero for a worse one.

    Examples
    --------
    >>> explained_variance([1.0, 2.0, 3.0], [1.0, 2.0, 3.0]), explained_variance([1.0, 3.0], [2.0, 2.0])
    (1.0, 0.0)
    """
    true, found = np.asarray(truth, dtype=np.float64), np.asarray(prediction, dtype=np.float64)
    if true.shape != found.shape or true.ndim != 1:
        message = f"truth of shape {true.shape} and prediction of shape {found.shape} cannot be compared."
        raise DataError(message)
    weight = check_event_weight(event_weight, len(true))
    total = float(weight.sum())
    if not total > ROUNDING * float(np.abs(weight).sum()):
        return math.nan
    mean = float(weight @ true) / total
    variance = signed_sum(weight, (true - mean) ** 2)
    return 1 - float(weight @ (true - found) ** 2) / variance if variance > 0 else math.nan
