"""Physics that needs no data: kinematics with its conventions, and constants.

Entry files: `kinematics` (functions of components), `momentum` (a four-momentum given in any of the
usual coordinates), `constants` (masses in GeV).
"""

from __future__ import annotations

from rapidity.physics.momentum import COMPONENTS, Momentum, missing_components

__all__ = ["COMPONENTS", "Momentum", "missing_components"]
