"""Robust: median 0 and interquartile range 1, which outliers do not shift."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

from rapidity.data.transforms.spread import is_constant

if TYPE_CHECKING:
    from rapidity.config.preparation import Robust
    from rapidity.core.namespace import ArrayNamespace
    from rapidity.data.transforms.transform import TrainingValues


@dataclass(frozen=True)
class FittedRobust:
    """``(x - median) / range`` with the median and interquartile range of the training split.

    Where more than half of the values are the same, the range is zero and the standard deviation (or half of
    the way from the smallest to the largest value) stands in for it; a constant feature has range 1.

    Examples
    --------
    >>> import numpy as np
    >>> from rapidity.data.transforms import ArrayValues
    >>> values = np.array([0.0, 1.0, 2.0, 3.0, 1000.0])
    >>> FittedRobust.fit(None, ArrayValues(values)).apply(values, np)
    array([ -1. ,  -0.5,   0. ,   0.5, 499. ])
    """

    median: float
    range: float

    @classmethod
    def fit(cls, config: Robust | None, values: TrainingValues) -> Self:
        """Return the transform for these values."""
        if is_constant(values):
            return cls(values.minimum if len(values) else 0.0, 1.0)
        low, median, high = values.quantiles([0.25, 0.5, 0.75])
        if high > low:
            return cls(float(median), float(high - low))
        if config is not None and config.fallback == "half_range":
            return cls(float(median), (values.maximum - values.minimum) / 2)
        return cls(float(median), values.deviation or 1.0)

    def apply(self, values: Any, xp: ArrayNamespace) -> Any:
        """Return the scaled values."""
        return (values - self.median) / self.range
