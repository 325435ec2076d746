from __future__ import annotations

import numpy as np
import pytest

from rapidity.samples.ecal.radiation import (
    CONVERSIONS_PER_X0,
    SOFTEST_PHOTON_GEV,
    convert,
    cross_layer,
    draw_pair_fraction,
    radiate,
    scatter,
)
from rapidity.samples.ecal.transport import start

N = 40_000


@pytest.fixture
def rng():
    return np.random.default_rng(8)


def beam(charge, n=N, energy_gev=50.0):
    return start(np.full(n, energy_gev), np.full(n, float(charge)), np.zeros(n))


def test_an_electron_keeps_1_over_e_of_its_energy_after_a_radiation_length(rng):
    electrons, photons = beam(1), []
    for _ in range(20):
        electrons, new = radiate(electrons, np.full(electrons.n, 0.05), rng)
        photons.append(new.energy_gev.sum())
    # What is softer than the softest photon stays: less than a permille.
    assert electrons.energy_gev.mean() / 50.0 == pytest.approx(np.exp(-1.0), abs=0.01)
    assert electrons.energy_gev.sum() + sum(photons) == pytest.approx(50.0 * N)


def test_the_number_of_photons_is_that_of_the_integrated_spectrum(rng):
    _, photons = radiate(beam(1), np.full(N, 0.01), rng)
    y_min = SOFTEST_PHOTON_GEV / 50.0
    expected = 0.01 * (-4 / 3 * np.log(y_min) - 4 / 3 * (1 - y_min) + (1 - y_min**2) / 2)
    assert photons.n / N == pytest.approx(expected, rel=0.05)
    assert photons.energy_gev.min() >= SOFTEST_PHOTON_GEV
    np.testing.assert_array_equal(photons.charge, 0)


def test_the_spectrum_of_photons_falls_as_1_over_their_energy(rng):
    _, photons = radiate(beam(1), np.full(N, 0.05), rng)
    y = photons.energy_gev / 50.0
    edges = np.array([0.001, 0.01, 0.1, 0.3, 0.6, 0.95])
    found = np.histogram(y, edges)[0] / N
    integral = 4 / 3 * np.log(edges) - 4 / 3 * edges + edges**2 / 2
    np.testing.assert_allclose(found, 0.05 * np.diff(integral), rtol=0.12)


def test_soft_electrons_radiate_nothing(rng):
    electrons, photons = radiate(beam(1, n=10, energy_gev=0.9 * SOFTEST_PHOTON_GEV), np.full(10, 1.0), rng)
    assert electrons.n == 10
    assert photons.n == 0


def test_photons_survive_as_seven_ninths_say(rng):
    after = cross_layer(beam(0), np.full(N, 0.5), rng)
    survived = np.sum(after.charge == 0) / N
    assert survived == pytest.approx(np.exp(-CONVERSIONS_PER_X0 * 0.5), abs=0.01)
    assert np.sum(after.charge) == 0
    assert after.energy_gev.sum() == pytest.approx(50.0 * N)


def test_pairs_share_the_energy_as_bethe_and_heitler_say(rng):
    x = draw_pair_fraction(200_000, rng)
    found, edges = np.histogram(x, 10, (0, 1), density=True)
    middle = 0.5 * (edges[1:] + edges[:-1])
    np.testing.assert_allclose(found, 9 / 7 * (1 - 4 / 3 * middle * (1 - middle)), rtol=0.02)


def test_a_pair_has_both_charges_in_one_place(rng):
    pair = convert(beam(0, n=5), rng)
    np.testing.assert_array_equal(pair.charge, [1] * 5 + [-1] * 5)
    np.testing.assert_array_equal(pair.image, [0, 1, 2, 3, 4] * 2)
    np.testing.assert_allclose(pair.energy_gev[:5] + pair.energy_gev[5:], 50.0)


def test_scattering_has_the_width_of_highland(rng):
    scattered = scatter(beam(1, energy_gev=0.5), np.full(N, 0.04), rng)
    expected = 0.0136 / 0.5 * 0.2
    assert scattered.sin_beta.std() == pytest.approx(expected, rel=0.03)
    assert scattered.slope_z.std() == pytest.approx(expected, rel=0.03)
