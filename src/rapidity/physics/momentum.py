"""A four-momentum given in any of the usual coordinates, and what follows from them."""

from __future__ import annotations

import functools
import operator
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from rapidity.core.namespace import NUMPY, ArrayNamespace
from rapidity.physics import kinematics

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

Value = Any

COMPONENTS = ("px", "py", "pz", "energy", "pt", "eta", "phi", "mass")
"""What an object may be given by. Two of px, py, pt, phi fix the transverse plane, pz or eta the
direction along the beam; without energy and mass the object is massless."""


_SOURCES = {
    "pt": ("pt, or px and py", ({"pt"}, {"px", "py"})),
    "phi": ("phi, or px and py", ({"phi"}, {"px", "py"})),
    "direction": ("pz or eta", ({"pz"}, {"eta"})),
}
_NEEDS = {
    "pt": ("pt",),
    "phi": ("phi",),
    "px": ("pt", "phi"),
    "py": ("pt", "phi"),
    "transverse_energy": ("pt",),
}


def missing_components(given: Collection[str], wanted: str) -> list[str]:
    """Return what must be added to `given` to know `wanted`, in words; empty if nothing is missing.

    Examples
    --------
    >>> missing_components(["pt", "phi"], "mass")
    ['pz or eta']
    >>> missing_components(["pt", "eta", "phi"], "mass")
    []
    """
    if wanted in given:
        return []
    needs = _NEEDS.get(wanted, ("pt", "direction"))
    if wanted == "transverse_energy" and "energy" in given and "mass" not in given:
        needs = ("pt", "direction")
    return [_SOURCES[need][0] for need in needs if not any(way <= set(given) for way in _SOURCES[need][1])]


class Momentum:
    """A four-momentum that derives the components it was not given.

    Parameters
    ----------
    given
        Component name (see `COMPONENTS`) -> values ``(n_events,)`` in one unit of energy, angles in
        radians. A component that is given is used as it is, except that phi is moved into [-pi, pi).
        Without energy and mass the object is massless.
    xp
        The namespace of the values.

    Examples
    --------
    >>> import numpy as np
    >>> jet = Momentum({"pt": np.array([30.0]), "eta": np.array([0.0]), "phi": np.array([4.0])})
    >>> float(jet.energy[0]), round(float(jet.phi[0]), 4)
    (30.0, -2.2832)
    """

    def __init__(self, given: Mapping[str, Value], xp: ArrayNamespace = NUMPY) -> None:
        self.given = given
        self.xp = xp

    @property
    def pt(self) -> Value:
        """Transverse momentum, in the unit of the components."""
        if "pt" in self.given:
            return self.given["pt"]
        return kinematics.transverse_momentum(self.given["px"], self.given["py"], self.xp)

    @property
    def phi(self) -> Value:
        """Azimuth in [-pi, pi), in radians."""
        if "phi" in self.given:
            return kinematics.wrap_angle(self.given["phi"], self.xp)
        return kinematics.azimuth(self.given["px"], self.given["py"], self.xp)

    @property
    def px(self) -> Value:
        """Momentum along x, in the unit of the components."""
        return self.given["px"] if "px" in self.given else self.pt * self.xp.cos(self.given["phi"])

    @property
    def py(self) -> Value:
        """Momentum along y, in the unit of the components."""
        return self.given["py"] if "py" in self.given else self.pt * self.xp.sin(self.given["phi"])

    @property
    def pz(self) -> Value:
        """Momentum along the beam, in the unit of the components."""
        if "pz" in self.given:
            return self.given["pz"]
        return kinematics.longitudinal_momentum(self.pt, self.given["eta"], self.xp)

    @property
    def eta(self) -> Value:
        """Pseudorapidity."""
        if "eta" in self.given:
            return self.given["eta"]
        return kinematics.pseudorapidity(self.pt, self.given["pz"], self.xp)

    @property
    def momentum(self) -> Value:
        """Length of the momentum, in the unit of the components."""
        return self.xp.hypot(self.pt, self.pz)

    @property
    def energy(self) -> Value:
        """Energy, in the unit of the components."""
        if "energy" in self.given:
            return self.given["energy"]
        if "mass" not in self.given:
            return self.momentum
        return kinematics.energy_from_mass(self.momentum, self.given["mass"], self.xp)

    @property
    def mass(self) -> Value:
        """Invariant mass, in the unit of the components; below zero where E < p."""
        if "mass" in self.given:
            return self.given["mass"]
        if "energy" not in self.given:
            return self.pt * 0.0
        return kinematics.invariant_mass(self.given["energy"], self.momentum, self.xp)

    @property
    def rapidity(self) -> Value:
        """Rapidity along the beam."""
        return kinematics.rapidity(self.pt, self.pz, self.energy, self.xp)

    @property
    def theta(self) -> Value:
        """Angle to the beam in [0, pi], in radians."""
        return kinematics.polar_angle(self.pt, self.pz, self.xp)

    @property
    def transverse_energy(self) -> Value:
        """``sqrt(m^2 + pt^2)``, in the unit of the components; pt for an object without mass and energy."""
        if "mass" in self.given:
            return kinematics.energy_from_mass(self.pt, self.given["mass"], self.xp)
        if "energy" in self.given:
            energy, pz = self.given["energy"], self.pz
            return self.xp.sqrt(self.xp.maximum((energy - pz) * (energy + pz), 0.0))
        return self.pt


def add_momenta(momenta: Sequence[Momentum]) -> Momentum:
    """Return the sum; a single momentum is returned as it is, with the components it was given.

    Examples
    --------
    >>> up = Momentum({"px": 0.0, "py": 1.0, "pz": 0.0})
    >>> down = Momentum({"px": 0.0, "py": -1.0, "pz": 0.0})
    >>> float(add_momenta([up, down]).mass)
    2.0
    """
    if len(momenta) == 1:
        return momenta[0]
    return Momentum(_Totals(momenta), momenta[0].xp)


class _Totals(Mapping[str, Value]):
    """Sums of components, computed when asked for: the pt of a sum needs no pz."""

    def __init__(self, momenta: Sequence[Momentum]) -> None:
        self.momenta = momenta

    def __getitem__(self, name: str) -> Value:
        return functools.reduce(operator.add, [getattr(momentum, name) for momentum in self.momenta])

    def __iter__(self) -> Iterator[str]:
        return iter(("px", "py", "pz", "energy"))

    def __contains__(self, name: object) -> bool:
        return name in tuple(self)

    def __len__(self) -> int:
        return 4
