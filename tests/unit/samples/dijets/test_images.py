from __future__ import annotations

import numpy as np
import pytest

from rapidity.samples.dijets import images
from rapidity.samples.dijets.deposits import N_POSITIONS, draw_spots, share_photons, stretch, tabulate_showers
from rapidity.samples.dijets.geometry import SIZE, TOWER_ANGLE
from rapidity.samples.dijets.images import SparseImages, draw_images
from rapidity.samples.ecal.geometry import CRYSTAL_ANGLE

MIDDLE = SIZE // 2
TRACKS, ECAL, HCAL = range(3)


@pytest.fixture
def quiet(monkeypatch):
    """Switch noise and thresholds off."""
    monkeypatch.setattr(images, "NOISE_GEV", 0.0)
    monkeypatch.setattr(images, "THRESHOLD_GEV", 1e-6)
    monkeypatch.setattr(images, "TOWER_NOISE_GEV", 0.0)
    monkeypatch.setattr(images, "TOWER_THRESHOLD_GEV", 1e-6)
    monkeypatch.setattr(images, "_noise_above", lambda: (0.0, np.zeros(2)))


@pytest.fixture
def jet(make_vectors):
    """Return a jet in the middle of a tower."""
    return make_vectors((0, 100, 0.5 * TOWER_ANGLE, 0.5 * TOWER_ANGLE), n_events=1)


def at(row, column):
    """Return eta and phi of a pixel, relative to its middle."""
    return [0.5 * TOWER_ANGLE + (place - MIDDLE) * CRYSTAL_ANGLE for place in (row, column)]


@pytest.mark.usefixtures("quiet")
def test_each_channel_has_its_own_energy_at_its_place(jet, make_measured, rng):
    measured = make_measured(
        (0, *at(70, 50), 0.0, 0.0, 20.0, False),
        (0, *at(60, 90), 30.0, 0.0, 0.0, True),
        (0, *at(62, 62), 0, 40, 0, False),
    )
    dense = draw_images(jet, measured, rng).to_dense()
    assert dense.shape == (1, 3, SIZE, SIZE)
    assert dense[0, TRACKS, 70, 50] == pytest.approx(20.0)
    assert np.count_nonzero(dense[0, TRACKS]) == 1
    crystals = dense[0, ECAL]
    assert np.unravel_index(crystals.argmax(), crystals.shape) == (60, 90)
    # What lies outside of 5 x 5 crystals is lost.
    assert crystals.sum() == pytest.approx(30.0, rel=0.06)
    towers = dense[0, HCAL]
    assert towers.sum() == pytest.approx(40.0, rel=0.05)
    assert towers[62, 62] > 0.4 * 40 / 25
    # The pixels of a tower share its energy.
    assert len(np.unique(towers[60:65, 60:65])) == 1


@pytest.mark.usefixtures("quiet")
def test_energies_are_transverse(make_vectors, make_measured, rng):
    jet = make_vectors((0, 100, 1.5, 0.0), n_events=1)
    dense = draw_images(jet, make_measured((0, 1.5, 0.0, 50.0, 0.0, 0.0, True)), rng).to_dense()
    assert dense[0, ECAL].sum() == pytest.approx(50.0 / np.cosh(1.5), rel=0.06)


@pytest.mark.usefixtures("quiet")
def test_images_hold_their_own_event_across_the_seam_of_azimuth(make_vectors, make_measured, rng):
    jets = make_vectors((1, 100, 0.0, np.pi - 0.01), (0, 100, 0.0, 0.0), n_events=2)
    measured = make_measured((0, 0.0, 0.0, 0, 0, 7.0, False), (1, 0.0, -np.pi + 0.02, 0, 0, 5.0, False))
    dense = draw_images(jets, measured, rng).to_dense()
    assert dense[:, TRACKS].sum(axis=(1, 2)).tolist() == [5.0, 7.0]
    assert dense[:, TRACKS, 55:70, 55:70].sum() == 12.0


def test_noise_alone_is_rare_and_above_the_threshold(jet, make_measured, rng):
    far = make_measured((0, 2.9, 3.0, 0.1, 0.0, 0.0, True))
    dense = np.concatenate([draw_images(jet, far, rng).to_dense() for _ in range(100)])
    hits = dense[:, ECAL] > 0
    # Two and a half standard deviations: 0.62 %.
    assert hits.mean() == pytest.approx(0.0062, rel=0.05)
    eta = at(np.arange(SIZE), 0)[0]
    noise = (dense[:, ECAL] * np.cosh(eta)[:, np.newaxis])[hits]
    assert noise.min() >= images.THRESHOLD_GEV * (1 - 1e-6)
    # Mean of a Gaussian above 2.5: its density there over the probability.
    assert noise.mean() / images.NOISE_GEV == pytest.approx(2.823, rel=0.01)
    assert np.count_nonzero(dense[:, HCAL]) == 0


def test_sparse_images_are_cut_and_joined(make_vectors, make_measured, rng):
    jets = make_vectors(*((event, 100, 0.0, 0.0) for event in range(4)))
    measured = make_measured(*((event, 0.0, 0.1, 10.0, 5.0, 3.0, True) for event in range(4)))
    whole = draw_images(jets, measured, rng)
    again = SparseImages.join([whole.slice(0, 1), whole.slice(1, 4)])
    np.testing.assert_array_equal(again.to_dense(), whole.to_dense())
    np.testing.assert_array_equal(whole.slice(2, 3).to_dense()[0], whole.to_dense()[2])


def test_a_photon_in_the_middle_leaves_four_fifths_in_one_crystal():
    table = tabulate_showers()
    middle = table[0, N_POSITIONS // 2, N_POSITIONS // 2].reshape(5, 5)
    assert 0.75 < middle[2, 2] < 0.88
    assert 0.96 < middle.sum() < 0.99
    np.testing.assert_allclose(
        table[0, 3], table[0, N_POSITIONS - 4].reshape(-1, 5, 5)[:, ::-1].reshape(-1, 25)
    )


def test_photons_share_by_place_and_width():
    row, column = np.array([10.0, 10.45]), np.array([20.0, 20.0])
    rows, columns, energy = share_photons(row, column, np.full(2, 8.0), np.ones(2), tabulate_showers())
    first, second = np.zeros((2, 30, 30))
    for image, part in ((first, slice(25)), (second, slice(25, 50))):
        np.add.at(image, (rows[part], columns[part]), energy[part])
    assert first[10, 20] > 0.75 * 8
    # Near the edge the neighbour has half as much or more.
    assert second[11, 20] > 0.5 * second[10, 20]
    wide = share_photons(row, column, np.full(2, 8.0), np.full(2, 3.5), tabulate_showers())[2]
    assert wide.sum() < energy.sum()
    assert stretch(np.array([0.0, 2.5]))[1] > 2


def test_ninety_five_per_cent_of_spots_lie_within_an_interaction_length(rng):
    radius = 1 / np.sqrt(19)
    shower, x, y, energy = draw_spots(np.full(2_000, 10.0), np.full(2_000, radius), rng)
    np.testing.assert_allclose(np.bincount(shower, energy), 10.0)
    assert np.mean(np.hypot(x, y) < 1.0) == pytest.approx(0.95, abs=0.005)
