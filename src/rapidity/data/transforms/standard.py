"""Standard: mean 0 and standard deviation 1."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

from rapidity.data.transforms.spread import is_constant

if TYPE_CHECKING:
    from rapidity.config.preparation import Standard
    from rapidity.core.namespace import ArrayNamespace
    from rapidity.data.transforms.transform import TrainingValues


@dataclass(frozen=True)
class FittedStandard:
    """``(x - mean) / deviation`` with the mean and standard deviation of the training split.

    The deviation is that of the values themselves (divided by n, not n - 1). A constant feature has
    deviation 1.

    Examples
    --------
    >>> import numpy as np
    >>> from rapidity.data.transforms import ArrayValues
    >>> values = np.array([1.0, 3.0])
    >>> FittedStandard.fit(None, ArrayValues(values)).apply(values, np)
    array([-1.,  1.])
    """

    mean: float
    deviation: float

    @classmethod
    def fit(cls, config: Standard | None, values: TrainingValues) -> Self:
        """Return the transform for these values."""
        if is_constant(values):
            return cls(values.minimum if len(values) else 0.0, 1.0)
        return cls(values.mean, values.deviation or 1.0)

    def apply(self, values: Any, xp: ArrayNamespace) -> Any:
        """Return the standardised values."""
        return (values - self.mean) / self.deviation
