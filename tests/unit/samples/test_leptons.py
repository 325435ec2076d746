from __future__ import annotations

import numpy as np
import pytest

from rapidity.samples.detector import leptons as module
from rapidity.samples.detector.leptons import (
    ELECTRON_EFFICIENCY,
    MUON_EFFICIENCY,
    electron_resolution,
    muon_resolution,
    reconstruct_leptons,
)

N_LEPTONS = 20_000


@pytest.fixture
def always_found(monkeypatch):
    """Identify every lepton within the acceptance."""
    monkeypatch.setattr(module, "ELECTRON_EFFICIENCY", 1.0)
    monkeypatch.setattr(module, "MUON_EFFICIENCY", 1.0)


@pytest.mark.parametrize(("pdg_id", "efficiency"), [(11, ELECTRON_EFFICIENCY), (-13, MUON_EFFICIENCY)])
def test_the_stated_fraction_of_leptons_is_found(make_particles, rng, pdg_id, efficiency):
    particles = make_particles(*[(event, pdg_id, 40.0, 0.3, 1.0) for event in range(N_LEPTONS)])
    leptons, is_used = reconstruct_leptons(particles, rng)
    three_deviations = 3 * np.sqrt(efficiency * (1 - efficiency) / N_LEPTONS)
    assert len(leptons) / N_LEPTONS == pytest.approx(efficiency, abs=three_deviations)
    assert is_used.sum() == len(leptons)


@pytest.mark.usefixtures("always_found")
@pytest.mark.parametrize(("pdg_id", "eta"), [(11, 0.2), (11, 2.1), (13, 0.2), (13, 1.0), (13, 2.1)])
def test_leptons_have_the_resolution_of_their_formula(make_particles, rng, pdg_id, eta):
    particles = make_particles(*[(event, pdg_id, 45.0, eta, 1.0) for event in range(N_LEPTONS)])
    leptons, _ = reconstruct_leptons(particles, rng)
    pt, angle = np.array([45.0]), np.array([eta])
    resolution = electron_resolution(pt * np.cosh(eta), angle) if pdg_id == 11 else muon_resolution(pt, angle)
    # Standard deviation of a standard deviation: 1 / sqrt(2 n) = 0.5 %.
    assert np.std(leptons.pt / 45.0) == pytest.approx(resolution[0], rel=0.02)
    assert np.mean(leptons.pt / 45.0) == pytest.approx(1, abs=5 * resolution[0] / np.sqrt(N_LEPTONS))
    np.testing.assert_allclose(leptons.eta, eta, rtol=1e-6)


@pytest.mark.usefixtures("always_found")
def test_energy_agrees_with_momentum_and_the_known_mass(make_particles, rng):
    leptons, _ = reconstruct_leptons(make_particles((0, 11, 30, 0.1, 0), (0, -13, 30, 2.0, 2)), rng)
    np.testing.assert_allclose(leptons.mass, [0.000511, 0.10566], rtol=1e-3)
    assert leptons.flavour.tolist() == [11, 13]
    assert leptons.charge.tolist() == [-1, 1]


@pytest.mark.usefixtures("always_found")
@pytest.mark.parametrize(
    ("pdg_id", "eta", "is_found"), [(11, 2.45, True), (11, 2.55, False), (13, 2.35, True), (13, 2.45, False)]
)
def test_acceptance_ends_where_it_should(make_particles, rng, pdg_id, eta, is_found):
    leptons, _ = reconstruct_leptons(make_particles((0, pdg_id, 40.0, eta, 0.0)), rng)
    assert (len(leptons) == 1) is is_found


@pytest.mark.usefixtures("always_found")
@pytest.mark.parametrize(
    ("hadron_pt", "distance", "is_kept"),
    [(5.0, 0.2, True), (8.0, 0.2, False), (8.0, 0.45, True), (30.0, 0.45, True)],
)
def test_a_muon_with_too_much_around_it_is_not_isolated(make_particles, rng, hadron_pt, distance, is_kept):
    particles = make_particles((0, 13, 40.0, 0.0, 0.0), (0, 211, hadron_pt, distance, 0.0))
    leptons, _ = reconstruct_leptons(particles, rng)
    assert (len(leptons) == 1) is is_kept


@pytest.mark.usefixtures("always_found")
def test_two_leptons_side_by_side_do_not_spoil_each_other(make_particles, rng):
    particles = make_particles((0, 13, 40.0, 0.0, 0.0), (0, -11, 30.0, 0.2, 0.0))
    assert len(reconstruct_leptons(particles, rng)[0]) == 2


@pytest.mark.usefixtures("always_found")
def test_an_electron_collects_its_photons_and_a_muon_does_not(make_particles, rng):
    particles = make_particles(
        (0, 11, 40.0, 0.0, 0.0), (0, 22, 10.0, 0.05, 0.0), (0, 13, 40.0, 0.0, 2.0), (0, 22, 3.0, 0.0, 2.05)
    )
    leptons, is_used = reconstruct_leptons(particles, rng)
    assert is_used.tolist() == [True, True, True, False]
    assert leptons.pt[0] == pytest.approx(50.0, rel=0.1)
    assert leptons.pt[1] == pytest.approx(40.0, rel=0.1)


@pytest.mark.usefixtures("always_found")
def test_soft_leptons_are_not_found(make_particles, rng):
    assert len(reconstruct_leptons(make_particles((0, 13, 8.0, 0.0, 0.0)), rng)[0]) == 0


def test_events_without_leptons_are_no_problem(make_particles, rng):
    leptons, is_used = reconstruct_leptons(make_particles((0, 211, 50.0, 0.0, 0.0)), rng)
    assert len(leptons) == 0
    assert not is_used.any()
