"""Where a track goes, with one kick of the magnet, and which detectors it passes.

Dimensions: LHCb, JINST 3 (2008) S08005; distances from the interaction point, in metres.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Booleans = NDArray[np.bool_]

# 4 Tm bend by 0.3 x 4 GeV.
MAGNET_KICK_GEV = 1.2
MAGNET_Z_M = 5.2
T_STATIONS_Z_M = 8.5
RICH2_Z_M = 10.7
ECAL_Z_M = 12.5
HCAL_Z_M = 13.3
MUON_Z_M = (15.2, 16.4, 17.6, 18.8)
"""Stations M2 to M5."""

T_STATIONS_HALF_M = (3.0, 2.4)
INNER_TRACKER_HALF_M = (0.6, 0.2)
"""Silicon with 12 layers around the beam pipe; straws with 24 outside."""
ECAL_HALF_M, ECAL_HOLE_M = (3.88, 3.15), (0.32, 0.24)
HCAL_HALF_M, HCAL_HOLE_M = (4.20, 3.40), (0.37, 0.30)
RICH1_SLOPES = (0.025, 0.300, 0.250)
"""Smallest slope, largest horizontal and vertical ones."""
RICH2_SLOPES = (0.015, 0.120, 0.100)
MUON_OUTER_SLOPES, MUON_INNER_SLOPES = (0.306, 0.258), (0.020, 0.016)
CELL_SIZES_MM = (40.4, 60.6, 121.2)
"""Of the ECAL: inner, middle, outer section."""
CELL_BORDERS_M = ((0.97, 0.73), (1.94, 1.21))
"""Half sizes of the inner and the middle section."""


@dataclass(frozen=True)
class Paths:
    """Straight lines before and behind the magnet ``(n_tracks,)`` each; no bending in y."""

    slope_x: Floats
    slope_y: Floats
    slope_x_behind: Floats

    @property
    def slope(self) -> Floats:
        """Tangent of the angle to the beam before the magnet."""
        return np.hypot(self.slope_x, self.slope_y)

    @property
    def slope_behind(self) -> Floats:
        """Tangent of the angle to the beam behind the magnet."""
        return np.hypot(self.slope_x_behind, self.slope_y)

    def x_at(self, z_m: float) -> Floats:
        """Return x in metres at a plane behind the magnet."""
        return self.slope_x * MAGNET_Z_M + self.slope_x_behind * (z_m - MAGNET_Z_M)

    def y_at(self, z_m: float) -> Floats:
        """Return y in metres at a plane."""
        return self.slope_y * z_m

    def hits(self, z_m: float, half_m: tuple[float, float], hole_m: tuple[float, float]) -> Booleans:
        """Return which paths cross a plane inside a rectangle and outside the hole for the beam pipe."""
        x, y = np.abs(self.x_at(z_m)), np.abs(self.y_at(z_m))
        in_hole = (x < hole_m[0]) & (y < hole_m[1])
        return (x < half_m[0]) & (y < half_m[1]) & ~in_hole


def bend(slope_x: Floats, charge: Floats, p_gev: Floats) -> Floats:
    """Return the slope dx/dz behind the magnet.

    Examples
    --------
    >>> bend(np.array([0.1]), np.array([-1.0]), np.array([12.0])).round(3)
    array([0.])
    """
    return slope_x + charge * MAGNET_KICK_GEV / p_gev


@dataclass(frozen=True)
class Acceptance:
    """Which detectors each track passes ``(n_tracks,)``."""

    rich1: Booleans
    rich2: Booleans
    preshower: Booleans
    ecal: Booleans
    hcal: Booleans
    brem: Booleans
    muon: Booleans

    @property
    def any_identification(self) -> Booleans:
        """Whether anything behind the magnet can say what the particle is.

        Without it a track has no entry in any of these detectors, RICH 1 included: what the public
        file shows for a track of 2 GeV that leaves the spectrometer sideways.
        """
        return self.ecal | self.hcal | self.rich2 | self.muon


def crosses_trackers(paths: Paths) -> Booleans:
    """Return which paths cross the three stations behind the magnet."""
    return paths.hits(T_STATIONS_Z_M, T_STATIONS_HALF_M, (0.0, 0.0))


def find_acceptance(paths: Paths) -> Acceptance:
    """Return which detectors each path crosses; what a photon of the bent track would hit is `brem`."""
    x_rich2, y_rich2 = np.abs(paths.x_at(RICH2_Z_M)), np.abs(paths.y_at(RICH2_Z_M))
    low, wide, high = (slope * RICH2_Z_M for slope in RICH2_SLOPES)
    rich2 = (np.hypot(x_rich2, y_rich2) > low) & (x_rich2 < wide) & (y_rich2 < high)
    low, wide, high = RICH1_SLOPES
    rich1 = (paths.slope > low) & (np.abs(paths.slope_x) < wide) & (np.abs(paths.slope_y) < high)
    straight = Paths(paths.slope_x, paths.slope_y, paths.slope_x)
    ecal = paths.hits(ECAL_Z_M, ECAL_HALF_M, ECAL_HOLE_M)
    # The pads of SPD and preshower lie 0.3 m before the ECAL and cover the same angles.
    scale = (ECAL_Z_M - 0.3) / ECAL_Z_M
    half, hole = (tuple(scale * side for side in size) for size in (ECAL_HALF_M, ECAL_HOLE_M))
    found = Acceptance(
        rich1=rich1,
        rich2=rich2,
        preshower=paths.hits(ECAL_Z_M - 0.3, (half[0], half[1]), (hole[0], hole[1])),
        ecal=ecal,
        hcal=paths.hits(HCAL_Z_M, HCAL_HALF_M, HCAL_HOLE_M),
        brem=straight.hits(ECAL_Z_M, ECAL_HALF_M, ECAL_HOLE_M),
        muon=_crosses_muon_stations(paths),
    )
    seen = found.any_identification
    return Acceptance(**{name: values & seen for name, values in vars(found).items()})


def _crosses_muon_stations(paths: Paths) -> Booleans:
    inside = np.ones(len(paths.slope_x), dtype=np.bool_)
    for z_m in (MUON_Z_M[0], MUON_Z_M[-1]):
        outer = (MUON_OUTER_SLOPES[0] * z_m, MUON_OUTER_SLOPES[1] * z_m)
        inner = (MUON_INNER_SLOPES[0] * z_m, MUON_INNER_SLOPES[1] * z_m)
        inside &= paths.hits(z_m, outer, inner)
    return inside


def cell_size_mm(paths: Paths) -> Floats:
    """Return the width in mm of the ECAL cells around each impact point."""
    x, y = np.abs(paths.x_at(ECAL_Z_M)), np.abs(paths.y_at(ECAL_Z_M))
    inner, middle = ((x < border[0]) & (y < border[1]) for border in CELL_BORDERS_M)
    return np.where(inner, CELL_SIZES_MM[0], np.where(middle, CELL_SIZES_MM[1], CELL_SIZES_MM[2]))
