"""Jets of candidates, what each is made of, and the parton that it comes from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from rapidity.samples.clustering import cluster_particles, to_vectors
from rapidity.samples.detector.jets import RADIUS
from rapidity.samples.particles import FourVectors, delta_r, pairs_within_events

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from rapidity.samples.dijets.response import Candidates
    from rapidity.samples.particles import Particles

MIN_PT_GEV, MAX_PT_GEV = 70.0, 400.0
MAX_ETA = 1.8
"""So that the half of an image still lies within the calorimeters, and the jet within the tracker."""
GLUON, QUARK = 0, 1
GLUON_CODE, STRANGE_CODE = 21, 3


@dataclass(frozen=True)
class Jets:
    """Jets and their constituents.

    Attributes
    ----------
    vectors
        Their four-momenta ``(n_jets,)``.
    candidate
        Rows of the candidates that each is made of, one jet after another ``(n_constituents,)``.
    n_constituents
        ``(n_jets,)``
    """

    vectors: FourVectors
    candidate: NDArray[np.int64]
    n_constituents: NDArray[np.int64]

    def take(self, rows: NDArray[np.int64]) -> Jets:
        """Return some of the jets, in the order of `rows`, which is that of the events."""
        starts = np.cumsum(self.n_constituents) - self.n_constituents
        counts = self.n_constituents[rows]
        within = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
        return Jets(self.vectors.take(rows), self.candidate[np.repeat(starts[rows], counts) + within], counts)


def cluster(candidates: Candidates) -> Jets:
    """Return the anti-kt jets (R = 0.4) of 70 GeV and more, in both directions within |eta| of 1.8."""
    import awkward as ak

    sequence = cluster_particles(candidates, RADIUS)
    vectors = to_vectors(sequence.inclusive_jets(min_pt=MIN_PT_GEV))
    parts = sequence.constituent_index(min_pt=MIN_PT_GEV)
    n_constituents = np.asarray(ak.flatten(ak.num(parts, axis=2), axis=1), dtype=np.int64)
    local = np.asarray(ak.flatten(parts, axis=None), dtype=np.int64)
    first = np.repeat(candidates.offsets[vectors.event], n_constituents)
    jets = Jets(vectors, local + first, n_constituents)
    is_kept = (vectors.pt >= MIN_PT_GEV) & (vectors.pt < MAX_PT_GEV) & (np.abs(vectors.eta) < MAX_ETA)
    return jets.take(np.flatnonzero(is_kept))


def match_partons(jets: FourVectors, partons: Particles) -> NDArray[np.int64]:
    """Return the class of each jet: that of the nearest outgoing parton within its radius; -1 without one.

    Down, up and strange quarks are quarks; charm and bottom (from the protons) are neither class.
    """
    left, right = pairs_within_events(jets, partons)
    distance = delta_r(jets, left, partons, right)
    # Written in this order, the nearest one comes last and stays.
    order = np.argsort(-distance, kind="stable")
    order = order[distance[order] < RADIUS]
    code = np.zeros(len(jets), dtype=np.int64)
    code[left[order]] = np.abs(partons.pdg_id[right[order]])
    is_light = (code > 0) & (code <= STRANGE_CODE)
    return np.where(code == GLUON_CODE, GLUON, np.where(is_light, QUARK, -1))
