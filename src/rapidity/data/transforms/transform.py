"""What every transform offers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, Self

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from rapidity.core.namespace import ArrayNamespace


class TransformFitError(ValueError):
    """The training values do not allow the transform; says what was found and what to do."""


class TrainingValues(Protocol):
    """The valid training values of a feature or a channel; there may be none."""

    def __len__(self) -> int: ...

    @property
    def minimum(self) -> float:
        """The smallest value."""
        ...

    @property
    def maximum(self) -> float:
        """The largest value."""
        ...

    @property
    def mean(self) -> float:
        """The mean."""
        ...

    @property
    def deviation(self) -> float:
        """The standard deviation, divided by n."""
        ...

    def quantiles(self, levels: Sequence[float]) -> NDArray[np.float64]:
        """Return the quantiles at these levels."""
        ...

    def count_above(self, threshold: float) -> int:
        """Return how many values are above a threshold."""
        ...


class FittedTransform(Protocol):
    """A transform with its numbers, as a frozen dataclass whose fields are floats or None."""

    @classmethod
    def fit(cls, config: Any, values: TrainingValues) -> Self:
        """Return the transform for the valid training values."""
        ...

    def apply(self, values: Any, xp: ArrayNamespace) -> Any:
        """Return the transformed values, same shape and type."""
        ...
