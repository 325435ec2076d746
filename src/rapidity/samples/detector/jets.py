"""Jets: clustering, energy resolution, overlap with leptons."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from rapidity.samples.clustering import cluster_particles, to_vectors
from rapidity.samples.detector.smearing import draw_response
from rapidity.samples.particles import FourVectors, Particles, delta_r, pairs_within_events

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

RADIUS = 0.4
MIN_PT_GEV = 30.0
MAX_ETA = 4.7
TRUE_MIN_PT_GEV = 10.0
"""Clusters below belong to the soft part of the event."""
LEPTON_OVERLAP_RADIUS = 0.4
NOISE_GEV, STOCHASTIC_SQRT_GEV, CONSTANT = 2.5, 0.90, 0.03


def jet_resolution(pt_gev: Floats) -> Floats:
    """Return the relative energy resolution of jets of true transverse momentum `pt_gev`.

    ``sqrt((N / pt)**2 + S**2 / pt + C**2)`` with N = 2.5 GeV, S = 0.90 sqrt(GeV), C = 0.03.
    Source: ATLAS, Eur. Phys. J. C 81 (2021) 689, arXiv:2007.02645, which measures (24 +- 1.5) % at
    20 GeV and (6 +- 0.5) % at 300 GeV for anti-kt jets of R = 0.4 at 13 TeV. The form is the usual
    one; the three numbers are chosen here so that it passes through both measurements. No
    dependence on the pseudorapidity is taken over.

    Examples
    --------
    >>> jet_resolution(np.array([20.0, 30.0, 100.0, 300.0])).round(3)
    array([0.239, 0.187, 0.098, 0.061])
    """
    return np.sqrt((NOISE_GEV / pt_gev) ** 2 + STOCHASTIC_SQRT_GEV**2 / pt_gev + CONSTANT**2)


def cluster_jets(particles: Particles) -> FourVectors:
    """Return the anti-kt jets (R = 0.4, four-momenta added) above 10 GeV of the particles."""
    return to_vectors(cluster_particles(particles, RADIUS).inclusive_jets(min_pt=TRUE_MIN_PT_GEV))


def smear_jets(jets: FourVectors, rng: np.random.Generator) -> FourVectors:
    """Return the jets with measured energies: the whole four-momentum times one response factor.

    Directions are kept, and the mass scales with the energy.
    """
    return jets.scale(draw_response(jet_resolution(jets.pt), rng))


def overlaps_lepton(jets: FourVectors, leptons: FourVectors) -> NDArray[np.bool_]:
    """Return which jets have a lepton of the same event within a distance of 0.4."""
    left, right = pairs_within_events(jets, leptons)
    near = delta_r(jets, left, leptons, right) < LEPTON_OVERLAP_RADIUS
    return np.bincount(left[near], minlength=len(jets)) > 0
