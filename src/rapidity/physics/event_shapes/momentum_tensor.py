"""The momentum tensor of an event, and the eigenvalues of a symmetric 3 x 3 matrix."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from typing import Any

from rapidity.core.namespace import NUMPY, ArrayNamespace
from rapidity.physics.momentum import Momentum

Value = Any
Total = Callable[[Callable[[Momentum], Value]], Value]
"""Sums a quantity of a momentum over the objects of an event."""

Tensor = tuple[Value, Value, Value, Value, Value, Value]
"""A symmetric matrix: xx, yy, zz, yz, xz, xy."""


def quadratic_tensor(total: Total) -> Tensor:
    """Return ``sum p_a p_b / sum p^2``; its trace is 1.

    Source: J.D. Bjorken, S.J. Brodsky, Phys. Rev. D 1 (1970) 1416.
    """
    return _tensor(total, lambda momentum: 1.0)


def linear_tensor(total: Total) -> Tensor:
    """Return ``sum (p_a p_b / |p|) / sum |p|``; its trace is 1, and it is safe against collinear splitting.

    Source: G. Parisi, Phys. Lett. B 74 (1978) 65.
    """
    # A momentum of zero is 0/0 in the formula and adds nothing.
    return _tensor(total, _inverse_size)


def _inverse_size(momentum: Momentum) -> Value:
    size = momentum.momentum
    return 1.0 / momentum.xp.where(size == 0.0, 1.0, size)


def _tensor(total: Total, weight: Callable[[Momentum], Value]) -> Tensor:
    def product(a: str, b: str) -> Value:
        return total(lambda momentum: getattr(momentum, a) * getattr(momentum, b) * weight(momentum))

    xx, yy, zz = product("px", "px"), product("py", "py"), product("pz", "pz")
    trace = xx + yy + zz
    mixed = product("py", "pz"), product("px", "pz"), product("px", "py")
    return (xx / trace, yy / trace, zz / trace, mixed[0] / trace, mixed[1] / trace, mixed[2] / trace)


def determinant(tensor: Tensor) -> Value:
    """Return the determinant of a symmetric matrix."""
    xx, yy, zz, yz, xz, xy = tensor
    return xx * (yy * zz - yz * yz) - xy * (xy * zz - yz * xz) + xz * (xy * yz - yy * xz)


def eigenvalues(tensor: Tensor, xp: ArrayNamespace = NUMPY) -> tuple[Value, Value, Value]:
    """Return the eigenvalues of a symmetric matrix of trace 1, the largest first; none below zero.

    In closed form, since it must also run as plain operators inside a graph. Errors are a few 1e-16 of
    the trace, also where eigenvalues coincide: the usual formula takes an arccosine that has only half the
    digits there. The discriminant, which cancels, is a sum of squares here: the Gram determinant of 1, A and
    A^2 as vectors, by the theorem of Cauchy and Binet.
    Source: O.K. Smith, Comm. ACM 4 (1961) 168 (trigonometric form); B.N. Parlett, Lin. Alg. Appl. 355
    (2002) 85 (discriminant as a sum of squares).

    Examples
    --------
    >>> [round(float(value), 12) for value in eigenvalues((0.2, 0.7, 0.1, 0.0, 0.0, 0.0))]
    [0.7, 0.2, 0.1]
    """
    xx, yy, zz, yz, xz, xy = tensor
    mean = (xx + yy + zz) / 3.0
    deviator = (xx - mean, yy - mean, zz - mean, yz, xz, xy)
    a, b, c, *_ = deviator
    second = (a * a + b * b + c * c) / 2.0 + yz * yz + xz * xz + xy * xy
    third = determinant(deviator)
    angle = xp.arctan2(xp.sqrt(_discriminant(deviator)), math.sqrt(27.0) * third) / 3.0
    radius = 2.0 * xp.sqrt(second / 3.0)
    turns = (0.0, -2.0 * math.pi / 3.0, 2.0 * math.pi / 3.0)
    # Rounding may leave an eigenvalue of zero a little below.
    largest, middle, smallest = (xp.maximum(mean + radius * xp.cos(angle + turn), 0.0) for turn in turns)
    return largest, middle, smallest


def _discriminant(tensor: Tensor) -> Value:
    """Return the product of the squared differences of eigenvalues, as a sum of squares."""
    xx, yy, zz, yz, xz, xy = tensor
    root = math.sqrt(2.0)
    unit = (1.0, 1.0, 1.0, 0.0, 0.0, 0.0)
    first = (xx, yy, zz, root * yz, root * xz, root * xy)
    square = (
        xx * xx + xy * xy + xz * xz,
        yy * yy + xy * xy + yz * yz,
        zz * zz + xz * xz + yz * yz,
        root * (xy * xz + yz * (yy + zz)),
        root * (xy * yz + xz * (xx + zz)),
        root * (xz * yz + xy * (xx + yy)),
    )
    total: Value = 0.0
    for i, j, k in itertools.combinations(range(6), 3):
        minor: Value = 0.0
        for one, two, three in ((i, j, k), (j, k, i), (k, i, j)):
            if unit[one]:
                minor = minor + (first[two] * square[three] - first[three] * square[two])
        # The three mixed elements have no unit beside them.
        total = total + minor * minor if unit[i] else total
    return total
