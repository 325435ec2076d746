from __future__ import annotations

import numpy as np
import pytest

from rapidity.samples.detector.jets import (
    cluster_jets,
    jet_resolution,
    overlaps_lepton,
    smear_jets,
)

N_JETS = 40_000


def test_the_resolution_passes_through_both_measurements_of_atlas():
    measured, uncertainty = np.array([0.24, 0.06]), np.array([0.015, 0.005])
    assert np.all(np.abs(jet_resolution(np.array([20.0, 300.0])) - measured) < uncertainty)


def test_the_resolution_improves_with_momentum():
    assert np.all(np.diff(jet_resolution(np.geomspace(10, 2000, 50))) < 0)


@pytest.mark.parametrize("pt", [20.0, 50.0, 200.0])
def test_smeared_jets_close_on_the_parametrisation(make_particles, rng, pt):
    jets = make_particles(*[(event, 0, pt, 1.0, 0.5) for event in range(N_JETS)])
    response = smear_jets(jets, rng).pt / pt
    # Five standard deviations of the mean; the standard deviation is known to 0.4 %, and a
    # log-normal's tail makes that 0.5 % at 20 GeV.
    assert response.mean() == pytest.approx(1.0, abs=5 * response.std() / np.sqrt(N_JETS))
    assert response.std() == pytest.approx(jet_resolution(np.array([pt]))[0], rel=0.02)


def test_smearing_keeps_directions_and_scales_masses(make_particles, rng):
    jets = make_particles((0, 0, 50.0, 1.0, 0.5))
    massive = jets.scale(np.array([1.0]))
    smeared = smear_jets(massive, rng)
    factor = smeared.pt / jets.pt
    np.testing.assert_allclose(smeared.energy / jets.energy, factor)
    np.testing.assert_allclose(smeared.phi, 0.5)


def test_a_jet_near_a_lepton_of_its_own_event_overlaps(make_particles):
    jets = make_particles((0, 0, 50, 0.0, 0.0), (0, 0, 50, 0.0, 1.0), (1, 0, 50, 0.0, 0.0))
    leptons = make_particles((0, 11, 30, 0.3, 0.0), n_events=2)
    assert overlaps_lepton(jets, leptons).tolist() == [True, False, False]


@pytest.mark.generate
def test_clustering_joins_what_is_near_and_keeps_events_apart(make_particles, capfd):
    pytest.importorskip("fastjet", reason="FastJet is not installed")
    particles = make_particles(
        (0, 211, 20.0, 0.0, 0.0),
        (0, 211, 15.0, 0.2, 0.0),
        (0, 211, 12.0, 0.0, 2.0),
        (2, 211, 40.0, 1.0, 1.0),
        (2, 211, 5.0, -2.0, 1.0),
        n_events=3,
    )
    jets = cluster_jets(particles)
    assert jets.counts.tolist() == [2, 0, 1]
    assert sorted(jets.pt.round(6).tolist()) == [12.0, 35.0, 40.0]
    assert jets.mass.max() == pytest.approx(2 * np.sqrt(20 * 15) * np.sinh(0.1), rel=1e-6)
    assert capfd.readouterr().out == ""
