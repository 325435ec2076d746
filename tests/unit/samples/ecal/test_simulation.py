from __future__ import annotations

import numpy as np
import pytest

from rapidity.samples.ecal.geometry import CENTRE, MAX_ETA, SIZE
from rapidity.samples.ecal.readout import THRESHOLD_GEV
from rapidity.samples.ecal.simulation import ELECTRON, PHOTON, PT_GEV, fly_to_crystals, simulate_images
from rapidity.samples.ecal.transport import start


@pytest.fixture
def images():
    return simulate_images(np.arange(300) % 2, np.random.default_rng(2)).images


def test_images_have_two_channels_of_32_x_32_crystals(images):
    assert images.shape == (300, SIZE, SIZE, 2)
    assert images.dtype == np.float32
    assert np.all(np.isfinite(images))


def test_the_most_energetic_crystal_is_in_the_middle(images):
    brightest = images[..., 0].reshape(300, -1).argmax(axis=1)
    np.testing.assert_array_equal(brightest, CENTRE * SIZE + CENTRE)


def test_zeros_are_zeros_in_both_channels(images):
    energy, times = images[..., 0], images[..., 1]
    assert energy[energy > 0].min() >= THRESHOLD_GEV / PT_GEV * (1 - 1e-6)
    np.testing.assert_array_equal(energy == 0, times == 0)
    assert np.mean(energy == 0) > 0.9


def test_sums_are_energies_over_50_gev(images):
    total = images[..., 0].sum(axis=(1, 2))
    assert np.quantile(total, 0.02) > 0.9
    assert total.max() < 1.1 * np.cosh(MAX_ETA)


def test_the_true_energy_is_what_the_image_measures():
    simulated = simulate_images(np.arange(300) % 2, np.random.default_rng(2))
    energy = simulated.truth["energy"]
    assert energy.dtype == np.float32
    assert PT_GEV <= energy.min() < energy.max() <= PT_GEV * np.cosh(MAX_ETA)
    ratio = PT_GEV * simulated.images[..., 0].sum(axis=(1, 2)) / energy
    assert np.median(ratio) == pytest.approx(0.98, abs=0.02)
    assert np.quantile(ratio, 0.9) - np.quantile(ratio, 0.2) < 0.06


def test_the_same_numbers_give_the_same_images(images):
    again = simulate_images(np.arange(300) % 2, np.random.default_rng(2)).images
    np.testing.assert_array_equal(again, images)


def test_no_images_are_no_images():
    assert simulate_images(np.zeros(0, dtype=np.int64), np.random.default_rng(1)).images.shape == (
        0,
        32,
        32,
        2,
    )


@pytest.mark.parametrize("eta", [0.0, 1.0])
def test_what_flies_to_the_crystals_has_nearly_all_the_energy(eta):
    n = 500
    etas = np.full(n, eta)
    for kind in (PHOTON, ELECTRON):
        flight = start(PT_GEV * np.cosh(etas), np.full(n, float(kind)), etas)
        arrived = fly_to_crystals(flight, etas, np.random.default_rng(1))
        total = np.bincount(arrived.image, arrived.energy_gev, minlength=n)
        assert total.max() <= PT_GEV * np.cosh(eta) * (1 + 1e-9)
        assert 0.98 < total.mean() / (PT_GEV * np.cosh(eta)) < 1.0
