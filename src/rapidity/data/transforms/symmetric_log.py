"""Symmetric log: a logarithm for values of both signs, linear around zero."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from rapidity.config.preparation import SymmetricLog
    from rapidity.core.namespace import ArrayNamespace
    from rapidity.data.transforms.transform import TrainingValues


@dataclass(frozen=True)
class FittedSymmetricLog:
    """``sign(x) * log(1 + |x| / scale)``.

    Examples
    --------
    >>> import numpy as np
    >>> FittedSymmetricLog(scale=1.0).apply(np.array([-1.0, 0.0, 1.0]), np).round(3)
    array([-0.693,  0.   ,  0.693])
    """

    scale: float

    @classmethod
    def fit(cls, config: SymmetricLog, values: TrainingValues) -> Self:
        """Return the transform; the values have no say."""
        return cls(config.scale)

    def apply(self, values: Any, xp: ArrayNamespace) -> Any:
        """Return the logarithms, with the signs of the values."""
        return xp.sign(values) * xp.log1p(xp.absolute(values) / self.scale)
