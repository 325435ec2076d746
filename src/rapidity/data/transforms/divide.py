"""Divide: by a fixed number, for values whose range is known before any event is seen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from rapidity.config.preparation import Divide
    from rapidity.core.namespace import ArrayNamespace
    from rapidity.data.transforms.transform import TrainingValues


@dataclass(frozen=True)
class FittedDivide:
    """``x / by``.

    Examples
    --------
    >>> import numpy as np
    >>> FittedDivide(by=255.0).apply(np.array([0.0, 255.0]), np)
    array([0., 1.])
    """

    by: float

    @classmethod
    def fit(cls, config: Divide, values: TrainingValues) -> Self:
        """Return the transform; the values have no say."""
        return cls(config.by)

    def apply(self, values: Any, xp: ArrayNamespace) -> Any:
        """Return the quotients."""
        return values / self.by
