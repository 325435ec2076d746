"""Event shapes: numbers that say how the momenta of an event are spread, one file a shape.

Each is a function of `total`, which sums a quantity over the objects of an event: ``total(lambda p: p.pt)``
is the scalar sum of transverse momenta. So the formulae know nothing of how objects are stored, and stand
for jets alone as for jets, leptons and missing transverse momentum together. With momenta that are
arrays ``(n_events, n_objects)``:

>>> import numpy as np
>>> from rapidity.physics import Momentum
>>> jets = Momentum({"pt": np.array([[50.0, 30.0]]), "eta": np.zeros((1, 2)), "phi": np.zeros((1, 2))})
>>> float(ht(lambda quantity: quantity(jets).sum(axis=1))[0])
80.0

An event without objects, or whose momenta are all zero, has no shape: NaN (but an H_T of 0). A NaN in any
object makes the result NaN.
"""

from __future__ import annotations

from rapidity.physics.event_shapes.aplanarity import aplanarity
from rapidity.physics.event_shapes.c_parameter import c_parameter
from rapidity.physics.event_shapes.centrality import centrality
from rapidity.physics.event_shapes.d_parameter import d_parameter
from rapidity.physics.event_shapes.fox_wolfram import MAX_ORDER, fox_wolfram
from rapidity.physics.event_shapes.ht import ht
from rapidity.physics.event_shapes.momentum_tensor import Total
from rapidity.physics.event_shapes.planarity import planarity
from rapidity.physics.event_shapes.sphericity import sphericity
from rapidity.physics.event_shapes.transverse_sphericity import transverse_sphericity

__all__ = [
    "MAX_ORDER",
    "Total",
    "aplanarity",
    "c_parameter",
    "centrality",
    "d_parameter",
    "fox_wolfram",
    "ht",
    "planarity",
    "sphericity",
    "transverse_sphericity",
]
