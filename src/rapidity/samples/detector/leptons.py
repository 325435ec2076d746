"""Electrons and muons: acceptance, resolution, identification efficiency, isolation."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from rapidity.samples.detector.smearing import draw_response
from rapidity.samples.particles import FourVectors, Particles, delta_r, pairs_within_events

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

ELECTRON, MUON, PHOTON = 11, 13, 22
# Particle Data Group, rounded.
ELECTRON_MASS_GEV = 0.000511
MUON_MASS_GEV = 0.10566
ELECTRON_MAX_ETA = 2.5
MUON_MAX_ETA = 2.4
MIN_PT_GEV = 10.0
DRESSING_RADIUS = 0.1
ISOLATION_RADIUS = 0.5
ISOLATION_MIN_PT_GEV = 0.5
ELECTRON_MAX_ISOLATION = 0.12
MUON_MAX_ISOLATION = 0.25
# Below this true momentum no lepton reaches MIN_PT_GEV; it only saves time.
CANDIDATE_MIN_PT_GEV = 7.0


@dataclass(frozen=True)
class Leptons(FourVectors):
    """Reconstructed leptons.

    Attributes
    ----------
    flavour
        11 for electrons, 13 for muons.
    charge
        +1 or -1.
    mass_gev
        The known mass of the flavour, which the energy agrees with.
    """

    flavour: NDArray[np.int64]
    charge: NDArray[np.int64]
    mass_gev: Floats


def electron_resolution(energy_gev: Floats, eta: Floats) -> Floats:
    """Return the relative energy resolution of electrons.

    ``f(eta) * sqrt(0.008**2 E**2 + 0.11**2 E + 0.40**2) / E`` with ``f = 1 + 0.64 eta**2`` in the
    barrel (|eta| < 1.5) and ``2.16 + 5.6 (|eta| - 2)**2`` in the endcaps.
    Source: the electromagnetic calorimeter of the CMS card of Delphes (``delphes_card_CMS.tcl``;
    arXiv:1307.6346), whose shape in eta is from arXiv:1306.2016 and in energy from arXiv:1502.02701.

    Examples
    --------
    >>> electron_resolution(np.array([50.0, 50.0]), np.array([0.0, 2.0])).round(4)
    array([0.0192, 0.0414])
    """
    central = 1 + 0.64 * eta**2
    forward = 2.16 + 5.6 * (np.abs(eta) - 2) ** 2
    energy_term = np.sqrt((0.008 * energy_gev) ** 2 + 0.11**2 * energy_gev + 0.40**2)
    return np.where(np.abs(eta) < 1.5, central, forward) * energy_term / energy_gev


def muon_resolution(pt_gev: Floats, eta: Floats) -> Floats:
    """Return the relative resolution of the transverse momentum of muons.

    ``sqrt(a**2 + (b pt)**2)``: a = 1, 1.5, 2.5 % from scattering and b = 1, 1.5, 3.5 x 1e-4 per GeV
    from the curvature, for |eta| up to 0.5, 1.5, 2.5.
    Source: ``delphes_card_CMS.tcl`` (arXiv:1307.6346); CMS measures 1.3 to 2 % in the barrel for
    muons of 20 to 100 GeV (arXiv:1206.4071).

    Examples
    --------
    >>> muon_resolution(np.array([40.0, 40.0]), np.array([1.0, 2.0])).round(4)
    array([0.0162, 0.0287])
    """
    region = np.digitize(np.abs(eta), [0.5, 1.5])
    scattering = np.array([0.010, 0.015, 0.025])[region]
    curvature = np.array([1.0e-4, 1.5e-4, 3.5e-4])[region]
    return np.hypot(scattering, curvature * pt_gev)


def lepton_efficiency(flavour: NDArray[np.int64], eta: Floats) -> Floats:
    """Return the efficiency of tracking and identification together.

    Electrons 0.95 * 0.95 = 0.90 in the barrel (|eta| <= 1.5), 0.83 * 0.85 = 0.71 in the endcaps up
    to 2.5; muons 0.99 * 0.95 = 0.94 and 0.98 * 0.95 = 0.93 up to 2.4; none beyond.
    Source: tracking times identification of ``delphes_card_CMS.tcl`` (arXiv:1307.6346) for
    transverse momenta of 10 to 100 GeV; its small rises above 100 GeV are left out.

    Examples
    --------
    >>> lepton_efficiency(np.array([11, 11, 13, 13]), np.array([0.0, 2.0, 2.0, 2.45])).round(4)
    array([0.9025, 0.7055, 0.931 , 0.    ])
    """
    magnitude = np.abs(eta)
    electron = np.select([magnitude <= 1.5, magnitude <= ELECTRON_MAX_ETA], [0.95 * 0.95, 0.83 * 0.85])
    muon = np.select([magnitude <= 1.5, magnitude <= MUON_MAX_ETA], [0.99 * 0.95, 0.98 * 0.95])
    return np.where(flavour == ELECTRON, electron, muon)


def reconstruct_leptons(particles: Particles, rng: np.random.Generator) -> tuple[Leptons, NDArray[np.bool_]]:
    """Return the identified, isolated electrons and muons above 10 GeV, and the particles they used.

    Parameters
    ----------
    particles
        All visible stable particles of the events.
    rng
        Draws two numbers a candidate, the candidates in the order of events.

    Returns
    -------
    leptons
    is_used
        For each particle, whether it is one of these leptons or a photon that an electron collected.
    """
    flavour = np.abs(particles.pdg_id)
    max_eta = np.select([flavour == ELECTRON, flavour == MUON], [ELECTRON_MAX_ETA, MUON_MAX_ETA], 0.0)
    rows = np.flatnonzero((particles.pt > CANDIDATE_MIN_PT_GEV) & (np.abs(particles.eta) < max_eta))
    candidates = particles.take(rows)
    left, right = pairs_within_events(candidates, particles)
    distance = delta_r(candidates, left, particles, right)
    is_collected = (
        (flavour[rows[left]] == ELECTRON) & (particles.pdg_id[right] == PHOTON) & (distance < DRESSING_RADIUS)
    )
    # Leptons do not count: the two of H -> WW often lie within one another's cone.
    is_around = (
        (distance < ISOLATION_RADIUS)
        & (particles.pt[right] > ISOLATION_MIN_PT_GEV)
        & ~np.isin(flavour[right], (ELECTRON, MUON))
        & ~is_collected
    )
    around = np.bincount(left[is_around], particles.pt[right[is_around]], minlength=len(rows))
    dressed = _dress(candidates, particles, left[is_collected], right[is_collected])
    leptons = _measure(dressed, rng)
    is_found = rng.random(len(rows)) < lepton_efficiency(leptons.flavour, leptons.eta)
    limit = np.where(leptons.flavour == ELECTRON, ELECTRON_MAX_ISOLATION, MUON_MAX_ISOLATION)
    is_kept = is_found & (around < limit * leptons.pt) & (leptons.pt > MIN_PT_GEV)
    is_used = np.zeros(len(particles), dtype=bool)
    is_used[rows[is_kept]] = True
    is_used[right[is_collected & is_kept[left]]] = True
    return leptons.take(is_kept), is_used


def _dress(
    candidates: Particles, particles: Particles, left: NDArray[np.int64], right: NDArray[np.int64]
) -> Particles:
    """Add the photons `right` to the candidates `left`: a calorimeter cluster holds them all."""

    def add(component: str) -> Floats:
        photons = getattr(particles, component)[right]
        own: Floats = getattr(candidates, component)
        return own + np.bincount(left, photons, minlength=len(candidates))

    return replace(candidates, px=add("px"), py=add("py"), pz=add("pz"), energy=add("energy"))


def _measure(leptons: Particles, rng: np.random.Generator) -> Leptons:
    """Return the leptons with measured momenta; directions are kept (trackers do them to a mrad)."""
    flavour = np.abs(leptons.pdg_id)
    resolution = np.where(
        flavour == ELECTRON,
        electron_resolution(leptons.energy, leptons.eta),
        muon_resolution(leptons.pt, leptons.eta),
    )
    measured = leptons.scale(draw_response(resolution, rng))
    mass_gev = np.where(flavour == ELECTRON, ELECTRON_MASS_GEV, MUON_MASS_GEV)
    return Leptons(
        event=measured.event,
        px=measured.px,
        py=measured.py,
        pz=measured.pz,
        energy=np.sqrt(measured.px**2 + measured.py**2 + measured.pz**2 + mass_gev**2),
        n_events=measured.n_events,
        flavour=flavour,
        charge=-np.sign(leptons.pdg_id),
        mass_gev=mass_gev,
    )
