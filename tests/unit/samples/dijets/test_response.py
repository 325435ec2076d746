from __future__ import annotations

import numpy as np
import pytest

from rapidity.samples.dijets.response import (
    CHARGED_HADRON,
    ELECTRON_CANDIDATE,
    HADRON_CONSTANT,
    HADRON_STOCHASTIC,
    MUON_CANDIDATE,
    NEUTRAL_HADRON,
    PHOTON_CANDIDATE,
    charge_sign,
    measure,
)

N = 4_000


@pytest.fixture
def shoot(make_particles, rng):
    """Return a function that measures many particles of one kind, one an event."""

    def call(pdg_id, pt, eta=0.2, n=N):
        particles = make_particles(*((event, pdg_id, pt, eta, 0.5) for event in range(n)))
        return measure(particles, rng)

    return call


@pytest.mark.parametrize(
    ("pdg_id", "charge"),
    [
        (211, 1),
        (-211, -1),
        (321, 1),
        (2212, 1),
        (-2212, -1),
        (2112, 0),
        (130, 0),
        (310, 0),
        (3122, 0),
        (3112, -1),
        (3222, 1),
        (3334, -1),
        (11, -1),
        (-13, 1),
        (22, 0),
        (411, 1),
        (421, 0),
        (511, 0),
        (521, 1),
        (-541, -1),
    ],
)
def test_charges_follow_from_the_quarks(pdg_id, charge):
    assert charge_sign(np.array([pdg_id]))[0] == charge


@pytest.mark.parametrize(
    ("pdg_id", "kind"),
    [
        (211, CHARGED_HADRON),
        (130, NEUTRAL_HADRON),
        (22, PHOTON_CANDIDATE),
        (11, ELECTRON_CANDIDATE),
        (13, MUON_CANDIDATE),
    ],
)
def test_particles_become_candidates_of_their_kind(shoot, pdg_id, kind):
    _, candidates = shoot(pdg_id, 20.0)
    values, counts = np.unique(candidates.kind, return_counts=True)
    assert values[counts.argmax()] == kind
    assert counts.max() > 0.9 * N
    assert np.median(candidates.pt) == pytest.approx(20.0, rel=0.03)


def test_one_track_of_twenty_is_lost_and_its_energy_is_not(shoot):
    _, candidates = shoot(211, 20.0)
    is_track = candidates.kind == CHARGED_HADRON
    assert is_track.sum() / N == pytest.approx(0.95, abs=0.015)
    assert np.all(candidates.charge[is_track] == 1)
    assert np.all(candidates.charge[~is_track] == 0)
    assert (~is_track).sum() > 0.03 * N


def test_hadrons_have_the_resolution_of_the_test_beam(shoot):
    measured, _ = shoot(130, 50.0, eta=0.0)
    total = measured.ecal_gev + measured.hcal_gev
    assert total.mean() == pytest.approx(50.0, rel=0.01)
    assert total.std() / 50 == pytest.approx(
        np.hypot(HADRON_STOCHASTIC / np.sqrt(50), HADRON_CONSTANT), rel=0.06
    )
    # Two of three interact in the crystals, which then take half: Delphes has three tenths for all.
    assert measured.ecal_gev.sum() / total.sum() == pytest.approx(0.33, abs=0.02)


def test_photons_leave_all_in_the_crystals_with_two_per_cent_spread(shoot):
    measured, _ = shoot(22, 10.0, eta=0.0)
    assert not measured.hcal_gev.any()
    assert measured.is_electromagnetic.all()
    assert measured.ecal_gev.std() / 10 == pytest.approx(np.hypot(0.028 / np.sqrt(10), 0.005), rel=0.06)


@pytest.mark.parametrize(("pt", "n_candidates"), [(50.0, 1), (2.0, 2)])
def test_photons_of_hard_pions_are_one_candidate(make_particles, rng, pt, n_candidates):
    pions = make_particles(*((event, 111, pt, 0.0, 0.0) for event in range(N)))
    energy = np.hypot(pions.energy, 0.135)
    pions = type(pions)(pions.event, pions.px, pions.py, pions.pz, energy, N, pions.pdg_id)
    measured, candidates = measure(pions, rng)
    assert len(measured.event) == 2 * N
    assert np.median(candidates.counts) == n_candidates
    assert candidates.pt.sum() / N == pytest.approx(pt, rel=0.03)


def test_neutrinos_and_what_flies_forward_are_not_seen(make_particles, rng):
    measured, candidates = measure(make_particles((0, 12, 50.0, 0.0, 0.0), (0, 211, 5.0, 3.5, 0.0)), rng)
    assert len(measured.event) == len(candidates) == 0


def test_candidates_stand_in_the_order_of_events(make_particles, rng):
    rows = [(event, code, 5.0, 0.1, 0.2) for event in range(50) for code in (111, 211, 130, 22, -11)]
    measured, candidates = measure(make_particles(*rows), rng)
    assert np.all(np.diff(candidates.event) >= 0)
    assert np.all(np.diff(measured.in_order().event) >= 0)
    assert candidates.n_events == 50
