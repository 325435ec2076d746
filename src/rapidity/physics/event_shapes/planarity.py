"""Planarity."""

from __future__ import annotations

from rapidity.core.namespace import NUMPY, ArrayNamespace
from rapidity.physics.event_shapes.momentum_tensor import Total, Value, eigenvalues, quadratic_tensor


def planarity(total: Total, xp: ArrayNamespace = NUMPY) -> Value:
    """Return ``l2 - l3`` in [0, 1/2]: 1/2 for momenta spread evenly in a plane, 0 for a line or a sphere.

    ``l2`` and ``l3`` are the smaller eigenvalues of the quadratic momentum tensor.
    Source: S.L. Wu, G. Zobernig, Z. Phys. C 2 (1979) 107, in the normalisation of the tensor to trace 1.
    """
    _, middle, smallest = eigenvalues(quadratic_tensor(total), xp)
    return middle - smallest
