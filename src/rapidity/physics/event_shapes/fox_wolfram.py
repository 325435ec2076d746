"""Fox-Wolfram moments."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from rapidity.core.namespace import NUMPY, ArrayNamespace

if TYPE_CHECKING:
    from collections.abc import Callable

    from rapidity.physics.event_shapes.momentum_tensor import Total, Value
    from rapidity.physics.momentum import Momentum

MAX_ORDER = 20
"""Highest moment; each order needs work proportional to its square."""


def fox_wolfram(total: Total, order: int, xp: ArrayNamespace = NUMPY) -> Value:
    """Return ``H_k / H_0`` with ``H_k = sum_ij |p_i| |p_j| P_k(cos angle_ij)``; in [0, 1].

    Two momenta of the same size back to back give 1 for even k and 0 for odd k. Evaluated as the squares
    of the multipole moments of the event, which is the same by the addition theorem of spherical harmonics,
    and takes work proportional to the number of objects instead of pairs.
    Source: G.C. Fox, S. Wolfram, Phys. Rev. Lett. 41 (1978) 1581; Nucl. Phys. B 149 (1979) 413.

    Parameters
    ----------
    order
        k, from 0 to `MAX_ORDER`.
    """
    moment: Value = 0.0
    for m in range(order + 1):
        factor = (1.0 if m == 0 else 2.0) * math.factorial(order - m) / math.factorial(order + m)
        for is_sine in (False, True)[: 1 if m == 0 else 2]:
            projection = total(_multipole(order, m, xp, is_sine=is_sine))
            moment = moment + factor * projection * projection
    visible = total(lambda momentum: momentum.momentum)
    return moment / (visible * visible)


def _multipole(order: int, m: int, xp: ArrayNamespace, *, is_sine: bool) -> Callable[[Momentum], Value]:
    """Return ``|p| P_k^m(cos theta) cos(m phi)`` of a momentum, or with the sine."""

    def project(momentum: Momentum) -> Value:
        size = momentum.momentum
        # A momentum of zero has no direction, and no weight.
        scale = 1.0 / xp.where(size == 0.0, 1.0, size)
        x, y, z = momentum.px * scale, momentum.py * scale, momentum.pz * scale
        cosine, sine = _powers(x, y, m)
        return size * _legendre(order, m, z) * (sine if is_sine else cosine)

    return project


def _powers(x: Value, y: Value, m: int) -> tuple[Value, Value]:
    """Return real and imaginary part of ``(x + i y)**m``."""
    real: Value = 1.0
    imaginary: Value = 0.0
    for _ in range(m):
        real, imaginary = real * x - imaginary * y, real * y + imaginary * x
    return real, imaginary


def _legendre(order: int, m: int, z: Value) -> Value:
    """Return the associated Legendre function without its factor ``sin(theta)**m`` and sign."""
    below: Value = 0.0
    current: Value = float(math.prod(range(1, 2 * m, 2)))
    for degree in range(m + 1, order + 1):
        following = ((2 * degree - 1) * z * current - (degree + m - 1) * below) * (1.0 / (degree - m))
        below, current = current, following
    return current
