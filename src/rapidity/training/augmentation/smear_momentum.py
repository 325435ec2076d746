"""A worse resolution of momenta."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np

from rapidity.physics.momentum import Momentum

if TYPE_CHECKING:
    from collections.abc import Collection

    from numpy.typing import NDArray

    from rapidity.training.augmentation.momenta import Components, Float

SMALLEST_FACTOR = 1e-3


class Smearing:
    """Scales the momentum of each object by a factor of its own whose mean is one.

    Directions stay. What follows from several objects, such as missing momentum, does not know of it, and is
    not smeared by a factor of its own either, unless it is named: it has no calibration of its own.

    Parameters
    ----------
    relative
        Standard deviation of the factor, or of its logarithm.
    keep_mass
        Let the mass stay, and the energy follow from it; else both are scaled like the momentum.
    """

    spares_missing_momentum = True

    def __init__(
        self, relative: float, distribution: Literal["gaussian", "log_normal"], *, keep_mass: bool
    ) -> None:
        self._relative = relative
        self._distribution = distribution
        self._keep_mass = keep_mass

    def changes(self, components: Collection[str]) -> frozenset[str]:
        """Return which components change."""
        scaled = {"pt", "px", "py", "pz", "energy"} | (set() if self._keep_mass else {"mass"})
        return frozenset(components) & scaled

    def reads(self, components: Collection[str]) -> frozenset[str]:
        """Return which components are computed with."""
        is_derived = self._keep_mass and "energy" in components
        return frozenset(components) if is_derived else self.changes(components)

    def lacks(self, components: Collection[str]) -> str | None:
        """Return what an object of these components lacks to be changed, in words."""
        if not {"pt", "energy"} & set(components) and not {"px", "py"} <= set(components):
            return "pt, or px and py, or energy"
        has_momentum = {"pz", "eta"} & set(components) and ("pt" in components or "px" in components)
        if self._keep_mass and "energy" in components and not has_momentum:
            return "a momentum (pt and eta, or px, py and pz), from which keep_mass makes the energy"
        return None

    def draw(self, n_events: int, rng: np.random.Generator) -> NDArray[np.float64]:
        """Return nothing of use: each object has a factor of its own."""
        return np.ones(n_events)

    def apply(self, given: Components, drawn: Float, rng: np.random.Generator) -> dict[str, Float]:
        """Return the new components."""
        factor = self._draw_factors(len(drawn), rng)
        changed = {name: given[name] * factor for name in self.changes(given)}
        if self._keep_mass and "energy" in given:
            # E'^2 - E^2 = (f^2 - 1) p^2 leaves the mass as it is.
            growth = (factor**2 - 1) * Momentum(given).momentum ** 2
            changed["energy"] = np.sqrt(np.maximum(given["energy"] ** 2 + growth, 0.0))
        return changed

    def _draw_factors(self, n_objects: int, rng: np.random.Generator) -> NDArray[np.float64]:
        normal = rng.standard_normal(n_objects)
        if self._distribution == "log_normal":
            # The mean of exp(s x) is exp(s^2 / 2).
            return np.exp(self._relative * normal - self._relative**2 / 2)
        # Cut off alike on both sides, which leaves the mean where it is.
        return 1 + np.clip(self._relative * normal, SMALLEST_FACTOR - 1, 1 - SMALLEST_FACTOR)
