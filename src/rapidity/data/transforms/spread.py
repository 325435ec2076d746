"""Whether values spread at all."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rapidity.data.transforms.transform import TrainingValues


def is_constant(values: TrainingValues) -> bool:
    """Return whether all values are the same (or there are none).

    The standard deviation cannot tell: the mean of many equal numbers differs from them by rounding.
    """
    return len(values) == 0 or values.minimum == values.maximum
