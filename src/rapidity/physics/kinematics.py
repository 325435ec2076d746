"""Kinematics of momenta from their components, written once over an array namespace.

Conventions: z along the beam; azimuth phi in [-pi, pi); any unit of energy, the same throughout, with
c = 1. Every function takes NumPy arrays or numbers, or values of another namespace with `xp`; shapes
broadcast and NaN goes through. Numbers should be float64: the mass of a collimated pair is a small
difference of large numbers. What an object made of several components is, `momentum` knows.
"""

from __future__ import annotations

import math
from typing import Any

from rapidity.core.namespace import NUMPY, ArrayNamespace

# Values of any namespace: arrays, numbers, or nodes of a graph.
Value = Any


def transverse_momentum(px: Value, py: Value, xp: ArrayNamespace = NUMPY) -> Value:
    """Return the length of the momentum across the beam, never negative.

    Examples
    --------
    >>> float(transverse_momentum(3.0, -4.0))
    5.0
    """
    return xp.hypot(px, py)


def azimuth(px: Value, py: Value, xp: ArrayNamespace = NUMPY) -> Value:
    """Return the angle around the beam in [-pi, pi), in radians; 0 for a momentum along the beam.

    Examples
    --------
    >>> float(azimuth(-1.0, 0.0))
    -3.141592653589793
    """
    return wrap_angle(xp.arctan2(py, px), xp)


def wrap_angle(angle: Value, xp: ArrayNamespace = NUMPY) -> Value:
    """Return the angle, in radians, moved by full turns into [-pi, pi); those inside stay exactly.

    Examples
    --------
    >>> [round(float(wrap_angle(angle)), 4) for angle in (0.5, 3.2, -3.2, 3.141592653589793)]
    [0.5, -3.0832, 3.0832, -3.1416]
    """
    turn = 2.0 * math.pi
    wrapped = angle - turn * xp.floor((angle + math.pi) / turn)
    # A rounding error below -pi lands on +pi, which the interval excludes.
    return xp.where(wrapped >= math.pi, -math.pi, wrapped)


def delta_phi(phi_a: Value, phi_b: Value, xp: ArrayNamespace = NUMPY) -> Value:
    """Return ``phi_a - phi_b`` in [-pi, pi), in radians.

    Examples
    --------
    >>> round(float(delta_phi(3.0, -3.0)), 4)
    -0.2832
    """
    return wrap_angle(phi_a - phi_b, xp)


def pseudorapidity(pt: Value, pz: Value, xp: ArrayNamespace = NUMPY) -> Value:
    """Return ``-ln tan(theta / 2)``; infinite along the beam, 0 for a momentum of zero.

    Computed as ``arcsinh(pz / pt)``, which does not cancel at large angles.

    Examples
    --------
    >>> [float(pseudorapidity(pt, pz)) for pt, pz in ((1.0, 0.0), (0.0, -2.0), (0.0, 0.0))]
    [0.0, -inf, 0.0]
    """
    along_beam = pt == 0.0
    at_rest = xp.logical_and(along_beam, pz == 0.0)
    finite = xp.arcsinh(pz / xp.where(along_beam, 1.0, pt))
    limit = xp.where(pz > 0.0, math.inf, -math.inf)
    return xp.where(along_beam, xp.where(at_rest, 0.0, limit), finite)


def rapidity(pt: Value, pz: Value, energy: Value, xp: ArrayNamespace = NUMPY) -> Value:
    """Return ``1/2 ln((E + pz) / (E - pz))``.

    Computed as ``sign(pz) ln((E + |pz|) / mT)``, since E - pz cancels for forward particles. A squared
    mass below zero (rounding of massless particles) counts as zero. Infinite for a massless momentum
    along the beam, 0 for one of zero.
    Source: FastJet 3.4, ``PseudoJet::_set_rap_phi``, Cacciari, Salam, Soyez, arXiv:1111.6097.

    Examples
    --------
    >>> round(float(rapidity(1.0, 1e8, 1e8)), 6)
    19.113828
    """
    longitudinal = xp.absolute(pz)
    momentum = xp.hypot(pt, pz)
    squared_mass = xp.maximum((energy - momentum) * (energy + momentum), 0.0)
    transverse_mass = xp.sqrt(pt**2 + squared_mass)
    at_rest = xp.logical_and(energy == 0.0, transverse_mass == 0.0)
    along_beam = transverse_mass == 0.0
    ratio = (energy + longitudinal) / xp.where(along_beam, 1.0, transverse_mass)
    size = xp.where(along_beam, xp.where(at_rest, 0.0, math.inf), xp.log(xp.where(along_beam, 1.0, ratio)))
    return xp.where(pz < 0.0, -size, size)


def polar_angle(pt: Value, pz: Value, xp: ArrayNamespace = NUMPY) -> Value:
    """Return the angle to the beam in [0, pi], in radians; 0 for a momentum of zero.

    Examples
    --------
    >>> round(float(polar_angle(1.0, 1.0)), 4)
    0.7854
    """
    return xp.arctan2(pt, _unsigned_zero(pz, xp))


def longitudinal_momentum(pt: Value, eta: Value, xp: ArrayNamespace = NUMPY) -> Value:
    """Return pz of a transverse momentum at a pseudorapidity, in the unit of `pt`.

    Examples
    --------
    >>> round(float(longitudinal_momentum(10.0, 1.0)), 4)
    11.752
    """
    return pt * xp.sinh(eta)


def invariant_mass(energy: Value, momentum: Value, xp: ArrayNamespace = NUMPY) -> Value:
    """Return ``sqrt(E^2 - p^2)``; where that is below zero, minus the root of its size.

    The sign keeps the information that rounding or resolution made the momentum space-like, as in ROOT
    (``TLorentzVector::M``) and in the package vector.

    Examples
    --------
    >>> [round(float(invariant_mass(*pair)), 4) for pair in ((5.0, 4.0), (4.0, 5.0))]
    [3.0, -3.0]
    """
    # (E - p)(E + p) loses half as many digits as E^2 - p^2 for fast particles.
    return signed_root((energy - momentum) * (energy + momentum), xp)


def signed_root(square: Value, xp: ArrayNamespace = NUMPY) -> Value:
    """Return the square root of the size, with the sign of the number.

    Examples
    --------
    >>> float(signed_root(-4.0))
    -2.0
    """
    return xp.sign(square) * xp.sqrt(xp.absolute(square))


def energy_from_mass(momentum: Value, mass: Value, xp: ArrayNamespace = NUMPY) -> Value:
    """Return ``sqrt(p^2 + m^2)``, the inverse of `invariant_mass`: a mass below zero lowers the energy.

    Examples
    --------
    >>> [float(energy_from_mass(4.0, mass)) for mass in (3.0, -3.0)]
    [5.0, 2.6457513110645907]
    """
    return xp.sqrt(xp.maximum(momentum**2 + mass * xp.absolute(mass), 0.0))


def opening_angle(
    a: tuple[Value, Value, Value], b: tuple[Value, Value, Value], xp: ArrayNamespace = NUMPY
) -> Value:
    """Return the angle between two momenta ``(px, py, pz)`` in [0, pi], in radians.

    Computed as ``arctan2(|a x b|, a . b)``: the arccosine of the normalised product has no digits left
    near 0 and pi. A momentum of zero has angle 0 to everything.

    Examples
    --------
    >>> float(opening_angle((1.0, 0.0, 0.0), (1.0, 1e-9, 0.0)))
    1e-09
    """
    (ax, ay, az), (bx, by, bz) = a, b
    across = xp.hypot(xp.hypot(ay * bz - az * by, az * bx - ax * bz), ax * by - ay * bx)
    return xp.arctan2(across, _unsigned_zero(ax * bx + ay * by + az * bz, xp))


def _unsigned_zero(value: Value, xp: ArrayNamespace) -> Value:
    """Return the value with -0.0 replaced: the angle arctan2(0, -0.0) is pi."""
    return xp.where(value == 0.0, 0.0, value)
