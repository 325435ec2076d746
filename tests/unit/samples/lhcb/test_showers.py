from __future__ import annotations

import numpy as np
import pytest

from rapidity.samples.lhcb.showers import (
    CRITICAL_ENERGY_GEV,
    draw_electromagnetic_fraction,
    draw_ionisation,
    electromagnetic_fraction,
    shower_depth_x0,
    shower_particles,
)


def test_the_profile_has_its_maximum_where_the_formula_says():
    depths = np.linspace(0.1, 20, 2000)
    number = shower_particles(np.full(2000, 20.0), depths)
    assert depths[number.argmax()] == pytest.approx(np.log(20.0 / CRITICAL_ENERGY_GEV) - 0.5, abs=0.02)


def test_the_profile_holds_the_energy():
    depths = np.linspace(0, 60, 60_001)
    number = shower_particles(np.full(len(depths), 20.0), depths)
    deposited = np.sum(np.where(number > 1, number, 0)) * depths[1] * CRITICAL_ENERGY_GEV
    assert deposited == pytest.approx(20.0, rel=0.02)


def test_showers_get_deeper_with_the_logarithm_of_the_energy():
    depth = shower_depth_x0(np.array([1.0, 10.0, 100.0]))
    np.testing.assert_allclose(np.diff(depth), np.log(10), rtol=1e-6)


def test_ionisation_has_a_peak_and_a_long_tail(rng):
    deposits = draw_ionisation(2.0, 100_000, rng)
    counts, edges = np.histogram(deposits, 200, (1, 4))
    assert edges[counts.argmax()] == pytest.approx(2.0, abs=0.1)
    assert np.mean(deposits) > np.median(deposits) > 2.0
    assert deposits.min() > 0


def test_single_showers_fluctuate_around_the_mean_fraction(rng):
    p_gev, is_proton = np.full(50_000, 20.0), np.zeros(50_000, dtype=bool)
    drawn = draw_electromagnetic_fraction(p_gev, is_proton, rng)
    assert drawn.mean() == pytest.approx(electromagnetic_fraction(p_gev, is_proton)[0], abs=0.01)
    assert drawn.min() < 0.02
    assert drawn.max() > 0.95
