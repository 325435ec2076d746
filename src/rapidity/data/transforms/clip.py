"""Clip: values outside an interval are set to its ends."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from rapidity.config.preparation import Clip
    from rapidity.core.namespace import ArrayNamespace
    from rapidity.data.transforms.transform import TrainingValues


@dataclass(frozen=True)
class FittedClip:
    """``min(max(x, low), high)``; None leaves an end open.

    Examples
    --------
    >>> import numpy as np
    >>> FittedClip(low=0.0, high=None).apply(np.array([-1.0, 2.0]), np)
    array([0., 2.])
    """

    low: float | None
    high: float | None

    @classmethod
    def fit(cls, config: Clip, values: TrainingValues) -> Self:
        """Return the transform; the values have no say."""
        return cls(config.low, config.high)

    def apply(self, values: Any, xp: ArrayNamespace) -> Any:
        """Return the clipped values."""
        if self.low is not None:
            values = xp.maximum(values, self.low)
        return values if self.high is None else xp.minimum(values, self.high)
