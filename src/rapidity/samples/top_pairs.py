"""What is true of top pairs with one charged lepton: the decay products, and whose jets are whose."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from rapidity.samples.particles import FourVectors, delta_r, four_vector_fields, pairs_within_events

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from rapidity.samples.particles import Record

    Integers = NDArray[np.int64]

OTHER, HIGGS, LEPTONIC_TOP, HADRONIC_TOP, W_BOSON = range(5)
"""Where a jet comes from. The tops stand for their b quarks, `W_BOSON` for the quarks of the hadronic one."""

MATCHING_RADIUS = 0.4
TOP_ID, HIGGS_ID, W_ID = 6, 25, 24
HEAVIEST_QUARK = 5
CHARGED_LEPTONS, NEUTRINOS = (11, 13), (12, 14)
FROM_DECAY = 23
"""Pythia's status of what comes from the decay of a resonance; negative if it radiates after that."""


@dataclass(frozen=True)
class Quarks(FourVectors):
    """The quarks of the decays of top quarks, W and Higgs bosons.

    A b quark is taken after it has radiated, where its hadron will be, the others before, since most of
    their radiation ends in their jet: then 0.2 % of the jets of b quarks have no b hadron (before radiation
    it would be 2 to 5 %), and both quarks of a W boson have a jet more often.

    Attributes
    ----------
    origin
        Code of the particle that each comes from.
    """

    origin: Integers


@dataclass(frozen=True)
class TopPairs:
    """Some events, with one charged lepton of a W boson each.

    Attributes
    ----------
    quarks
        Of all events.
    particles
        ``leptonic_top``, ``hadronic_top``, ``neutrino`` and ``higgs``: one row an event, or none in events
        without such a particle. Unstable ones are as they decay, after radiation.
    """

    quarks: Quarks
    particles: dict[str, FourVectors]

    def keep_events(self, is_kept: NDArray[np.bool_]) -> TopPairs:
        """Return the events kept ``(n_events,)``, numbered anew from 0."""
        particles = {name: vectors.keep_events(is_kept) for name, vectors in self.particles.items()}
        return TopPairs(self.quarks.keep_events(is_kept), particles)


def find_top_pairs(record: Record) -> TopPairs:
    """Find the decays of the top quarks, W and Higgs bosons in the generator's record."""
    rows = np.flatnonzero((np.abs(record.status) == FROM_DECAY) & (record.mother >= 0))
    products = record.take(rows)
    code, mother = np.abs(products.pdg_id), record.pdg_id[products.mother]
    is_of_w = np.abs(mother) == W_ID
    is_lepton = is_of_w & np.isin(code, CHARGED_LEPTONS)
    # Of the two tops, that is leptonic whose W boson (of the same sign) is.
    sign = np.zeros(record.n_events, dtype=np.int64)
    sign[products.event[is_lepton]] = np.sign(mother[is_lepton])
    is_leptonic = np.sign(mother) == sign[products.event]
    is_of_top = np.abs(mother) == TOP_ID
    origin = np.select(
        [mother == HIGGS_ID, is_of_top & is_leptonic, is_of_top, is_of_w],
        [HIGGS, LEPTONIC_TOP, HADRONIC_TOP, W_BOSON],
        OTHER,
    )
    is_quark = (code <= HEAVIEST_QUARK) & (origin != OTHER)
    is_bottom = is_quark & (code == HEAVIEST_QUARK)
    rows[is_bottom] = _after_radiation(record, rows[is_bottom])
    quarks = _as_vectors(record.take(rows[is_quark]))
    mothers = {
        "higgs": _first_of_event(products, is_quark & (origin == HIGGS)),
        "leptonic_top": _first_of_event(products, is_quark & (origin == LEPTONIC_TOP)),
        "hadronic_top": _first_of_event(products, is_quark & (origin == HADRONIC_TOP)),
    }
    particles = {name: _as_vectors(record.take(products.mother[rows])) for name, rows in mothers.items()}
    neutrinos = _first_of_event(products, is_of_w & np.isin(code, NEUTRINOS))
    particles["neutrino"] = _as_vectors(products.take(neutrinos))
    return TopPairs(Quarks(**four_vector_fields(quarks), origin=origin[is_quark]), particles)


def find_origins(jets: FourVectors, quarks: Quarks) -> Integers:
    """Return where each jet comes from ``(n_jets,)``, a code from `OTHER` to `W_BOSON`.

    The nearest jet and quark of an event within 0.4 belong together, then the nearest of those that are left,
    and so on: a quark has one jet at most, and a jet one quark.
    """
    left, right = pairs_within_events(jets, quarks)
    distance = delta_r(jets, left, quarks, right)
    near = np.flatnonzero(distance < MATCHING_RADIUS)
    origins = np.full(len(jets), OTHER, dtype=np.int64)
    has_jet = np.zeros(len(quarks), dtype=bool)
    has_quark = np.zeros(len(jets), dtype=bool)
    for pair in near[np.argsort(distance[near], kind="stable")]:
        jet, quark = left[pair], right[pair]
        if not (has_quark[jet] or has_jet[quark]):
            origins[jet] = quarks.origin[quark]
            has_quark[jet] = has_jet[quark] = True
    return origins


def _after_radiation(record: Record, rows: Integers) -> Integers:
    """Return the rows of the last copies of some particles, which radiation has left their code."""
    mothers = record.mother
    copies = np.flatnonzero((mothers >= 0) & (record.pdg_id == record.pdg_id[mothers]))
    next_copy = np.arange(len(record))
    next_copy[mothers[copies]] = copies
    last = rows
    while np.any(next_copy[last] != last):
        last = next_copy[last]
    return last


def _first_of_event(products: Record, is_wanted: NDArray[np.bool_]) -> Integers:
    """Return the first wanted row of each event that has one."""
    rows = np.flatnonzero(is_wanted)
    _, first = np.unique(products.event[rows], return_index=True)
    return rows[first]


def _as_vectors(vectors: FourVectors) -> FourVectors:
    return FourVectors(**four_vector_fields(vectors))
