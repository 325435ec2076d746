"""What the detector measures of each particle: tracks, energies in both calorimeters, candidates for jets."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from rapidity.samples.detector.leptons import muon_resolution
from rapidity.samples.detector.smearing import draw_response
from rapidity.samples.dijets.flight import fly
from rapidity.samples.dijets.geometry import (
    CALORIMETER_MAX_ETA,
    CRYSTAL_INTERACTION_CM,
    TOWER_ANGLE,
    TRACKER_MAX_ETA,
)
from rapidity.samples.dijets.neutral_pions import NEUTRAL_PION, PHOTON, decay
from rapidity.samples.ecal.geometry import CRYSTAL_ANGLE, DEPTH_X0, RADIATION_LENGTH_CM
from rapidity.samples.particles import COMPONENTS, Particles

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Flags = NDArray[np.bool_]

COLUMNS = (*COMPONENTS, "pdg_id", "kind", "charge")
"""Of candidates, beside the event."""

INVISIBLE = (12, 14, 16)
ELECTRON, MUON = 11, 13
CHARGED_HADRON, NEUTRAL_HADRON, PHOTON_CANDIDATE, ELECTRON_CANDIDATE, MUON_CANDIDATE = range(5)
"""Kinds of candidates, as in particle flow (CMS, arXiv:1706.04965)."""

TRACK_MIN_PT_GEV = 0.5
TRACK_EFFICIENCY = ((1.0, 0.70, 0.60), (np.inf, 0.95, 0.85))
"""Below a transverse momentum (GeV): within |eta| of 1.5, and outside. Charged hadrons in the CMS card of
Delphes, arXiv:1307.6346; compare arXiv:1405.6569."""
INNER_TRACKER_ETA = 1.5

PHOTON_STOCHASTIC, PHOTON_NOISE_GEV, PHOTON_CONSTANT = 0.028, 0.125, 0.005
"""Crystals: 2.8 %/sqrt(E), 125 MeV, and calibration of 0.5 % (JINST 2 (2007) P04004; arXiv:1306.2016)."""
PHOTON_MIN_GEV, HADRON_MIN_GEV = 0.23, 0.80
"""Seeds of clusters of particle flow in the barrel: arXiv:1706.04965, section 3."""
HADRON_STOCHASTIC, HADRON_CONSTANT = 0.847, 0.074
"""Both calorimeters together: Eur. Phys. J. C 60 (2009) 359, the response corrected to 1."""
INTERACTS_IN_CRYSTALS = -np.expm1(-DEPTH_X0 * RADIATION_LENGTH_CM / CRYSTAL_INTERACTION_CM)
MINIMUM_IONISING_GEV = 0.23
"""In a crystal along its 23 cm: 10.2 MeV/cm (PDG, properties of lead tungstate)."""
MERGED = 2.0 * CRYSTAL_ANGLE
"""Photons nearer than two crystals have no maximum of their own (chosen)."""


@dataclass(frozen=True)
class Measured:
    """Particles at the calorimeters, one row each, of all events.

    Attributes
    ----------
    event
        Index of the event of each row, in no order but after `in_order`.
    eta, phi
        Where they arrive.
    ecal_gev, hcal_gev
        Measured energies; those of hadrons fluctuate as one shower.
    track_gev
        Transverse momentum of its track; 0 without one.
    is_electromagnetic
        Whether its shower is one of photons and electrons.
    """

    event: NDArray[np.int64]
    eta: Floats
    phi: Floats
    ecal_gev: Floats
    hcal_gev: Floats
    track_gev: Floats
    is_electromagnetic: Flags

    def take(self, rows: Flags | NDArray[np.int64]) -> Measured:
        """Return some of the rows."""
        return Measured(*(getattr(self, name)[rows] for name in Measured.__dataclass_fields__))

    def in_order(self) -> Measured:
        """Return the same, event after event."""
        return self.take(np.argsort(self.event, kind="stable"))


@dataclass(frozen=True)
class Candidates(Particles):
    """What jets are made of: `kind` is one of those above, `charge` in units of the proton's."""

    kind: NDArray[np.int64]
    charge: NDArray[np.int64]


def charge_sign(pdg_id: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the sign of the charge of stable particles.

    From the quarks in the code (PDG, numbering scheme): thousands, hundreds and tens are quarks, whose
    charge is 2/3 if even. In a meson (no thousands) the tens are the antiquark of the heavier one before
    them.

    Examples
    --------
    Pion, kaon, proton, neutron, Sigma-, Xi-, electron, photon, neutral kaon:

    >>> charge_sign(np.array([211, -321, 2212, 2112, 3112, 3312, 11, 22, 130]))
    array([ 1, -1,  1,  0, -1, -1, -1,  0,  0])
    """
    code = np.abs(pdg_id)
    quarks = [(code // 10**place) % 10 for place in (3, 2, 1)]
    thirds = [np.where(quark == 0, 0, np.where(quark % 2 == 0, 2, -1)) for quark in quarks]
    is_meson = (quarks[0] == 0) & (code > 100)
    meson = np.where(quarks[1] % 2 == 0, 1, -1) * (thirds[1] - thirds[2])
    total = np.where(is_meson, meson, sum(thirds))
    total = np.where(code < 100, np.where((code == ELECTRON) | (code == MUON), -3, 0), total)
    # 130 and 310 name mixtures, not quarks.
    total = np.where((code == 130) | (code == 310), 0, total)
    return np.sign(total) * np.sign(pdg_id)


def measure(particles: Particles, rng: np.random.Generator) -> tuple[Measured, Candidates]:
    """Return what the calorimeters and the tracker see, and the candidates for jets.

    A charged particle with a track is its track; one without is what the calorimeters see. Neutral hadrons
    are calorimeter energy. Photons of a pion that lie within two crystals are one candidate. Muons leave
    nothing in the calorimeters here.

    Parameters
    ----------
    particles
        Stable particles, neutral pions whole, ordered by event.
    """
    is_seen = (np.abs(particles.eta) < CALORIMETER_MAX_ETA) & ~np.isin(np.abs(particles.pdg_id), INVISIBLE)
    particles = particles.take(is_seen)
    is_pion = particles.pdg_id == NEUTRAL_PION
    is_photon = particles.pdg_id == PHOTON
    pions = particles.take(is_pion)
    first, second = decay(pions, rng)
    photons = [particles.take(is_photon), first, second]
    light = [_measure_photons(group, rng) for group in photons]
    rest, tracks = _measure_hadrons(particles.take(~(is_pion | is_photon)), rng)
    separation = np.hypot(
        first.eta - second.eta, np.remainder(first.phi - second.phi + np.pi, 2 * np.pi) - np.pi
    )
    is_merged = separation < MERGED
    shining = [
        _photon_candidates(photons[0], light[0].ecal_gev),
        _photon_candidates(pions.take(is_merged), (light[1].ecal_gev + light[2].ecal_gev)[is_merged]),
        *(
            _photon_candidates(group.take(~is_merged), seen.ecal_gev[~is_merged])
            for group, seen in zip((first, second), light[1:], strict=True)
        ),
    ]
    candidates = _in_order([tracks, *shining])
    return join_measured([rest, *light]), candidates


def _measure_photons(photons: Particles, rng: np.random.Generator) -> Measured:
    energy = photons.energy
    variance = PHOTON_STOCHASTIC**2 * energy + (PHOTON_CONSTANT * energy) ** 2
    measured = np.maximum(energy + np.sqrt(variance) * rng.standard_normal(len(photons)), 0.0)
    nothing = np.zeros(len(photons))
    is_light = np.ones(len(photons), dtype=bool)
    return Measured(photons.event, photons.eta, photons.phi, measured, nothing, nothing, is_light)


def _measure_hadrons(particles: Particles, rng: np.random.Generator) -> tuple[Measured, Candidates]:
    """Return what is measured of hadrons, electrons and muons, and their candidates."""
    code = np.abs(particles.pdg_id)
    charge = charge_sign(particles.pdg_id)
    is_electron, is_muon = code == ELECTRON, code == MUON
    track_pt = np.where(charge != 0, _draw_tracks(particles, rng), 0.0)
    total, in_crystals = _draw_energies(particles, rng, is_electron=is_electron, is_muon=is_muon)
    ecal, hcal = total * in_crystals, total * (1.0 - in_crystals)
    eta, phi, arrives = fly(particles.pt, particles.eta, particles.phi, charge.astype(np.float64))
    is_neutral = charge == 0
    eta, phi = np.where(is_neutral, particles.eta, eta), np.where(is_neutral, particles.phi, phi)
    arrives |= is_neutral
    everything = Measured(particles.event, eta, phi, ecal, hcal, track_pt, is_electron)
    has_track = track_pt > 0
    kind = np.select(
        [has_track & is_electron, has_track & is_muon, has_track, is_electron],
        [ELECTRON_CANDIDATE, MUON_CANDIDATE, CHARGED_HADRON, PHOTON_CANDIDATE],
        NEUTRAL_HADRON,
    )
    # A seed in the hadron calorimeter, or in the crystals for electrons without a track.
    is_found = has_track | (
        arrives & ~is_muon & (total > np.where(is_electron, PHOTON_MIN_GEV, HADRON_MIN_GEV))
    )
    factor = np.where(has_track, track_pt / particles.pt, total / particles.energy)
    scaled = _as_candidates(particles.scale(factor), kind, np.where(has_track, charge, 0)).take(is_found)
    # Where a cluster is known to a tower, a track is exact.
    spread = np.where(scaled.kind == NEUTRAL_HADRON, TOWER_ANGLE / np.sqrt(12.0), 0.0)
    return everything.take(arrives), _turn(scaled, spread, rng)


def _draw_tracks(particles: Particles, rng: np.random.Generator) -> Floats:
    """Return measured transverse momenta in GeV, 0 for what is not found."""
    (limit, *soft), (_, *hard) = TRACK_EFFICIENCY
    is_inner, is_soft = np.abs(particles.eta) < INNER_TRACKER_ETA, particles.pt < limit
    efficiency = np.where(is_inner, np.where(is_soft, soft[0], hard[0]), np.where(is_soft, soft[1], hard[1]))
    found = rng.random(len(particles)) < efficiency
    found &= (np.abs(particles.eta) < TRACKER_MAX_ETA) & (particles.pt > TRACK_MIN_PT_GEV)
    pt = particles.pt * draw_response(muon_resolution(particles.pt, particles.eta), rng)
    return np.where(found, pt, 0.0)


def _draw_energies(
    particles: Particles, rng: np.random.Generator, *, is_electron: Flags, is_muon: Flags
) -> tuple[Floats, Floats]:
    """Return energies measured in both calorimeters together, and the part of the crystals.

    A hadron that interacts in the crystals leaves any part there with the same probability (chosen: it gives
    a third on average, what Delphes takes for all, arXiv:1307.6346); else it only ionises there.
    """
    energy = particles.energy
    hadronic = np.hypot(HADRON_STOCHASTIC / np.sqrt(energy), HADRON_CONSTANT)
    light = np.sqrt(PHOTON_STOCHASTIC**2 / energy + PHOTON_CONSTANT**2)
    measured = energy * draw_response(np.where(is_electron, light, hadronic), rng)
    chance, part = rng.random((2, len(particles)))
    ionising = np.minimum(MINIMUM_IONISING_GEV / np.maximum(measured, 1e-9), 1.0)
    in_crystals = np.where(chance < INTERACTS_IN_CRYSTALS, part, ionising)
    return np.where(is_muon, 0.0, measured), np.where(is_electron, 1.0, in_crystals)


def _photon_candidates(photons: Particles, measured_gev: Floats) -> Candidates:
    is_found = measured_gev > PHOTON_MIN_GEV
    scaled = photons.scale(measured_gev / photons.energy)
    n = len(photons)
    return _as_candidates(scaled, np.full(n, PHOTON_CANDIDATE), np.zeros(n, dtype=np.int64)).take(is_found)


def _as_candidates(vectors: Particles, kind: NDArray[np.int64], charge: NDArray[np.int64]) -> Candidates:
    columns = {name: getattr(vectors, name) for name in ("event", *COMPONENTS, "n_events", "pdg_id")}
    return Candidates(**columns, kind=kind, charge=charge)


def _turn(candidates: Candidates, spread: Floats, rng: np.random.Generator) -> Candidates:
    """Return candidates in blurred directions, with the same energies; where blurred, without a mass."""
    rows = np.flatnonzero(spread)
    across, along = rng.standard_normal((2, len(rows))) * spread[rows]
    eta, phi = candidates.eta[rows] + across, candidates.phi[rows] + along
    pt = candidates.energy[rows] / np.cosh(eta)
    changed = {name: getattr(candidates, name).copy() for name in ("px", "py", "pz")}
    for name, values in (("px", pt * np.cos(phi)), ("py", pt * np.sin(phi)), ("pz", pt * np.sinh(eta))):
        changed[name][rows] = values
    return replace(candidates, **changed)


def _in_order(groups: list[Candidates]) -> Candidates:
    """Return all candidates, event after event."""
    event = np.concatenate([group.event for group in groups])
    order = np.argsort(event, kind="stable")
    columns = {name: np.concatenate([getattr(group, name) for group in groups])[order] for name in COLUMNS}
    return Candidates(event=event[order], n_events=groups[0].n_events, **columns)


def join_measured(groups: list[Measured]) -> Measured:
    """Return all of several, with the numbers of events as they are."""
    names = Measured.__dataclass_fields__
    return Measured(*(np.concatenate([getattr(group, name) for group in groups]) for name in names))
