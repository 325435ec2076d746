from __future__ import annotations

import numpy as np
import pytest

from rapidity.samples.lhcb.calorimeter import MIN_ECAL_ET_GEV, SPD_MEV, deposit_energy
from rapidity.samples.lhcb.calorimeter_likelihood import likelihood_differences, reference_histograms
from rapidity.samples.lhcb.species import ELECTRON, MUON, NOTHING, PION, Particles

N_TRACKS = 20_000


@pytest.fixture
def deposit(rng):
    """Return a function: what particles of one kind and momentum leave, without neighbours."""

    def build(kind: int, p_gev: float = 20.0, occupancy: float = 0.0):
        particles = Particles(np.full(N_TRACKS, kind), np.full(N_TRACKS, p_gev))
        return deposit_energy(particles, np.full(N_TRACKS, 0.1), np.full(N_TRACKS, occupancy), rng)

    return build


def test_nothing_leaves_nothing(deposit):
    empty = deposit(NOTHING)
    assert not empty.ecal_gev.any()
    assert not empty.hcal_gev.any()
    assert not empty.preshower_mev.any()
    assert not empty.spd_mev.any()


def test_electrons_have_the_resolution_of_the_calorimeter(deposit):
    ratio = deposit(ELECTRON, 25.0).ecal_gev / 25.0
    core = ratio[np.abs(ratio - 1) < 0.06]
    assert len(core) / len(ratio) > 0.75
    # 10 % / 5 and 1 %, leaks aside.
    assert np.std(core) == pytest.approx(0.0224, abs=0.004)


def test_energy_that_stays_in_the_ecal_does_not_reach_the_hcal(deposit):
    pions = deposit(PION, 30.0)
    assert np.corrcoef(pions.ecal_gev, pions.hcal_gev)[0, 1] < -0.5
    assert np.median(pions.ecal_gev + pions.hcal_gev) == pytest.approx(30.0, rel=0.1)


def test_muons_cross_with_little_whatever_their_momentum(deposit):
    slow, fast = deposit(MUON, 5.0), deposit(MUON, 80.0)
    assert np.median(slow.hcal_gev) == pytest.approx(np.median(fast.hcal_gev), rel=0.03)
    assert np.mean(fast.spd_mev == SPD_MEV) > 0.97


def test_little_transverse_energy_makes_no_cluster(rng):
    particles = Particles(np.full(500, MUON), np.full(500, 20.0))
    deposits = deposit_energy(particles, np.full(500, 0.02), np.zeros(500), rng)
    assert np.mean(deposits.ecal_gev == 0) > 0.9
    seen = deposits.ecal_gev[deposits.ecal_gev > 0]
    assert np.all(seen * 0.02 > MIN_ECAL_ET_GEV)


def test_neighbours_add_energy(deposit):
    assert deposit(MUON, 20.0, 3.0).ecal_gev.mean() > deposit(MUON, 20.0).ecal_gev.mean() + 1.0


def test_likelihoods_prefer_the_truth(deposit):
    p_gev = np.full(N_TRACKS, 20.0)
    electron, muon, pion = (
        likelihood_differences(deposit(kind, 20.0, 1.0), p_gev) for kind in (ELECTRON, MUON, PION)
    )
    for name in ("PrsDLLbeElectron", "EcalDLLbeElectron", "HcalDLLbeElectron"):
        assert np.mean(electron[name]) > 1
        assert np.mean(pion[name]) < 0
    for name in ("EcalDLLbeMuon", "HcalDLLbeMuon"):
        assert np.mean(muon[name]) > 0 > np.mean(pion[name])


def test_references_are_densities():
    for table in (*reference_histograms().ecal.values(), *reference_histograms().preshower.values()):
        np.testing.assert_allclose(np.exp(table).sum(axis=1), 1.0)
