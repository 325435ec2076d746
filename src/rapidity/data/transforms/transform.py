"""What every transform offers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, Self

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from rapidity.core.namespace import ArrayNamespace


class TransformFitError(ValueError):
    """The training values do not allow the transform; says what was found and what to do."""


class FittedTransform(Protocol):
    """A transform with its numbers, as a frozen dataclass whose fields are floats or None."""

    @classmethod
    def fit(cls, config: Any, values: NDArray[np.float64]) -> Self:
        """Return the transform for the valid training values ``(n_events,)``; there may be none."""
        ...

    def apply(self, values: Any, xp: ArrayNamespace) -> Any:
        """Return the transformed values, same shape, float64."""
        ...
