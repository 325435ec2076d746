from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from rapidity.samples.ecal.geometry import CRITICAL_ENERGY_GEV
from rapidity.samples.ecal.shower_profile import (
    NODES,
    SLICE_STARTS,
    Longitudinal,
    draw_longitudinal,
    n_spots,
    radial_profile,
    slice_energies,
)

N = 20_000


def draw(energy_gev, *, is_photon=False, n=N):
    rng = np.random.default_rng(3)
    return draw_longitudinal(np.full(n, energy_gev), np.full(n, is_photon), rng)


def test_the_critical_energy_is_that_of_lead_tungstate():
    # PDG, atomic and nuclear properties: 9.64 MeV for electrons (Rossi's definition, another one).
    assert pytest.approx(0.0088, abs=0.001) == CRITICAL_ENERGY_GEV


def test_showers_get_deeper_with_the_logarithm_of_the_energy():
    depth = [np.median(draw(energy).maximum_x0) for energy in (1.0, 10.0, 100.0)]
    np.testing.assert_allclose(np.diff(depth), np.log(10.0), rtol=0.03)
    # PDG: the maximum lies at ln(E / Ec) - 0.5 for electrons.
    assert depth[1] == pytest.approx(np.log(10.0 / CRITICAL_ENERGY_GEV) - 0.5, abs=0.5)


@pytest.mark.parametrize("energy_gev", [1.0, 50.0])
def test_fluctuations_and_their_correlation_are_those_of_the_paper(energy_gev):
    shower = draw(energy_gev)
    log_y = np.log(energy_gev / CRITICAL_ENERGY_GEV)
    log_t, log_alpha = np.log(shower.maximum_x0), np.log(shower.alpha)
    assert log_t.std() == pytest.approx(1 / (-1.4 + 1.26 * log_y), rel=0.05)
    assert log_alpha.std() == pytest.approx(1 / (-0.58 + 0.86 * log_y), rel=0.05)
    assert np.corrcoef(log_t, log_alpha)[0, 1] == pytest.approx(0.705 - 0.023 * log_y, abs=0.05)


def test_photons_shower_deeper_than_electrons():
    electron, photon = (draw(50.0, is_photon=flag).mean_depth_x0.mean() for flag in (False, True))
    # A conversion costs 9 / 7, its two halves come to rest ln 2 earlier.
    assert photon - electron == pytest.approx(9 / 7 - np.log(2), abs=0.1)


def test_soft_showers_have_finite_profiles():
    fractions, depth = slice_energies(draw(0.03, n=200))
    assert np.all(np.isfinite(fractions))
    assert np.all(np.isfinite(depth))


def test_slices_hold_the_gamma_profile():
    shower = Longitudinal(np.array([4.0]), np.array([6.0]), np.zeros(1))
    fractions, depth = slice_energies(shower)
    tau = np.linspace(0, 6, 6001)
    profile = tau**3 * np.exp(-3 * tau)
    profile /= profile.sum()
    starts = [*SLICE_STARTS / 10, 6.0]
    expected = [profile[(tau >= a) & (tau < b)].sum() for a, b in pairwise(starts)]
    np.testing.assert_allclose(fractions[0], expected, atol=0.005)
    assert (fractions * depth).sum() == pytest.approx(4.0 / 3.0, rel=0.01)
    assert len(NODES) == 60


def test_less_than_a_per_cent_leaks_out_behind_and_more_of_late_showers():
    early, late = draw(50.0), draw(50.0, is_photon=True)
    leaks = [1 - slice_energies(shower)[0].sum(axis=1).mean() for shower in (early, late)]
    assert 0.001 < leaks[0] < leaks[1] < 0.01


@pytest.mark.parametrize("energy_gev", [1.0, 50.0])
def test_a_moliere_radius_holds_about_nine_tenths(energy_gev):
    tau = (np.arange(600) + 0.5) / 100
    weight = tau**3 * np.exp(-3 * tau)
    core, tail, part = radial_profile(tau, np.full(600, energy_gev))
    for radius, low, high in ((1.0, 0.85, 0.92), (3.5, 0.97, 0.995)):
        inside = part * radius**2 / (radius**2 + core**2) + (1 - part) * radius**2 / (radius**2 + tail**2)
        assert low < np.average(inside, weights=weight) < high


def test_showers_widen_with_depth():
    core, tail, part = radial_profile(np.array([0.3, 1.0, 2.0, 3.0]), np.full(4, 50.0))
    assert np.all(np.diff(core) > 0)
    assert tail[3] > tail[1]
    assert np.all(np.diff(part[1:]) < 0)


def test_the_number_of_spots_grows_a_little_slower_than_the_energy():
    assert n_spots(np.array([1.0]))[0] == pytest.approx(393, rel=0.01)
    assert n_spots(np.array([10.0]))[0] == pytest.approx(393 * 10**0.876, rel=0.01)
