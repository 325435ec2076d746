"""Log: the natural logarithm, for quantities over several orders of magnitude such as momenta."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from rapidity.data.transforms.transform import TransformFitError

if TYPE_CHECKING:
    from rapidity.config.preparation import Log
    from rapidity.core.namespace import ArrayNamespace
    from rapidity.data.transforms.transform import TrainingValues


@dataclass(frozen=True)
class FittedLog:
    """``log(max(x + shift, floor))``, where `floor` is the smallest ``x + shift`` in training.

    The floor gives an answer for later events with smaller values, down to zero and below, where
    the logarithm has none.

    Examples
    --------
    >>> FittedLog(shift=0.0, floor=1.0).apply(np.array([np.e, 1.0, -5.0]), np)
    array([1., 0., 0.])
    """

    shift: float
    floor: float

    @classmethod
    def fit(cls, config: Log, values: TrainingValues) -> Self:
        """Return the transform; a value that has no logarithm is a TransformFitError."""
        n_bad = len(values) - values.count_above(-config.shift)
        if n_bad:
            smallest = values.minimum
            argument = "value" if config.shift == 0 else f"value + {config.shift:g}"
            message = (
                f"log needs {argument} > 0, but {n_bad} of {len(values)} training values are not; "
                f"the smallest value is {smallest:g}. "
                f"Add a shift above {-smallest:g}, as in "
                f"`{{type: log, shift: {_suggest_shift(smallest):g}}}`, or use "
                "symmetric_log, which takes values of both signs."
            )
            raise TransformFitError(message)
        return cls(config.shift, values.minimum + config.shift if len(values) else 1.0)

    def apply(self, values: Any, xp: ArrayNamespace) -> Any:
        """Return the logarithms."""
        return xp.log(xp.maximum(values + self.shift, self.floor))


def _suggest_shift(smallest: float) -> float:
    return float(np.ceil(1 - smallest))
