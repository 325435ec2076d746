"""Aplanarity."""

from __future__ import annotations

from rapidity.core.namespace import NUMPY, ArrayNamespace
from rapidity.physics.event_shapes.momentum_tensor import Total, Value, eigenvalues, quadratic_tensor


def aplanarity(total: Total, xp: ArrayNamespace = NUMPY) -> Value:
    """Return ``3/2 l3`` in [0, 1/2]: 0 where all momenta lie in a plane, 1/2 for an isotropic event.

    ``l3`` is the smallest eigenvalue of the quadratic momentum tensor.
    Source: T. Sjostrand, S. Mrenna, P. Skands, JHEP 05 (2006) 026 (PYTHIA 6.4), "Sphericity".
    """
    return 1.5 * eigenvalues(quadratic_tensor(total), xp)[2]
