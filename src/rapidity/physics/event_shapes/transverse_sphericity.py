"""Transverse sphericity."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rapidity.core.namespace import NUMPY, ArrayNamespace

if TYPE_CHECKING:
    from rapidity.physics.event_shapes.momentum_tensor import Total, Value


def transverse_sphericity(total: Total, xp: ArrayNamespace = NUMPY) -> Value:
    """Return ``2 l2 / (l1 + l2)`` in [0, 1]: 0 for two momenta back to back, 1 for an event even in azimuth.

    ``l1 >= l2`` are the eigenvalues of the quadratic tensor of transverse momenta. Boosts along the beam
    leave it unchanged.
    Source: ATLAS collaboration, Eur. Phys. J. C 72 (2012) 2211, arXiv:1206.2135.
    """
    xx = total(lambda momentum: momentum.px * momentum.px)
    yy = total(lambda momentum: momentum.py * momentum.py)
    xy = total(lambda momentum: momentum.px * momentum.py)
    # l1 + l2 = xx + yy and l1 - l2 = the length of (xx - yy, 2 xy).
    return 1.0 - xp.hypot(xx - yy, 2.0 * xy) / (xx + yy)
