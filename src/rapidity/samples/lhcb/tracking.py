"""Hits and chi2 of the track fit, the measured momentum, the distance to the beam axis.

Detectors and resolutions: LHCb, JINST 3 (2008) S08005; Int. J. Mod. Phys. A 30 (2015) 1530022,
arXiv:1412.6352.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from rapidity.samples.lhcb.geometry import INNER_TRACKER_HALF_M, T_STATIONS_Z_M, Paths

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Integers = NDArray[np.int64]
    Booleans = NDArray[np.bool_]

N_PARAMETERS = 5
"""Of a track: two positions, two slopes, the momentum."""
N_STRAW_LAYERS, N_SILICON_LAYERS, N_TT_LAYERS = 24, 12, 4
STRAW_EFFICIENCY, SILICON_EFFICIENCY = 0.92, 0.97
# Crossed sensors of the vertex detector, R and phi together; chosen: 8 to 10 hits are typical.
MEAN_VELO_HITS, MIN_VELO_HITS, MAX_VELO_HITS = 12.5, 6, 30
# Chosen: how often the search finds the hits of the station before the magnet (TT), each with 93 %.
TT_FOUND, TT_EFFICIENCY, TT_BY_ACCIDENT = 0.80, 0.90, 0.45
BEAM_SPOT_MM = (0.62, 0.12)
"""The beam is not on the axis of the coordinates; chosen after the few tracks that are public."""
MAX_CHI2_PER_NDOF = 4.0
"""Worse tracks are not kept. Chosen; LHCb's own cuts lie between 3 and 5."""


@dataclass(frozen=True)
class TrackFit:
    """Degrees of freedom and chi2 ``(n_tracks,)``: vertex detector, T stations, and all the rest.

    The rest is what only the whole track has: the hits of the TT and the five parameters that the
    two segments share.
    """

    ndof_velo: Integers
    chi2_velo: Floats
    ndof_t: Integers
    chi2_t: Floats
    n_tt: Integers
    chi2_rest: Floats

    @property
    def ndof(self) -> Integers:
        """Degrees of freedom of the whole fit."""
        return self.ndof_velo + self.ndof_t + self.n_tt + N_PARAMETERS

    @property
    def chi2_per_ndof(self) -> Floats:
        """Reduced chi2 of the whole fit."""
        return (self.chi2_velo + self.chi2_t + self.chi2_rest) / self.ndof


def draw_chi2(ndof: Integers, inflation: Floats, rng: np.random.Generator) -> Floats:
    """Return chi2 values; errors that are too small by ``sqrt(inflation)`` multiply them."""
    chi2: Floats = 2.0 * rng.standard_gamma(ndof / 2.0) * inflation
    return chi2


def draw_velo_hits(is_random: Booleans, occupancy: Floats, rng: np.random.Generator) -> Integers:
    """Return hits in the vertex detector; segments of random hits are as short as a segment may be."""
    mean = np.where(is_random, 2.0, MEAN_VELO_HITS - MIN_VELO_HITS)
    n_hits = MIN_VELO_HITS + rng.poisson(mean * (0.9 + 0.1 * np.minimum(occupancy, 3.0)))
    return np.minimum(n_hits, MAX_VELO_HITS)


def is_in_inner_tracker(paths: Paths) -> Booleans:
    """Return which paths cross the silicon around the beam pipe instead of the straws."""
    x, y = np.abs(paths.x_at(T_STATIONS_Z_M)), np.abs(paths.y_at(T_STATIONS_Z_M))
    return (x < INNER_TRACKER_HALF_M[0]) & (y < INNER_TRACKER_HALF_M[1])


def draw_t_hits(paths: Paths, is_random: Booleans, rng: np.random.Generator) -> Integers:
    """Return hits in the T stations; of random hits about a quarter of the layers have none."""
    is_inner = is_in_inner_tracker(paths)
    n_layers = np.where(is_inner, N_SILICON_LAYERS, N_STRAW_LAYERS)
    efficiency = np.where(is_inner, SILICON_EFFICIENCY, STRAW_EFFICIENCY)
    found = rng.binomial(n_layers, efficiency * np.where(is_random, 0.80, 1.0))
    # Straws of a layer overlap: a track through both leaves two hits.
    found += np.where(is_inner, 0, rng.binomial(N_STRAW_LAYERS, 0.05, len(found)))
    return np.maximum(found, np.where(is_inner, 9, 14))


def draw_tt_hits(is_matched: Booleans, occupancy: Floats, rng: np.random.Generator) -> Integers:
    """Return hits in the TT: real ones where both segments are of one particle, else accidental ones."""
    n_tracks = len(is_matched)
    real = np.where(rng.random(n_tracks) < TT_FOUND, rng.binomial(N_TT_LAYERS, TT_EFFICIENCY, n_tracks), 0)
    # Fewer than two hits are not added to a track.
    accidental = rng.random(n_tracks) < np.minimum(TT_BY_ACCIDENT * occupancy, 0.9)
    by_accident = np.where(accidental, rng.integers(2, N_TT_LAYERS + 1, n_tracks), 0)
    n_tt = np.where(is_matched, real, by_accident)
    return np.where(n_tt == 1, 0, n_tt)


def match_resolution_rad(p_gev: Floats) -> Floats:
    """Return how well the two segments must agree in angle, in rad.

    Multiple scattering in between of 13.6 MeV / p times the root of 0.1 radiation lengths (Highland's
    formula, PDG, *Passage of particles through matter*), and 0.3 mrad for the hits; the latter chosen.
    """
    resolution: Floats = np.hypot(0.3e-3, 0.0136 / p_gev * np.sqrt(0.1))
    return resolution


def measure_momentum(p_gev: Floats, rng: np.random.Generator) -> Floats:
    """Return measured momenta: 0.4 % at a few GeV to 0.6 % at 100 GeV (JINST 3 (2008) S08005)."""
    resolution = 0.004 + 0.002 * np.minimum(p_gev / 100.0, 2.0)
    return p_gev * (1.0 + resolution * rng.standard_normal(len(p_gev)))


def distance_to_axis(paths: Paths, impact_mm: Floats, pt_gev: Floats, rng: np.random.Generator) -> Floats:
    """Return the distance in mm between line of flight and z axis.

    The impact parameter with respect to the beam, plus that of the beam spot with respect to the axis,
    with a resolution of ``(11.6 + 23.4 GeV / pt)`` micrometres (arXiv:1412.6352).
    """
    phi = np.arctan2(paths.slope_y, paths.slope_x)
    of_beam = BEAM_SPOT_MM[0] * np.sin(phi) - BEAM_SPOT_MM[1] * np.cos(phi)
    resolution = 1e-3 * (11.6 + 23.4 / np.maximum(pt_gev, 0.05))
    return np.abs(of_beam + impact_mm + resolution * rng.standard_normal(len(phi)))
