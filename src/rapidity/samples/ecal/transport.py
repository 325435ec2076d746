"""Flight through the solenoid: circles in the transverse plane from one radius to the next."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

import numpy as np

from rapidity.samples.ecal.geometry import FIELD_T, SPEED_OF_LIGHT

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

SOFTEST_GEV = 0.03
"""What has less is not followed."""


@dataclass(frozen=True)
class Flight:
    """Particles on a cylinder around the beam; arrays ``(n_particles,)``.

    Attributes
    ----------
    image
        Number of the image that each belongs to.
    charge
        0 for a photon, else 1 or -1.
    phi_rad
        Azimuth of the position relative to the straight line of the first particle.
    sin_beta
        Sine of the angle, in the transverse plane, between the direction and the radius.
    slope_z
        Flight along the beam for each metre in the transverse plane.
    z_m, path_m
        Position along the beam; way in space since the collision.
    """

    image: NDArray[np.int64]
    charge: Floats
    energy_gev: Floats
    phi_rad: Floats
    sin_beta: Floats
    slope_z: Floats
    z_m: Floats
    path_m: Floats

    @property
    def n(self) -> int:
        """Number of particles."""
        return len(self.image)

    def take(self, rows: Any) -> Flight:
        """Return some of the particles."""
        return Flight(*(getattr(self, field.name)[rows] for field in fields(self)))


def join(*flights: Flight) -> Flight:
    """Return all particles of several."""
    return Flight(
        *(np.concatenate([getattr(flight, field.name) for flight in flights]) for field in fields(Flight))
    )


def start(energy_gev: Floats, charge: Floats, eta: Floats) -> Flight:
    """Return one particle for each image, in the middle of the detector."""
    zeros = np.zeros(len(eta))
    image = np.arange(len(eta))
    return Flight(image, charge, energy_gev, zeros, zeros, np.sinh(eta), zeros, zeros)


def curvature_per_m(flight: Flight) -> Floats:
    """Return the signed curvature in the transverse plane: ``0.3 B / pT``, 0 for photons."""
    pt_gev = flight.energy_gev / np.sqrt(1.0 + flight.slope_z**2)
    return SPEED_OF_LIGHT * FIELD_T * flight.charge / np.maximum(pt_gev, 1e-6)


def advance(flight: Flight, from_m: float, to_m: float) -> Flight:
    r"""Return the particles that reach a larger radius, there.

    On a circle of curvature k, ``r sin(beta) - k r**2 / 2`` stays the same, which gives the new angle to the
    radius; where its sine would exceed 1 the particle has turned round, and is dropped, as are those
    below `SOFTEST_GEV`. Seen from the particle, the middle of its circle lies at the azimuth
    ``atan2(cos(beta), k r - sin(beta))``; it does not move, so the difference is the change of azimuth. Both
    hold for the straight line of a photon too. The speed is that of light.

    Examples
    --------
    A transverse momentum of 5 GeV in 3.8 T turns by 0.15 rad on the way to the crystals.

    >>> at_crystals = advance(start(np.array([5.0]), np.ones(1), np.zeros(1)), 0.0, 1.29)
    >>> at_crystals.phi_rad.round(3)
    array([0.147])
    """
    curvature = curvature_per_m(flight)
    sin_after = (from_m * flight.sin_beta + 0.5 * curvature * (to_m**2 - from_m**2)) / to_m
    arrives = (np.abs(sin_after) < 1.0) & (flight.energy_gev > SOFTEST_GEV)
    flight, curvature, sin_after = flight.take(arrives), curvature[arrives], sin_after[arrives]
    cos_before, cos_after = np.sqrt(1.0 - flight.sin_beta**2), np.sqrt(1.0 - sin_after**2)
    turned_phi = np.arctan2(cos_before, curvature * from_m - flight.sin_beta) - np.arctan2(
        cos_after, curvature * to_m - sin_after
    )
    turned = turned_phi + np.arcsin(sin_after) - np.arcsin(flight.sin_beta)
    chord = np.sqrt((to_m - from_m) ** 2 + 4.0 * from_m * to_m * np.sin(0.5 * turned_phi) ** 2)
    transverse = chord / np.sinc(turned / (2.0 * np.pi))
    return Flight(
        flight.image,
        flight.charge,
        flight.energy_gev,
        flight.phi_rad + turned_phi,
        sin_after,
        flight.slope_z,
        flight.z_m + transverse * flight.slope_z,
        flight.path_m + transverse * np.sqrt(1.0 + flight.slope_z**2),
    )
