"""Electrons and muons: acceptance, resolution, identification efficiency, isolation."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from rapidity.physics.constants import ELECTRON_MASS_GEV, MUON_MASS_GEV
from rapidity.physics.kinematics import energy_from_mass
from rapidity.samples.detector.smearing import draw_response
from rapidity.samples.particles import FourVectors, Particles, delta_r, pairs_within_events

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

ELECTRON, MUON, PHOTON = 11, 13, 22
ELECTRON_MAX_ETA = 2.5
MUON_MAX_ETA = 2.4
MIN_PT_GEV = 10.0
DRESSING_RADIUS = 0.1
ELECTRON_EFFICIENCY = 0.97 * 0.93
MUON_EFFICIENCY = 0.99
# Cones and limit of CMS: JINST 13 (2018) P06015, arXiv:1804.04528 (muons, tight), and JINST 16
# (2021) P05014, arXiv:2012.06888 (cone of electrons; the limit of muons is taken for them too).
ELECTRON_ISOLATION_RADIUS = 0.3
MUON_ISOLATION_RADIUS = 0.4
ISOLATION_MIN_PT_GEV = 0.5
MAX_RELATIVE_ISOLATION = 0.15
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
    array([0.0192, 0.0415])
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
    resolution: Floats = np.hypot(scattering, curvature * pt_gev)
    return resolution


def lepton_efficiency(flavour: NDArray[np.int64]) -> Floats:
    """Return the efficiency of reconstruction and identification together, within the acceptance.

    Electrons 0.97 * 0.93 = 0.90: reconstruction and the likelihood working point `Loose` at 40 GeV,
    ATLAS, Eur. Phys. J. C 79 (2019) 639, arXiv:1902.04655. Muons 0.99: ATLAS, Eur. Phys. J. C 76
    (2016) 292, arXiv:1603.05598. Both are taken as constant; towards 10 GeV electrons really lose
    some ten per cent more.

    Examples
    --------
    >>> lepton_efficiency(np.array([11, 13])).round(4)
    array([0.9021, 0.99  ])
    """
    return np.where(flavour == ELECTRON, ELECTRON_EFFICIENCY, MUON_EFFICIENCY)


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
    radius = np.where(flavour[rows] == ELECTRON, ELECTRON_ISOLATION_RADIUS, MUON_ISOLATION_RADIUS)
    # Leptons do not count: the two of H -> WW often lie within one another's cone.
    is_around = (
        (distance < radius[left])
        & (particles.pt[right] > ISOLATION_MIN_PT_GEV)
        & ~np.isin(flavour[right], (ELECTRON, MUON))
        & ~is_collected
    )
    around = np.bincount(left[is_around], particles.pt[right[is_around]], minlength=len(rows))
    dressed = _dress(candidates, particles, left[is_collected], right[is_collected])
    leptons = _measure(dressed, rng)
    is_found = rng.random(len(rows)) < lepton_efficiency(leptons.flavour)
    is_isolated = around < MAX_RELATIVE_ISOLATION * leptons.pt
    is_kept = is_found & is_isolated & (leptons.pt > MIN_PT_GEV)
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
        energy=energy_from_mass(np.hypot(measured.pt, measured.pz), mass_gev),
        n_events=measured.n_events,
        flavour=flavour,
        charge=-np.sign(leptons.pdg_id),
        mass_gev=mass_gev,
    )
