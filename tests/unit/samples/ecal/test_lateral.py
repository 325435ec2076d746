from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from rapidity.samples.ecal.geometry import TILT
from rapidity.samples.ecal.lateral import Arrivals, draw_deposits, integrate, mean_fractions
from rapidity.samples.ecal.shower_profile import Longitudinal

HALF_WIDTH = 6


@pytest.fixture
def rng():
    return np.random.default_rng(6)


def arrive(n=500, energy_gev=50.0, **settings):
    defaults = {
        "energy_gev": np.full(n, energy_gev),
        "is_photon": np.zeros(n, dtype=bool),
        "row": np.zeros(n),
        "column": np.zeros(n),
        "slope_row": np.full(n, TILT),
        "slope_column": np.full(n, TILT),
        "distance_m": np.full(n, 1.29),
    }
    return Arrivals(**(defaults | {name: np.full(n, value) for name, value in settings.items()}))


def around(deposits, half_width):
    middle = slice(HALF_WIDTH - half_width, HALF_WIDTH + half_width + 1)
    return deposits[:, middle, middle].sum(axis=(1, 2))


def test_the_integral_over_crystals_is_that_of_the_profile():
    edges, radius = np.array([[0.2, 1.5]]), np.array([0.7])
    corners = integrate(edges, edges + 0.3, radius)[0]
    cell = corners[1, 1] - corners[0, 1] - corners[1, 0] + corners[0, 0]
    x = 0.2 + (np.arange(400) + 0.5) / 400 * 1.3
    density = radius**2 / (np.pi * (x[:, np.newaxis] ** 2 + (x + 0.3) ** 2 + radius**2) ** 2)
    assert cell == pytest.approx(density.mean() * 1.3**2, rel=1e-4)


def test_crystals_hold_what_the_test_beam_saw(rng):
    # JINST 2 (2007) P04004: about 94 % in 3 x 3, 97 % in 5 x 5 crystals around the middle of one.
    deposits = draw_deposits(arrive(), HALF_WIDTH, rng) / 50.0
    assert around(deposits, 0).mean() == pytest.approx(0.77, abs=0.03)
    assert around(deposits, 1).mean() == pytest.approx(0.945, abs=0.015)
    assert around(deposits, 2).mean() == pytest.approx(0.972, abs=0.015)


def test_no_energy_is_made(rng):
    deposits = draw_deposits(arrive(), HALF_WIDTH, rng)
    total = deposits.sum(axis=(1, 2)) / 50.0
    assert np.all(deposits >= 0)
    assert total.max() <= 1.0
    assert total.mean() > 0.985


def test_an_edge_shares_the_energy_between_two_crystals(rng):
    # The tilt moves the shower on; so the middle of the shower is not that of the face.
    shower = Longitudinal(np.full(1, 4.0), np.full(1, 8.0), np.zeros(1))
    fractions = mean_fractions(arrive(n=1, column=0.5, slope_row=0, slope_column=0), shower, HALF_WIDTH)[0]
    assert fractions[6, 6] == pytest.approx(fractions[6, 7], rel=1e-3)
    np.testing.assert_allclose(fractions[5], fractions[7], rtol=1e-3)


def test_inclined_particles_shower_further_along():
    shower = Longitudinal(np.full(1, 4.0), np.full(1, 8.0), np.zeros(1))
    columns = np.arange(-HALF_WIDTH, HALF_WIDTH + 1)
    means = [
        (mean_fractions(arrive(n=1, slope_column=slope), shower, HALF_WIDTH)[0].sum(axis=0) * columns).sum()
        for slope in (0.0, 0.2)
    ]
    # A mean depth of 8 * 4 / 3 radiation lengths of 0.89 cm, in crystals of 2.2 cm and wider.
    assert means[1] - means[0] == pytest.approx(0.2 * 32 / 3 * 0.89 / 2.4, rel=0.15)


def test_spots_give_fluctuations_of_a_per_cent_or_so_of_what_is_shared(rng):
    fixed = Longitudinal(np.full(1, 4.0), np.full(1, 8.0), np.zeros(1))
    mean = mean_fractions(arrive(n=1), fixed, HALF_WIDTH)[0, 6, 6]
    deposits = draw_deposits(arrive(n=2_000, energy_gev=1.0), HALF_WIDTH, rng)
    assert deposits[:, 6, 6].std() > np.sqrt(mean * (1 - mean) / 393)


def test_soft_particles_are_showers_too(rng):
    deposits = draw_deposits(arrive(n=50, energy_gev=0.05), 2, rng)
    assert np.all(np.isfinite(deposits))
    assert deposits.sum(axis=(1, 2)).mean() == pytest.approx(0.05, rel=0.1)


def test_no_particles_give_no_deposits(rng):
    nothing = Arrivals(*(getattr(arrive(n=3), name)[:0] for name in Arrivals.__dataclass_fields__))
    assert draw_deposits(replace(nothing), 2, rng).shape == (0, 5, 5)
