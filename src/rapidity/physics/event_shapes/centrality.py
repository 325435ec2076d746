"""Centrality."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rapidity.core.namespace import NUMPY, ArrayNamespace

if TYPE_CHECKING:
    from rapidity.physics.event_shapes.momentum_tensor import Total, Value


def centrality(total: Total, xp: ArrayNamespace = NUMPY) -> Value:
    """Return ``sum pt / sum E`` in [0, 1]: 1 for massless momenta across the beam.

    Source: ATLAS collaboration, Phys. Rev. D 97 (2018) 072016, arXiv:1712.08895.
    """
    del xp
    return total(lambda momentum: momentum.pt) / total(lambda momentum: momentum.energy)
