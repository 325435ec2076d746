from __future__ import annotations

import numpy as np
import pytest

from rapidity.samples.ecal.readout import (
    COLLISION_TIME_NS,
    NOISE_GEV,
    THRESHOLD_GEV,
    read_energies,
    read_times,
    suppress,
    time_resolution_ns,
)


@pytest.fixture
def rng():
    return np.random.default_rng(4)


def test_empty_crystals_have_40_mev_of_noise(rng):
    measured = read_energies(np.zeros((50, 32, 32)), rng)
    assert measured.mean() == pytest.approx(0.0, abs=0.001)
    assert measured.std() == pytest.approx(NOISE_GEV, rel=0.02)


@pytest.mark.parametrize("energy_gev", [1.0, 50.0])
def test_crystals_have_the_stochastic_term_and_the_constant_one(energy_gev, rng):
    measured = read_energies(np.full((20, 32, 32), energy_gev), rng)
    expected = np.sqrt(NOISE_GEV**2 + 0.021**2 * energy_gev + (0.005 * energy_gev) ** 2)
    assert measured.mean() == pytest.approx(energy_gev, rel=0.002)
    assert measured.std() == pytest.approx(expected, rel=0.03)


def test_what_is_below_the_threshold_is_exactly_zero():
    kept = suppress(np.array([-0.3, 0.0, 0.99 * THRESHOLD_GEV, THRESHOLD_GEV, 3.0]))
    np.testing.assert_array_equal(kept, [0, 0, 0, THRESHOLD_GEV, 3.0])


def test_six_crystals_of_a_thousand_are_noise(rng):
    kept = suppress(read_energies(np.zeros((200, 32, 32)), rng))
    assert np.mean(kept > 0) == pytest.approx(0.0062, rel=0.1)


def test_times_are_right_within_their_resolution(rng):
    energy = np.full((400, 4, 4), 5.0)
    times = read_times(energy, np.full(energy.shape, 2.0), rng)
    assert times.mean() == pytest.approx(2.0, abs=0.05)
    within = (times - times.mean(axis=(1, 2), keepdims=True)).std() * np.sqrt(16 / 15)
    assert within == pytest.approx(time_resolution_ns(np.array(5.0)), rel=0.03)
    common = np.sqrt(times.mean(axis=(1, 2)).var() - within**2 / 16)
    assert common == pytest.approx(COLLISION_TIME_NS, rel=0.15)


def test_high_energies_are_timed_better():
    assert np.all(np.diff(time_resolution_ns(np.array([0.1, 1.0, 10.0, 50.0]))) < 0)


def test_crystals_that_are_not_read_have_no_time(rng):
    energy = np.zeros((3, 4, 4))
    energy[:, 1, 2] = 1.0
    times = read_times(energy, np.ones(energy.shape), rng)
    np.testing.assert_array_equal(np.nonzero(times), np.nonzero(energy))
