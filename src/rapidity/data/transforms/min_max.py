"""Min-max: smallest value 0, largest 1."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

from rapidity.data.transforms.spread import is_constant

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from rapidity.config.preparation import MinMax
    from rapidity.core.namespace import ArrayNamespace


@dataclass(frozen=True)
class FittedMinMax:
    """``(x - low) / range`` with the smallest value and the width of the training split.

    Later events may lie outside [0, 1]. A constant feature has range 1.

    Examples
    --------
    >>> import numpy as np
    >>> values = np.array([2.0, 3.0, 4.0])
    >>> FittedMinMax.fit(None, values).apply(values, np)
    array([0. , 0.5, 1. ])
    """

    low: float
    range: float

    @classmethod
    def fit(cls, config: MinMax | None, values: NDArray[np.float64]) -> Self:
        """Return the transform for these values."""
        if is_constant(values):
            return cls(float(values[0]) if len(values) else 0.0, 1.0)
        return cls(float(values.min()), float(values.max() - values.min()))

    def apply(self, values: Any, xp: ArrayNamespace) -> Any:
        """Return the scaled values."""
        return (values - self.low) / self.range
