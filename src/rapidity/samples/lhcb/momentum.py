r"""Momenta and directions of the particles, and how far from the beam they begin.

Transverse momenta follow the Lévy-Tsallis form

.. math:: \frac{dN}{dp_T} \propto p_T \left(1 + \frac{m_T - m}{n T}\right)^{-n}

which fits spectra of identified hadrons at hadron colliders (ALICE, Eur. Phys. J. C 71 (2011) 1655,
arXiv:1101.4110). Its two numbers, the pseudorapidities and the parts that come from decays were fitted to
1.9 million particles of Pythia 8.317 (`HardQCD:hardbbbar`, 8 TeV, multiple interactions, decays up to
300 mm), momenta above 1.5 GeV and pseudorapidities from 1.9 to 4.9: events with b quarks are what LHCb's own
networks learn from.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from rapidity.samples.lhcb.species import ELECTRON, KAON, MASS_GEV, MUON, PION, PROTON

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Integers = NDArray[np.int64]

MAX_PT_GEV = 15.0
ETA_RANGE = (2.0, 4.6)
MIN_P_GEV = 1.5
"""Slower ones are swept out by the magnet before the last tracking stations."""
MAX_P_GEV = 500.0
"""Above, the bend is not measured any more. Chosen."""
CONVERTED_FRACTION = 0.5
"""Of electrons: from photons that convert in the material; the others from b and c hadrons. Chosen."""


@dataclass(frozen=True)
class Spectrum:
    """Numbers of the Lévy-Tsallis form, and where the particles of this kind come from.

    Attributes
    ----------
    temperature_gev, power
        T in GeV, and n.
    from_b_or_c, from_long_lived
        Parts that come from decays of b or c hadrons, and of kaons and hyperons.
    """

    mass_gev: float
    temperature_gev: float
    power: float
    from_b_or_c: float = 0.0
    from_long_lived: float = 0.0


PHOTON = -2
SPECTRA = {
    ELECTRON: Spectrum(float(MASS_GEV[ELECTRON]), 0.30, 6.1, from_b_or_c=1.0),
    MUON: Spectrum(float(MASS_GEV[MUON]), 0.30, 6.1, from_b_or_c=1.0),
    PION: Spectrum(float(MASS_GEV[PION]), 0.155, 7.8, from_b_or_c=0.064, from_long_lived=0.080),
    KAON: Spectrum(float(MASS_GEV[KAON]), 0.177, 6.2, from_b_or_c=0.110),
    PROTON: Spectrum(float(MASS_GEV[PROTON]), 0.170, 5.7, from_b_or_c=0.090, from_long_lived=0.175),
    PHOTON: Spectrum(0.0, 0.080, 6.6),
}
# Transverse distance between the line of flight and the beam, exponential with these means.
B_OR_C_SCALE_MM = 0.25
LONG_LIVED_SCALE_MM = 8.0
CONVERSION_SCALE_MM = 0.10


def levy_tsallis(pt_gev: Floats, spectrum: Spectrum) -> Floats:
    """Return the density in the transverse momentum, in any unit.

    Examples
    --------
    >>> density = levy_tsallis(np.array([0.0, 0.4, 4.0]), SPECTRA[PION])
    >>> bool(density[0] == 0 and density[1] > 100 * density[2] > 0)
    True
    """
    mt = np.hypot(pt_gev, spectrum.mass_gev)
    scale = spectrum.power * spectrum.temperature_gev
    density: Floats = pt_gev * (1.0 + (mt - spectrum.mass_gev) / scale) ** -spectrum.power
    return density


@lru_cache(maxsize=len(SPECTRA))
def _quantiles(kind: int) -> tuple[Floats, Floats]:
    pt = np.linspace(0.0, MAX_PT_GEV, 6001)
    density = levy_tsallis(pt, SPECTRA[kind])
    cumulative = np.concatenate([[0.0], np.cumsum((density[1:] + density[:-1]) / 2)])
    return cumulative / cumulative[-1], pt


def draw_pt(kind: Integers, rng: np.random.Generator) -> Floats:
    """Return transverse momenta in GeV ``(n_tracks,)``."""
    uniform = rng.random(len(kind))
    pt = np.empty(len(kind))
    for species in np.unique(kind):
        rows = kind == species
        pt[rows] = np.interp(uniform[rows], *_quantiles(int(species)))
    return pt


def draw_momenta(
    kind: Integers, rng: np.random.Generator
) -> tuple[Floats, Floats, Floats, NDArray[np.bool_]]:
    """Return momenta in GeV, the slopes dx/dz and dy/dz, and which are electrons of converted photons.

    Pseudorapidities are uniform, as they are in Pythia within a fifth or so. The electron of a
    converted photon takes a fraction of its energy that is uniform from 0 to 1, nearly what Bethe and
    Heitler give at high energies (PDG, *Passage of particles through matter*).
    """
    n_tracks = len(kind)
    is_converted = (kind == ELECTRON) & (rng.random(n_tracks) < CONVERTED_FRACTION)
    pt = draw_pt(np.where(is_converted, PHOTON, kind), rng)
    pt = np.where(is_converted, pt * rng.random(n_tracks), pt)
    eta = rng.uniform(*ETA_RANGE, n_tracks)
    phi = rng.uniform(-np.pi, np.pi, n_tracks)
    # sinh(eta) = pz / pt, so the slopes need nothing else.
    tan_theta = 1.0 / np.sinh(eta)
    return pt * np.cosh(eta), tan_theta * np.cos(phi), tan_theta * np.sin(phi), is_converted


def draw_impact(kind: Integers, is_converted: NDArray[np.bool_], rng: np.random.Generator) -> Floats:
    """Return signed distances in mm between the line of flight and the beam, in the transverse plane."""
    from_b_or_c = np.array([SPECTRA[species].from_b_or_c for species in range(len(MASS_GEV))])[kind]
    from_long_lived = np.array([SPECTRA[species].from_long_lived for species in range(len(MASS_GEV))])[kind]
    uniform = rng.random(len(kind))
    scale = np.where(uniform < from_b_or_c, B_OR_C_SCALE_MM, 0.0)
    scale = np.where(uniform > 1.0 - from_long_lived, LONG_LIVED_SCALE_MM, scale)
    # A converted photon points to the vertex; the electron is turned a little by what follows.
    scale = np.where(is_converted, CONVERSION_SCALE_MM, scale)
    return rng.laplace(0.0, 1.0, len(kind)) * scale
