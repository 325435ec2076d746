"""Whether values spread at all."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def is_constant(values: NDArray[np.float64]) -> bool:
    """Return whether all values are the same (or there are none).

    The standard deviation cannot tell: the mean of many equal numbers differs from them by rounding.
    """
    return len(values) == 0 or bool(values.min() == values.max())
