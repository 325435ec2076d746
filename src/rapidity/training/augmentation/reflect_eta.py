"""Exchanging the two directions along the beam."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Collection

    from numpy.typing import NDArray

    from rapidity.training.augmentation.momenta import Components, Float


class Reflection:
    """Changes the sign of eta and pz of all objects in some events.

    Masses, transverse momenta, angles between objects and the size of eta stay.

    Parameters
    ----------
    probability
        Part of the events.
    """

    spares_missing_momentum = False

    def __init__(self, probability: float) -> None:
        self._probability = probability

    def changes(self, components: Collection[str]) -> frozenset[str]:
        """Return which components change."""
        return frozenset(components) & {"eta", "pz"}

    def reads(self, components: Collection[str]) -> frozenset[str]:
        """Return which components are computed with."""
        return self.changes(components)

    def lacks(self, components: Collection[str]) -> str | None:
        """Return what an object of these components lacks to be changed, in words."""
        return None if self.changes(components) else "eta or pz"

    def draw(self, n_events: int, rng: np.random.Generator) -> NDArray[np.float64]:
        """Return the factor of each event: -1 or 1."""
        return np.where(rng.random(n_events) < self._probability, -1.0, 1.0)

    def apply(self, given: Components, drawn: Float, rng: np.random.Generator) -> dict[str, Float]:
        """Return the new components."""
        return {name: given[name] * drawn for name in self.changes(given)}
