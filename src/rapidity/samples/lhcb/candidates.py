"""Tracks as the reconstruction finds them: of one particle, or ghosts put together from hits of several."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from rapidity.samples.lhcb.columns import CLASSES
from rapidity.samples.lhcb.geometry import MAGNET_KICK_GEV, Paths, bend, crosses_trackers
from rapidity.samples.lhcb.history import Histories, draw_histories
from rapidity.samples.lhcb.momentum import MAX_P_GEV, MIN_P_GEV, draw_impact, draw_momenta
from rapidity.samples.lhcb.species import (
    ELECTRON,
    KAON,
    MUON,
    NOTHING,
    PION,
    PROTON,
    Particles,
    concatenate,
    take,
)
from rapidity.samples.lhcb.tracking import (
    MAX_CHI2_PER_NDOF,
    N_PARAMETERS,
    TrackFit,
    draw_chi2,
    draw_t_hits,
    draw_tt_hits,
    draw_velo_hits,
    match_resolution_rad,
    measure_momentum,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Integers = NDArray[np.int64]
    Booleans = NDArray[np.bool_]

SPECIES_OF_CLASS = {"Electron": ELECTRON, "Kaon": KAON, "Muon": MUON, "Pion": PION, "Proton": PROTON}
KIND_OF_CLASS = np.array([SPECIES_OF_CLASS.get(name, NOTHING) for name in CLASSES])
# What ghosts borrow their hits from, by species: electron, muon, pion, kaon, proton. Chosen: the
# composition of tracks in a collision, with the electrons of converted photons.
COMPOSITION = (0.10, 0.01, 0.70, 0.11, 0.08)
RANDOM_VELO, RANDOM_T = 0.25, 0.45
"""Parts of the ghosts whose segment before or behind the magnet is random hits. Chosen."""
OCCUPANCY_SHAPE = 4.0
"""Occupancies of events relative to the mean: Gamma distributed, spread by half of it. Chosen."""
GHOST_MATCH_CHI2, GHOST_PARTNERS = 110.0, 40.0
"""Largest chi2 between segments of different particles that is looked at, and how many segments behind
the magnet there are within it, in an average event. Chosen."""

SLOW_INFLATION_GEV, CROWD_INFLATION, T_INFLATION = 0.5, 0.15, 0.9
RANDOM_VELO_INFLATION, RANDOM_T_INFLATION = 2.5, 1.8
"""How much larger chi2 is than its number of degrees of freedom, and for random hits. Chosen."""
LEVER_OF_LOSS = 0.15
"""Part of the bend that momentum lost inside the magnet moves by. Chosen."""


@dataclass(frozen=True)
class Origin:
    """What the tracks are made of ``(n_tracks,)``: hits of one particle or, of ghosts, of several.

    Attributes
    ----------
    random_velo, random_t
        Whether the segment before or behind the magnet is no particle's.
    """

    occupancy: Floats
    is_ghost: Booleans
    random_velo: Booleans
    random_t: Booleans


@dataclass(frozen=True)
class Candidates:
    """Reconstructed tracks ``(n_tracks,)``.

    Attributes
    ----------
    p_gev
        Measured momentum.
    upstream, downstream
        The true particles before and behind the magnet.
    occupancy
        How full the detector is, relative to the mean: neighbours, noise and accidental hits go with it.
    impact_mm
        Signed distance to the beam.
    photon_gev
        What the particle radiated before the magnet.
    """

    p_gev: Floats
    paths: Paths
    upstream: Particles
    downstream: Particles
    occupancy: Floats
    impact_mm: Floats
    photon_gev: Floats
    fit: TrackFit

    @property
    def pt_gev(self) -> Floats:
        """Measured transverse momentum."""
        return self.p_gev * self.paths.slope / np.sqrt(1.0 + self.paths.slope**2)


def draw_candidates(class_index: Integers, rng: np.random.Generator) -> Candidates:
    """Return one track a class, in order; what the detector misses is drawn again.

    Parameters
    ----------
    class_index
        Index into `CLASSES` ``(n_tracks,)``.
    """
    pending = np.arange(len(class_index))
    found_rows, found = [], []
    while len(pending):
        drawn, is_found = _draw_once(class_index[pending], rng)
        found_rows.append(pending[is_found])
        found.append(take(drawn, is_found))
        pending = pending[~is_found]
    order = np.argsort(np.concatenate(found_rows))
    return take(concatenate(found), order)


def _draw_once(class_index: Integers, rng: np.random.Generator) -> tuple[Candidates, Booleans]:
    n_tracks = len(class_index)
    kind = KIND_OF_CLASS[class_index]
    origin = _draw_origin(kind == NOTHING, rng)
    kind = np.where(origin.is_ghost, rng.choice(len(COMPOSITION), n_tracks, p=COMPOSITION), kind)
    p_gev, slope_x, slope_y, is_converted = draw_momenta(kind, rng)
    histories = draw_histories(Particles(kind, p_gev), rng)
    behind = bend(slope_x, rng.choice([-1.0, 1.0], n_tracks), histories.p_bent_gev)
    behind = np.where(origin.is_ghost, _draw_foreign_slope(slope_x, rng), behind)
    paths = Paths(slope_x, slope_y, behind)
    # The reconstruction takes the bend for the momentum, also where it is none.
    p_measured = measure_momentum(MAGNET_KICK_GEV / np.abs(behind - slope_x), rng)
    upstream, downstream = _particles_on(histories, origin, rng)
    fit = _fit(paths, histories, p_measured, origin, rng)
    candidates = Candidates(
        p_gev=p_measured,
        paths=paths,
        upstream=upstream,
        downstream=downstream,
        occupancy=origin.occupancy,
        impact_mm=draw_impact(kind, is_converted, rng),
        photon_gev=np.where(origin.is_ghost, 0.0, histories.photon_gev),
        fit=fit,
    )
    is_measured = (p_measured > MIN_P_GEV) & (p_measured < MAX_P_GEV)
    is_kept = is_measured & (fit.chi2_per_ndof < MAX_CHI2_PER_NDOF)
    return candidates, crosses_trackers(paths) & is_kept


def _draw_foreign_slope(slope_x: Floats, rng: np.random.Generator) -> Floats:
    """Return slopes behind the magnet of segments that happen to meet the line before it.

    Any bend is as likely as any other, so that 1 / p of ghosts is uniform.
    """
    widest = MAGNET_KICK_GEV / MIN_P_GEV
    return slope_x + rng.uniform(-widest, widest, len(slope_x))


def _draw_origin(is_ghost: Booleans, rng: np.random.Generator) -> Origin:
    n_tracks = len(is_ghost)
    return Origin(
        occupancy=rng.standard_gamma(OCCUPANCY_SHAPE, n_tracks) / OCCUPANCY_SHAPE,
        is_ghost=is_ghost,
        random_velo=is_ghost & (rng.random(n_tracks) < RANDOM_VELO),
        random_t=is_ghost & (rng.random(n_tracks) < RANDOM_T),
    )


def _particles_on(
    histories: Histories, origin: Origin, rng: np.random.Generator
) -> tuple[Particles, Particles]:
    """Return the particles before and behind the magnet; of a ghost they are of different tracks."""
    n_tracks = len(origin.is_ghost)
    before, behind = histories.upstream, histories.downstream
    # The particle behind the magnet is that of another track: unrelated kind and momentum.
    other = rng.choice(len(COMPOSITION), n_tracks, p=COMPOSITION)
    other_p, _, _, _ = draw_momenta(other, rng)
    other = np.where(origin.random_t, NOTHING, other)
    upstream = Particles(np.where(origin.random_velo, NOTHING, before.kind), before.p_gev)
    downstream = Particles(
        kind=np.where(origin.is_ghost, other, behind.kind),
        p_gev=np.where(origin.is_ghost, np.maximum(other_p, MIN_P_GEV), behind.p_gev),
    )
    return upstream, downstream


def _draw_foreign_chi2(occupancy: Floats, rng: np.random.Generator) -> Floats:
    """Return the chi2 between a segment and the nearest of those of other particles.

    They must agree in four numbers: the density of others grows with the third power of the distance,
    so the chi2 of one is the root of a uniform number, and the smallest of n is that of the smallest.
    """
    n_partners = 1 + rng.poisson(GHOST_PARTNERS * occupancy)
    smallest = 1.0 - rng.random(len(occupancy)) ** (1.0 / n_partners)
    chi2: Floats = GHOST_MATCH_CHI2 * np.sqrt(smallest)
    return chi2


def _fit(
    paths: Paths, histories: Histories, p_gev: Floats, origin: Origin, rng: np.random.Generator
) -> TrackFit:
    """Return the fits; each sub-detector's errors are too small by what is not in the fit's model."""
    n_tracks, is_ghost = len(p_gev), origin.is_ghost
    n_velo = draw_velo_hits(origin.random_velo, origin.occupancy, rng)
    n_t = draw_t_hits(paths, origin.random_t, rng)
    n_tt = draw_tt_hits(~is_ghost, origin.occupancy, rng)
    # Slow particles scatter more than the fit expects; hits of neighbours are picked up in full events.
    slow = 1.0 + SLOW_INFLATION_GEV / p_gev
    crowd = 1.0 + CROWD_INFLATION * origin.occupancy * rng.standard_exponential(n_tracks)
    velo = slow * crowd * np.where(origin.random_velo, RANDOM_VELO_INFLATION, 1.0)
    stations = T_INFLATION * crowd * np.where(origin.random_t, RANDOM_T_INFLATION, 1.0)
    chi2_rest = draw_chi2(n_tt + N_PARAMETERS, slow * crowd, rng)
    chi2_rest += np.where(is_ghost, _draw_foreign_chi2(origin.occupancy, rng), _broken_chi2(histories, p_gev))
    return TrackFit(
        ndof_velo=n_velo - N_PARAMETERS,
        chi2_velo=draw_chi2(n_velo - N_PARAMETERS, velo, rng),
        ndof_t=n_t - N_PARAMETERS,
        chi2_t=draw_chi2(n_t - N_PARAMETERS, stations, rng),
        n_tt=n_tt,
        chi2_rest=chi2_rest,
    )


def _broken_chi2(histories: Histories, p_gev: Floats) -> Floats:
    """Return what a kink, or momentum lost inside the magnet, adds to the chi2."""
    sigma = match_resolution_rad(p_gev)
    # Momentum lost half-way bends the second half of the path more than the first.
    radiated = LEVER_OF_LOSS * histories.lost_fraction * MAGNET_KICK_GEV / p_gev
    chi2: Floats = (histories.kink_rad / sigma) ** 2 + (radiated / sigma) ** 2
    return chi2
