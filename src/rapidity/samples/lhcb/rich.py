r"""Ring imaging: photons of three radiators, turned into likelihoods of the five hypotheses.

A particle faster than light in a radiator emits photons at :math:`\cos\theta = 1 / (n \beta)`, their
number proportional to :math:`\sin^2\theta` (Frank and Tamm; PDG, *Passage of particles through matter*).
Photons of the track and background photons are drawn once, and the likelihoods of *all* hypotheses
come from these same photons. Radiators and measured resolutions and yields: LHCb RICH, Eur. Phys. J. C
73 (2013) 2431, arXiv:1211.6759; indices: JINST 3 (2008) S08005.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from rapidity.samples.lhcb.species import ELECTRON, KAON, MASS_GEV, MUON, N_SPECIES, PION, PROTON, Particles

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from rapidity.samples.lhcb.candidates import Candidates
    from rapidity.samples.lhcb.geometry import Acceptance

    Floats = NDArray[np.float64]
    Booleans = NDArray[np.bool_]


@dataclass(frozen=True)
class Radiator:
    """One radiator.

    Attributes
    ----------
    index
        Refractive index.
    n_photons
        Detected photons of a particle at the speed of light.
    resolution_mrad
        Of the angle of one photon.
    n_background
        Mean number of other photons in the window around the track, in an average event. Chosen so
        that some 95 % of the kaons are found where one pion in twenty or so is taken for one, between 3
        and 60 GeV (arXiv:1211.6759, arXiv:1412.6352).
    tilt_mrad
        Error of the centre of the ring, common to its photons: alignment, index, direction. Chosen.
    """

    name: str
    index: float
    n_photons: float
    resolution_mrad: float
    n_background: float
    tilt_mrad: float

    @property
    def largest_angle_mrad(self) -> float:
        """Angle at the speed of light."""
        return float(1e3 * np.arccos(1.0 / self.index))

    @property
    def window_mrad(self) -> float:
        """Photons up to this angle are looked at."""
        return self.largest_angle_mrad + 5.0 * self.resolution_mrad


TURNED_PART, TURNED_FACTOR = 0.15, 4.0
"""Tracks turned by scattering or a neighbour's hits, and how many times the usual tilt. Chosen."""

AEROGEL = Radiator("aerogel", 1.03, 5.0, 5.6, 100.0, 1.5)
C4F10 = Radiator("C4F10", 1.0014, 20.0, 1.6, 70.0, 0.50)
CF4 = Radiator("CF4", 1.0005, 16.0, 0.68, 45.0, 0.25)


def cherenkov_angle_mrad(p_gev: Floats, mass_gev: Floats | float, index: float) -> Floats:
    """Return the angle of emission in mrad; 0 at and below the threshold.

    Examples
    --------
    Pions, kaons and protons of 12 GeV in C4F10, whose kaons begin at 9.3 GeV:

    >>> cherenkov_angle_mrad(np.full(3, 12.0), np.array([0.1396, 0.4937, 0.9383]), 1.0014).round(1)
    array([51.6, 33.3,  0. ])
    """
    inverse_beta = np.sqrt(1.0 + (mass_gev / p_gev) ** 2)
    cosine = np.minimum(inverse_beta / index, 1.0)
    angle: Floats = 1e3 * np.arccos(cosine)
    return angle


def threshold_gev(mass_gev: Floats | float, index: float) -> Floats:
    """Return the momentum in GeV above which a particle shines."""
    threshold: Floats = np.asarray(mass_gev) / np.sqrt(index**2 - 1.0)
    return threshold


def expected_photons(angle_mrad: Floats, radiator: Radiator) -> Floats:
    """Return the mean number of detected photons at an angle of emission."""
    ratio = np.sin(1e-3 * angle_mrad) / np.sin(1e-3 * radiator.largest_angle_mrad)
    number: Floats = radiator.n_photons * ratio**2
    return number


def draw_photons(
    particles: Particles, occupancy: Floats, radiator: Radiator, rng: np.random.Generator
) -> tuple[NDArray[np.int64], Floats]:
    """Return photons near the tracks: the index of the track and the measured angle in mrad.

    Background photons fill the window evenly in area, so their density grows with the angle.
    """
    angle = cherenkov_angle_mrad(particles.p_gev, particles.mass_gev, radiator.index)
    n_tracks = len(angle)
    n_signal = rng.poisson(expected_photons(angle, radiator))
    n_background = rng.poisson(radiator.n_background * occupancy)
    turned = np.where(rng.random(n_tracks) < TURNED_PART, TURNED_FACTOR, 1.0)
    tilt = turned * radiator.tilt_mrad * rng.standard_normal(n_tracks)
    owner = np.repeat(np.arange(n_tracks), n_signal)
    measured = (angle + tilt)[owner] + radiator.resolution_mrad * rng.standard_normal(len(owner))
    n_other = int(n_background.sum())
    other = radiator.window_mrad * np.sqrt(rng.random(n_other))
    track = np.concatenate([owner, np.repeat(np.arange(n_tracks), n_background)])
    return track, np.concatenate([measured, other])


def log_likelihoods(
    track: NDArray[np.int64], angle_mrad: Floats, p_gev: Floats, occupancy: Floats, radiator: Radiator
) -> Floats:
    r"""Return log-likelihoods of the five hypotheses relative to no ring at all ``(n_tracks, 5)``.

    The extended likelihood, with S the expected signal and B the expected background at an angle:

    .. math:: \ln L_h = -N_h + \sum_\gamma \ln\left(1 + \frac{S_h(\theta_\gamma)}{B(\theta_\gamma)}\right)

    Parameters
    ----------
    track, angle_mrad
        The photons.
    p_gev
        Measured momenta; the hypothesis adds the mass.
    """
    n_tracks = len(p_gev)
    sigma = np.hypot(radiator.resolution_mrad, radiator.tilt_mrad)
    density = 2.0 * radiator.n_background * occupancy / radiator.window_mrad**2
    # Photons that a track's error moved below 0 would have no background at all.
    background = (density[track] * np.maximum(angle_mrad, 0.2)) * (np.sqrt(2.0 * np.pi) * sigma)
    found = np.empty((n_tracks, N_SPECIES))
    for kind in range(N_SPECIES):
        expected_angle = cherenkov_angle_mrad(p_gev, MASS_GEV[kind], radiator.index)
        expected = expected_photons(expected_angle, radiator)
        pull = (angle_mrad - expected_angle[track]) / sigma
        signal = expected[track] * np.exp(-0.5 * pull**2)
        sums = np.bincount(track, np.log1p(signal / background), minlength=n_tracks)
        found[:, kind] = sums - expected
    return found


def identify(candidates: Candidates, acceptance: Acceptance, rng: np.random.Generator) -> dict[str, Floats]:
    """Return the columns of the two detectors; NaN for tracks that pass neither."""
    n_tracks = len(candidates.p_gev)
    total = np.zeros((n_tracks, N_SPECIES))
    for radiator, is_inside, particles in (
        (AEROGEL, acceptance.rich1, candidates.upstream),
        (C4F10, acceptance.rich1, candidates.upstream),
        (CF4, acceptance.rich2, candidates.downstream),
    ):
        rows = np.flatnonzero(is_inside)
        seen = Particles(particles.kind[rows], particles.p_gev[rows])
        track, angle = draw_photons(seen, candidates.occupancy[rows], radiator, rng)
        total[rows] += log_likelihoods(
            track, angle, candidates.p_gev[rows], candidates.occupancy[rows], radiator
        )
    is_seen = acceptance.rich1 | acceptance.rich2
    relative = np.where(is_seen[:, None], total - total[:, [PION]], np.nan)
    return {
        "RICH_DLLbeBCK": np.where(is_seen, -total[:, PION], np.nan),
        "RICH_DLLbeElectron": relative[:, ELECTRON],
        "RICH_DLLbeMuon": relative[:, MUON],
        "RICH_DLLbeKaon": relative[:, KAON],
        "RICH_DLLbeProton": relative[:, PROTON],
        **_threshold_flags(candidates.p_gev, acceptance),
    }


def _threshold_flags(p_gev: Floats, acceptance: Acceptance) -> dict[str, Floats]:
    """Return whether each hypothesis shines in a gas that the track crosses."""
    names = {"Electron": ELECTRON, "Muon": MUON, "Pion": PION, "Kaon": KAON, "Proton": PROTON}
    return {
        f"RICHpFlag{name}": (
            (acceptance.rich1 & (p_gev > threshold_gev(MASS_GEV[kind], C4F10.index)))
            | (acceptance.rich2 & (p_gev > threshold_gev(MASS_GEV[kind], CF4.index)))
        ).astype(np.float64)
        for name, kind in names.items()
    }
