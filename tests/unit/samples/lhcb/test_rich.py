from __future__ import annotations

import numpy as np
import pytest

from rapidity.samples.lhcb.rich import (
    C4F10,
    CF4,
    Radiator,
    cherenkov_angle_mrad,
    draw_photons,
    expected_photons,
    log_likelihoods,
    threshold_gev,
)
from rapidity.samples.lhcb.species import KAON, MASS_GEV, NOTHING, PION, PROTON, Particles


def test_the_angle_follows_from_the_speed():
    beta = 25.0 / np.hypot(25.0, MASS_GEV[KAON])
    (angle,) = cherenkov_angle_mrad(np.array([25.0]), MASS_GEV[KAON], C4F10.index)
    assert np.cos(angle / 1000) == pytest.approx(1 / (C4F10.index * beta))


@pytest.mark.parametrize(("radiator", "largest"), [(C4F10, 52.9), (CF4, 31.6)])
def test_fast_particles_shine_at_the_largest_angle(radiator, largest):
    assert radiator.largest_angle_mrad == pytest.approx(largest, abs=0.1)
    (angle,) = cherenkov_angle_mrad(np.array([1e4]), MASS_GEV[PION], radiator.index)
    assert angle == pytest.approx(largest, abs=0.1)


@pytest.mark.parametrize("kind", [PION, KAON, PROTON])
def test_there_is_no_light_at_the_threshold_and_some_just_above(kind):
    threshold = float(threshold_gev(MASS_GEV[kind], C4F10.index))
    angles = cherenkov_angle_mrad(
        np.array([threshold * 0.999, threshold * 1.01]), MASS_GEV[kind], C4F10.index
    )
    assert angles[0] == 0 < angles[1] < 10


def test_the_yield_goes_with_the_squared_sine():
    angles = np.array([0.0, C4F10.largest_angle_mrad / 2, C4F10.largest_angle_mrad])
    np.testing.assert_allclose(expected_photons(angles, C4F10) / C4F10.n_photons, [0, 0.25, 1], atol=1e-3)


def test_protons_below_threshold_leave_only_background(rng):
    quiet = Radiator("quiet", C4F10.index, C4F10.n_photons, C4F10.resolution_mrad, 0.0, 0.0)
    kinds = np.repeat([PROTON, PION, NOTHING], 500)
    particles = Particles(kinds, np.full(1500, 12.0))
    track, angle = draw_photons(particles, np.ones(1500), quiet, rng)
    assert np.all((track >= 500) & (track < 1000))
    assert len(track) / 500 == pytest.approx(float(expected_photons(np.array([51.6]), quiet)[0]), rel=0.05)
    assert angle.mean() == pytest.approx(51.6, abs=0.1)


def test_the_true_hypothesis_wins(rng):
    n_tracks = 400
    p_gev, occupancy = np.full(n_tracks, 15.0), np.ones(n_tracks)
    for kind in (PION, KAON, PROTON):
        particles = Particles(np.full(n_tracks, kind), p_gev)
        track, angle = draw_photons(particles, occupancy, C4F10, rng)
        found = log_likelihoods(track, angle, p_gev, occupancy, C4F10)
        assert np.mean(found[:, [PION, KAON, PROTON]].argmax(axis=1) == kind - PION) > 0.9


def test_hypotheses_below_threshold_say_the_same_as_no_ring():
    found = log_likelihoods(np.array([0]), np.array([50.0]), np.array([5.0]), np.ones(1), C4F10)
    np.testing.assert_array_equal(found[0, [KAON, PROTON]], 0)
    assert found[0, PION] != 0
