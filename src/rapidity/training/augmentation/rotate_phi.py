"""Turning events around the beam."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from rapidity.physics.kinematics import wrap_angle

if TYPE_CHECKING:
    from collections.abc import Collection

    from numpy.typing import NDArray

    from rapidity.training.augmentation.momenta import Components, Float


class Rotation:
    """Adds an angle of the event, evenly drawn from a full turn, to the azimuth of its objects.

    Transverse momenta, masses, angles between objects and all along the beam stay.
    """

    spares_missing_momentum = False

    def changes(self, components: Collection[str]) -> frozenset[str]:
        """Return which components change."""
        return frozenset(components) & {"phi", "px", "py"}

    def reads(self, components: Collection[str]) -> frozenset[str]:
        """Return which components are computed with."""
        return self.changes(components)

    def lacks(self, components: Collection[str]) -> str | None:
        """Return what an object of these components lacks to be changed, in words."""
        if ("px" in components) != ("py" in components):
            return "both px and py"
        return None if self.changes(components) else "phi, or px and py"

    def draw(self, n_events: int, rng: np.random.Generator) -> NDArray[np.float64]:
        """Return the angle of each event, in radians."""
        return rng.uniform(-np.pi, np.pi, n_events)

    def apply(self, given: Components, drawn: Float, rng: np.random.Generator) -> dict[str, Float]:
        """Return the new components; phi lies in [-pi, pi)."""
        changed = {}
        if "phi" in given:
            changed["phi"] = wrap_angle(given["phi"] + drawn)
        if "px" in given:
            cosine, sine = np.cos(drawn), np.sin(drawn)
            changed["px"] = given["px"] * cosine - given["py"] * sine
            changed["py"] = given["px"] * sine + given["py"] * cosine
        return changed
