"""Flight of charged particles from the collision to the calorimeters."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from rapidity.samples.dijets.geometry import END_CAP_M
from rapidity.samples.ecal.geometry import FIELD_T, RADIUS_M, SPEED_OF_LIGHT

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]


def fly(
    pt_gev: Floats, eta: Floats, phi_rad: Floats, charge: Floats
) -> tuple[Floats, Floats, NDArray[np.bool_]]:
    """Return pseudorapidity and azimuth (not wrapped) where helices meet the calorimeters, and which do.

    On a circle of radius ``rho = pT / 0.3 B`` the distance from the beam after a transverse way s is
    ``2 rho sin(s / 2 rho)`` and the azimuth has turned by ``s / 2 rho``. Barrel at 1.29 m, end caps at
    3.15 m; what turns round before either is lost. Positive charges turn to smaller azimuth (field along
    the beam).

    Examples
    --------
    A transverse momentum of 5 GeV in 3.8 T turns by 0.15 rad.

    >>> five = np.array([5.0])
    >>> eta, phi, arrives = fly(five, np.zeros(1), np.zeros(1), np.ones(1))
    >>> eta, phi.round(3), arrives
    (array([0.]), array([-0.147]), array([ True]))
    """
    diameter = 2.0 * pt_gev / (SPEED_OF_LIGHT * FIELD_T)
    is_wide = diameter > RADIUS_M
    to_barrel = np.where(is_wide, diameter * np.arcsin(np.minimum(RADIUS_M / diameter, 1.0)), np.inf)
    slope = np.sinh(eta)
    to_end_cap = END_CAP_M / np.maximum(np.abs(slope), 1e-9)
    way = np.minimum(to_barrel, to_end_cap)
    turned = way / diameter
    arrives = turned < 0.5 * np.pi
    turned = np.where(arrives, turned, 0.0)
    distance = diameter * np.sin(turned)
    position = np.where(arrives, way * slope, 0.0)
    eta_there = np.arcsinh(position / np.maximum(distance, 1e-9))
    return eta_there, phi_rad - charge * turned, arrives
