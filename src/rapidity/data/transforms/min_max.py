"""Min-max: smallest value 0, largest 1."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

from rapidity.data.transforms.spread import is_constant

if TYPE_CHECKING:
    from rapidity.config.preparation import MinMax
    from rapidity.core.namespace import ArrayNamespace
    from rapidity.data.transforms.transform import TrainingValues


@dataclass(frozen=True)
class FittedMinMax:
    """``(x - low) / range`` with the smallest value and the width of the training split.

    Later events may lie outside [0, 1]. A constant feature has range 1.

    Examples
    --------
    >>> import numpy as np
    >>> from rapidity.data.transforms import ArrayValues
    >>> values = np.array([2.0, 3.0, 4.0])
    >>> FittedMinMax.fit(None, ArrayValues(values)).apply(values, np)
    array([0. , 0.5, 1. ])
    """

    low: float
    range: float

    @classmethod
    def fit(cls, config: MinMax | None, values: TrainingValues) -> Self:
        """Return the transform for these values."""
        if is_constant(values):
            return cls(values.minimum if len(values) else 0.0, 1.0)
        return cls(values.minimum, values.maximum - values.minimum)

    def apply(self, values: Any, xp: ArrayNamespace) -> Any:
        """Return the scaled values."""
        return (values - self.low) / self.range
