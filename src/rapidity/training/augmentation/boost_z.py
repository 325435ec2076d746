"""Boosts along the beam."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from rapidity.physics.momentum import Momentum, missing_components

if TYPE_CHECKING:
    from collections.abc import Collection

    from numpy.typing import NDArray

    from rapidity.training.augmentation.momenta import Components, Float


class Boost:
    """Boosts all objects of an event along the beam: a Lorentz transformation.

    Transverse momenta, azimuths, masses (also of pairs) and differences in rapidity stay; for massless
    objects that is a shift of eta. The eta of an object with mass moves by a little less or more than the
    rapidity of the boost, since only then the masses of pairs stay.

    Parameters
    ----------
    largest
        The rapidity of the boost is drawn evenly between minus and plus this.
    """

    spares_missing_momentum = False

    def __init__(self, largest: float) -> None:
        self._largest = largest

    def changes(self, components: Collection[str]) -> frozenset[str]:
        """Return which components change."""
        return frozenset(components) & {"eta", "pz", "energy"}

    def reads(self, components: Collection[str]) -> frozenset[str]:
        """Return which components are computed with: all."""
        return frozenset(components)

    def lacks(self, components: Collection[str]) -> str | None:
        """Return what an object of these components lacks to be changed, in words."""
        return "; ".join(missing_components(components, "rapidity")) or None

    def draw(self, n_events: int, rng: np.random.Generator) -> NDArray[np.float64]:
        """Return the rapidity of the boost of each event."""
        return rng.uniform(-self._largest, self._largest, n_events)

    def apply(self, given: Components, drawn: Float, rng: np.random.Generator) -> dict[str, Float]:
        """Return the new components."""
        changed = {}
        if "eta" in given and not {"mass", "energy"} & set(given):
            changed["eta"] = given["eta"] + drawn
        momentum = Momentum(given)
        energy, pz = momentum.energy, momentum.pz
        cosh, sinh = np.cosh(drawn), np.sinh(drawn)
        boosted = pz * cosh + energy * sinh
        if "pz" in given:
            changed["pz"] = boosted
        if "eta" in given and "eta" not in changed:
            changed["eta"] = np.arcsinh(boosted / momentum.pt)
        if "energy" in given:
            changed["energy"] = energy * cosh + pz * sinh
        return changed
