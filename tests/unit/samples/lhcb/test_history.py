from __future__ import annotations

import numpy as np
import pytest

from rapidity.samples.lhcb.history import CALORIMETER_Z_M, FIRST_DECAY_Z_M, draw_histories
from rapidity.samples.lhcb.species import ELECTRON, KAON, MASS_GEV, MUON, NOTHING, PION, PROTON, Particles

N_TRACKS = 40_000


@pytest.fixture
def follow(rng):
    """Return a function: the histories of particles of one kind and momentum."""
    return lambda kind, p_gev: draw_histories(
        Particles(np.full(N_TRACKS, kind), np.full(N_TRACKS, p_gev)), rng
    )


@pytest.mark.parametrize(("kind", "c_tau"), [(PION, 7.8045), (KAON, 3.711)])
def test_hadrons_decay_to_muons_as_their_lifetime_says(follow, kind, c_tau):
    behind = follow(kind, 5.0).downstream.kind
    length = 5.0 / MASS_GEV[kind] * c_tau
    expected = 1 - np.exp(-(CALORIMETER_Z_M - FIRST_DECAY_Z_M) / length)
    assert np.mean(behind == MUON) == pytest.approx(expected, abs=0.01)


@pytest.mark.parametrize("kind", [ELECTRON, MUON, PROTON])
def test_others_do_not_decay(follow, kind):
    assert set(np.unique(follow(kind, 5.0).downstream.kind)) <= {kind, NOTHING}


def test_kinks_of_pions_are_those_of_two_bodies(follow):
    histories = follow(PION, 10.0)
    kinks = histories.kink_rad[histories.downstream.kind == MUON]
    # At most 30 MeV across the line of flight; the muon keeps 57 to 100 % of the momentum.
    assert 0.001 < np.median(kinks[kinks > 0]) < 0.030 / 5.7


def test_energy_is_radiated_by_electrons_alone(follow):
    electrons, pions = follow(ELECTRON, 20.0), follow(PION, 20.0)
    np.testing.assert_allclose(electrons.photon_gev + electrons.p_bent_gev, 20.0)
    assert np.mean(electrons.photon_gev) == pytest.approx(20 * (1 - np.exp(-0.25)), rel=0.05)
    assert not pions.photon_gev.any()
    assert not pions.lost_fraction.any()


def test_some_hadrons_are_lost_before_the_calorimeters(follow):
    assert np.mean(follow(PROTON, 20.0).downstream.kind == NOTHING) == pytest.approx(
        1 - np.exp(-0.08), abs=0.01
    )
