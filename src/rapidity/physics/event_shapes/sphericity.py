"""Sphericity."""

from __future__ import annotations

from rapidity.core.namespace import NUMPY, ArrayNamespace
from rapidity.physics.event_shapes.momentum_tensor import Total, Value, eigenvalues, quadratic_tensor


def sphericity(total: Total, xp: ArrayNamespace = NUMPY) -> Value:
    """Return ``3/2 (l2 + l3)`` in [0, 1]: 0 for two back-to-back momenta, 1 for an isotropic event.

    ``l1 >= l2 >= l3`` are the eigenvalues of the quadratic momentum tensor, which a
    collinear splitting changes.
    Source: J.D. Bjorken, S.J. Brodsky, Phys. Rev. D 1 (1970) 1416; in this form T. Sjostrand, S. Mrenna,
    P. Skands, JHEP 05 (2006) 026 (PYTHIA 6.4), "Sphericity".
    """
    _, middle, smallest = eigenvalues(quadratic_tensor(total), xp)
    return 1.5 * (middle + smallest)
