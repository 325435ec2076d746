from __future__ import annotations

import numpy as np
import pytest

from rapidity.samples.particles import four_vector_fields
from rapidity.samples.top_pairs import (
    HADRONIC_TOP,
    HIGGS,
    LEPTONIC_TOP,
    OTHER,
    W_BOSON,
    Quarks,
    find_origins,
    find_top_pairs,
)

# (pdg_id, status, mother, pt, eta, phi) of one event; mothers are rows of the event.
PAIR = (
    (90, -11, -1, 1.0, 0.0, 0.0),
    (6, -62, 0, 100.0, 0.0, 0.0),
    (-6, -62, 0, 110.0, 0.0, 3.0),
    (24, -22, 1, 60.0, 0.0, 0.2),
    (5, -23, 1, 50.0, 0.5, -0.2),
    (-24, -22, 2, 70.0, 0.0, 3.0),
    (-5, 23, 2, 40.0, -0.5, 3.0),
    (-13, 23, 3, 30.0, 0.2, 0.3),
    (14, 23, 3, 35.0, -0.2, 0.1),
    (3, -23, 5, 45.0, 0.4, 2.8),
    (-4, -23, 5, 25.0, -0.4, -3.0),
    (5, -51, 4, 48.0, 0.6, -0.3),  # the b quark of the first top, after radiation
    (21, -51, 4, 8.0, 0.0, 0.5),
    (3, -51, 9, 30.0, 0.9, 2.8),  # the strange quark after radiation: not taken
)
PAIR_AND_HIGGS = (
    *PAIR,
    (25, -62, 0, 90.0, 1.0, 1.5),
    (5, 23, 14, 60.0, 1.2, 1.3),
    (-5, 23, 14, 35.0, 0.8, 1.8),
)


def test_quarks_are_told_by_what_they_come_from(make_record):
    truth = find_top_pairs(make_record(PAIR, PAIR_AND_HIGGS))
    pair = [LEPTONIC_TOP, HADRONIC_TOP, W_BOSON, W_BOSON]
    assert truth.quarks.origin.tolist() == [*pair, *pair, HIGGS, HIGGS]
    assert truth.quarks.event.tolist() == [0] * 4 + [1] * 6


def test_b_quarks_are_taken_after_radiation_and_light_ones_before(make_record):
    quarks = find_top_pairs(make_record(PAIR)).quarks
    np.testing.assert_allclose(quarks.pt, [48.0, 40.0, 45.0, 25.0])


def test_the_top_of_the_antilepton_is_leptonic_in_charge_conjugated_events_too(make_record):
    conjugated = [(-pdg_id if pdg_id not in (21, 90) else pdg_id, *rest) for pdg_id, *rest in PAIR]
    truth = find_top_pairs(make_record(conjugated))
    assert truth.quarks.origin.tolist() == [LEPTONIC_TOP, HADRONIC_TOP, W_BOSON, W_BOSON]
    assert truth.particles["leptonic_top"].pt == pytest.approx([100.0])


def test_heavy_particles_and_the_neutrino_are_found(make_record):
    truth = find_top_pairs(make_record(PAIR, PAIR_AND_HIGGS))
    found = {name: vectors.pt.round(6).tolist() for name, vectors in truth.particles.items()}
    assert found == {
        "higgs": [90.0],
        "leptonic_top": [100.0, 100.0],
        "hadronic_top": [110.0, 110.0],
        "neutrino": [35.0, 35.0],
    }
    assert truth.particles["higgs"].event.tolist() == [1]


def test_events_are_numbered_anew(make_record):
    truth = find_top_pairs(make_record(PAIR, PAIR_AND_HIGGS))
    kept = truth.keep_events(np.array([False, True]))
    assert kept.quarks.event.tolist() == [0] * 6
    assert [vectors.n_events for vectors in kept.particles.values()] == [1] * 4


def make_quarks(make_particles, *rows):
    vectors = make_particles(*[(event, 5, 50.0, eta, phi) for event, eta, phi, _ in rows])
    return Quarks(**four_vector_fields(vectors), origin=np.array([origin for *_, origin in rows]))


def test_the_nearest_jet_and_quark_belong_together(make_particles):
    jets = make_particles(
        (0, 0, 50.0, 0.0, 0.0), (0, 0, 50.0, 0.3, 0.0), (0, 0, 50.0, 2.0, 0.0), (1, 0, 50.0, 0.0, 0.0)
    )
    quarks = make_quarks(
        make_particles, (0, 0.1, 0.0, HIGGS), (0, 0.05, 0.0, LEPTONIC_TOP), (1, 0.0, 0.35, HADRONIC_TOP)
    )
    # The quark of the top takes the first jet, and the one of the Higgs boson has to take the second.
    assert find_origins(jets, quarks).tolist() == [LEPTONIC_TOP, HIGGS, OTHER, HADRONIC_TOP]


def test_a_jet_has_one_quark_at_most(make_particles):
    jets = make_particles((0, 0, 50.0, 0.0, 0.0))
    quarks = make_quarks(make_particles, (0, 0.1, 0.0, W_BOSON), (0, 0.05, 0.0, HIGGS))
    assert find_origins(jets, quarks).tolist() == [HIGGS]


def test_quarks_of_other_events_and_across_the_edge_of_phi(make_particles):
    jets = make_particles((0, 0, 50.0, 0.0, 3.1), (1, 0, 50.0, 0.0, 0.0))
    quarks = make_quarks(make_particles, (0, 0.0, -3.1, HIGGS), (0, 0.0, 0.0, W_BOSON), (1, 2.0, 0.0, HIGGS))
    assert find_origins(jets, quarks).tolist() == [HIGGS, OTHER]
