from __future__ import annotations

import numpy as np
import pytest

from rapidity.samples.particles import delta_r, interleave, opening_angle, pair_mass, pairs_within_events


def test_kinematics_return_what_particles_were_built_from(make_particles):
    particles = make_particles((0, 211, 10.0, 1.5, 3.0), (1, 22, 0.5, -4.0, -3.0))
    np.testing.assert_allclose(particles.pt, [10.0, 0.5])
    np.testing.assert_allclose(particles.eta, [1.5, -4.0])
    np.testing.assert_allclose(particles.phi, [3.0, -3.0])


def test_a_massless_particle_never_has_a_mass_of_nan(make_particles):
    particles = make_particles(*[(0, 22, 10.0, eta, 0.3) for eta in np.linspace(-4, 4, 50)])
    assert np.all(particles.mass >= 0)
    assert particles.mass.max() < 1e-4


def test_pairs_never_cross_events(make_particles):
    first = make_particles((0, 11, 1, 0, 0), (2, 11, 1, 0, 0), n_events=3)
    second = make_particles((0, 22, 1, 0, 0), (0, 22, 1, 0, 0), (1, 22, 1, 0, 0), n_events=3)
    left, right = pairs_within_events(first, second)
    assert left.tolist() == [0, 0]
    assert right.tolist() == [0, 1]


def test_distance_wraps_around_in_azimuth(make_particles):
    particles = make_particles((0, 22, 1.0, 0.0, 3.1), (0, 22, 1.0, 0.0, -3.1))
    one, other = np.array([0]), np.array([1])
    assert delta_r(particles, one, particles, other)[0] == pytest.approx(2 * np.pi - 6.2)


def test_kept_events_are_numbered_anew_and_empty_ones_stay(make_particles):
    particles = make_particles((0, 11, 1, 0, 0), (2, 13, 2, 0, 0), (2, 22, 3, 0, 0), n_events=4)
    kept = particles.keep_events(np.array([False, True, True, True]))
    assert kept.n_events == 3
    assert kept.event.tolist() == [1, 1]
    assert kept.pdg_id.tolist() == [13, 22]
    assert kept.counts.tolist() == [0, 2, 0]


def test_sums_by_event_include_events_without_particles(make_particles):
    particles = make_particles((0, 22, 1.0, 0, 0), (0, 22, 2.0, 0, 0), n_events=2)
    np.testing.assert_allclose(particles.sum_by_event(particles.pt), [3.0, 0.0])


@pytest.mark.parametrize("angle", [0.0, 1e-9, 1e-4, 1.0, np.pi])
def test_opening_angles_are_exact_even_when_tiny(make_particles, angle):
    particles = make_particles((0, 0, 10, 0, 0.0), (0, 0, 70, 0, angle))
    found = opening_angle(particles, np.array([0]), np.array([1]))
    np.testing.assert_allclose(found, [angle], rtol=1e-6, atol=1e-15)


def test_the_mass_of_a_pair_is_that_of_its_sum(make_particles):
    particles = make_particles((0, 0, 30, 0, 0.0), (0, 0, 40, 0, np.pi / 2))
    assert pair_mass(particles, np.array([0]), np.array([1]))[0] == pytest.approx(np.sqrt(2 * 30 * 40))


def test_events_of_two_records_take_turns_with_their_mothers(make_record):
    first = make_record(
        [(90, -1, -1, 1.0, 0.0, 0.0), (6, -62, 0, 2.0, 0.0, 0.0)], [(90, -1, -1, 3.0, 0.0, 0.0)]
    )
    second = make_record(
        [(90, -1, -1, 4.0, 0.0, 0.0)],
        [(90, -1, -1, 5.0, 0.0, 0.0), (5, 1, 0, 6.0, 0.0, 0.0), (4, 1, 1, 7.0, 0.0, 0.0)],
    )
    both = interleave([first, second])
    assert both.n_events == 4
    assert both.event.tolist() == [0, 0, 1, 2, 3, 3, 3]
    np.testing.assert_allclose(both.pt, [1, 2, 4, 3, 5, 6, 7])
    assert both.mother.tolist() == [-1, 0, -1, -1, -1, 4, 5]
    assert both.pdg_id.tolist() == [90, 6, 90, 90, 90, 5, 4]


def test_the_stable_particles_of_a_record(make_record):
    stable = make_record([(511, -83, -1, 5.0, 0.0, 0.0), (211, 91, 0, 3.0, 0.0, 0.0)]).stable
    assert stable.pdg_id.tolist() == [211]
    np.testing.assert_allclose(stable.pt, [3.0])
