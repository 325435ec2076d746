"""The D parameter."""

from __future__ import annotations

from rapidity.core.namespace import NUMPY, ArrayNamespace
from rapidity.physics.event_shapes.momentum_tensor import Total, Value, determinant, linear_tensor


def d_parameter(total: Total, xp: ArrayNamespace = NUMPY) -> Value:
    """Return ``27 l1 l2 l3`` in [0, 1]: 0 where all momenta lie in a plane, 1 for an isotropic event.

    The l are eigenvalues of the linear momentum tensor.
    Source: G. Parisi, Phys. Lett. B 74 (1978) 65; J.F. Donoghue, F.E. Low, S.-Y. Pi, Phys. Rev. D 20
    (1979) 2759.
    """
    del xp  # the product of eigenvalues is the determinant
    return 27.0 * determinant(linear_tensor(total))
