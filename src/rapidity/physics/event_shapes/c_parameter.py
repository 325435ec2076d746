"""The C parameter."""

from __future__ import annotations

from rapidity.core.namespace import NUMPY, ArrayNamespace
from rapidity.physics.event_shapes.momentum_tensor import Total, Value, linear_tensor


def c_parameter(total: Total, xp: ArrayNamespace = NUMPY) -> Value:
    """Return ``3 (l1 l2 + l2 l3 + l3 l1)`` in [0, 1]: 0 for back-to-back momenta, 1 for an isotropic event.

    The l are eigenvalues of the linear momentum tensor. At most 3/4 where all momenta lie in a plane.
    Source: G. Parisi, Phys. Lett. B 74 (1978) 65; J.F. Donoghue, F.E. Low, S.-Y. Pi, Phys. Rev. D 20
    (1979) 2759.
    """
    del xp  # the sum of products is an invariant of the tensor: no eigenvalue is needed
    xx, yy, zz, yz, xz, xy = linear_tensor(total)
    return 3.0 * ((xx * yy - xy * xy) + (yy * zz - yz * yz) + (zz * xx - xz * xz))
