"""H_T."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rapidity.core.namespace import NUMPY, ArrayNamespace

if TYPE_CHECKING:
    from rapidity.physics.event_shapes.momentum_tensor import Total, Value


def ht(total: Total, xp: ArrayNamespace = NUMPY) -> Value:
    """Return the scalar sum of transverse momenta, in the unit of the components; 0 without objects."""
    del xp
    return total(lambda momentum: momentum.pt)
