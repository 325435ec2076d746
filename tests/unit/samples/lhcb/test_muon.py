from __future__ import annotations

import numpy as np
import pytest

from rapidity.samples.lhcb.muon import (
    FIELD_OF_INTEREST,
    draw_distances,
    is_muon,
    is_muon_loose,
    log_likelihood_background,
    log_likelihood_muon,
    scattering_cm,
    stations_reached,
)
from rapidity.samples.lhcb.species import ELECTRON, MUON, NOTHING, PROTON, Particles

INF = np.inf


@pytest.mark.parametrize(
    ("stations", "p_gev", "strict", "loose"),
    [
        ("1100", 2.9, False, False),
        ("1100", 4.0, True, True),
        ("1010", 4.0, False, True),
        ("1100", 8.0, False, False),
        ("1101", 8.0, True, True),
        ("1101", 12.0, False, True),
        ("1111", 12.0, True, True),
        ("0111", 12.0, False, True),
    ],
)
def test_decisions_follow_the_table_of_momenta(stations, p_gev, strict, loose):
    has_hit = np.array([[digit == "1" for digit in stations]])
    assert is_muon(has_hit, np.array([p_gev]))[0] == strict
    assert is_muon_loose(has_hit, np.array([p_gev]))[0] == loose


def test_slow_muons_stop_in_the_iron(rng):
    particles = Particles(np.full(3000, MUON), np.repeat([2.0, 4.2, 12.0], 1000))
    reached = stations_reached(particles, rng).reshape(3, 1000, 4).mean(axis=1)
    np.testing.assert_allclose(reached[0], 0)
    assert reached[1, 0] == 1
    assert reached[1, 3] == 0
    np.testing.assert_allclose(reached[2], 1)


def test_few_hadrons_and_no_electrons_come_through(rng):
    protons = Particles(np.full(50_000, PROTON), np.full(50_000, 10.0))
    reached = stations_reached(protons, rng).mean(axis=0)
    assert 0.01 < reached[0] < 0.02
    assert np.all(np.diff(reached) < 0)
    others = Particles(np.repeat([ELECTRON, NOTHING], 500), np.full(1000, 50.0))
    assert not stations_reached(others, rng).any()


def test_scattering_falls_with_the_momentum_and_grows_with_the_depth():
    slow, fast = scattering_cm(np.array([10.0, 40.0]))
    assert np.all(np.diff(slow) > 0)
    assert slow[0] / fast[0] == pytest.approx(4.0, rel=0.2)


def test_accidental_hits_lie_evenly_in_the_field_of_interest(rng):
    n_tracks = 40_000
    nothing = Particles(np.full(n_tracks, NOTHING), np.full(n_tracks, 10.0))
    distance = draw_distances(nothing, np.full((n_tracks, 4), 5.0), np.ones(n_tracks), rng)
    found = distance[np.isfinite(distance)] / FIELD_OF_INTEREST**2
    assert len(found) / distance.size == pytest.approx(0.058, abs=0.005)
    assert found.mean() == pytest.approx(0.5, abs=0.02)


def test_the_likelihood_of_muons_is_the_survival_of_chi2():
    stats = pytest.importorskip("scipy.stats")
    distance = np.array([[1.0, INF, 3.0, INF], [2.0, 4.0, 1.0, 5.0]])
    expected = np.log(stats.chi2.sf([4.0, 12.0], [4, 8]))
    np.testing.assert_allclose(log_likelihood_muon(distance), expected)


def test_the_likelihood_of_background_is_the_fraction_of_the_area():
    covered = FIELD_OF_INTEREST**2 * 0.1
    one, two, far = log_likelihood_background(
        np.array([[covered, INF, INF, INF], [covered, covered, INF, INF], [FIELD_OF_INTEREST**2] * 4])
    )
    assert one == pytest.approx(np.log(0.1))
    assert two == pytest.approx(np.log(0.2**2 / 2))
    assert far == 0
