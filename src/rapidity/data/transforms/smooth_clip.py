"""Smooth clip: small values nearly as they are, large ones close to a limit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from rapidity.config.preparation import SmoothClip
    from rapidity.core.namespace import ArrayNamespace
    from rapidity.data.transforms.transform import TrainingValues

SATURATION = 1e9
"""Multiples of the limit at which the result is the limit in double precision; their squares are finite."""


@dataclass(frozen=True)
class FittedSmoothClip:
    """``x / sqrt(1 + (x / limit)^2)`` (Holzmueller, Grinsztajn and Steinwart, arXiv:2407.04491, section 3).

    Examples
    --------
    >>> import numpy as np
    >>> FittedSmoothClip(limit=3.0).apply(np.array([-1000.0, 0.0, 1.0, 4.0]), np).round(3)
    array([-3.   ,  0.   ,  0.949,  2.4  ])
    """

    limit: float

    @classmethod
    def fit(cls, config: SmoothClip, values: TrainingValues) -> Self:
        """Return the transform; the values have no say."""
        return cls(config.limit)

    def apply(self, values: Any, xp: ArrayNamespace) -> Any:
        """Return the values within the limit."""
        part = xp.minimum(xp.maximum(values / self.limit, -SATURATION), SATURATION)
        return part * self.limit / xp.sqrt(1.0 + part * part)
