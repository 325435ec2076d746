from __future__ import annotations

import numpy as np
import pytest

from rapidity.samples.ecal.geometry import FIELD_T, RADIUS_M
from rapidity.samples.ecal.transport import advance, join, start


def fly(pt_gev, charge, eta=0.0, steps=(RADIUS_M,)):
    particle = start(np.array([pt_gev * np.cosh(eta)]), np.array([float(charge)]), np.array([eta]))
    at_m = 0.0
    for to_m in steps:
        particle, at_m = advance(particle, at_m, to_m), to_m
    return particle


@pytest.mark.parametrize("eta", [0.0, 1.2])
@pytest.mark.parametrize("pt_gev", [0.8, 2.0, 50.0])
def test_the_azimuth_turns_by_the_arc_sine_of_radius_over_diameter(pt_gev, eta):
    curvature_radius = pt_gev / (0.299792458 * FIELD_T)
    half_turn = np.arcsin(RADIUS_M / (2 * curvature_radius))
    at_crystals = fly(pt_gev, 1, eta)
    assert at_crystals.phi_rad[0] == pytest.approx(half_turn)
    assert np.arcsin(at_crystals.sin_beta[0]) == pytest.approx(half_turn)
    # The way on the circle is twice the half angle; in space it is longer by cosh(eta).
    assert at_crystals.path_m[0] == pytest.approx(2 * half_turn * curvature_radius * np.cosh(eta))
    assert at_crystals.z_m[0] == pytest.approx(2 * half_turn * curvature_radius * np.sinh(eta))


def test_many_short_flights_are_one_long_one():
    once, often = fly(1.0, -1, 0.5), fly(1.0, -1, 0.5, steps=(0.1, 0.4, 0.9, RADIUS_M))
    for name in ("phi_rad", "sin_beta", "z_m", "path_m"):
        np.testing.assert_allclose(getattr(often, name), getattr(once, name), rtol=1e-10)


def test_opposite_charges_bend_to_opposite_sides():
    assert fly(3.0, -1).phi_rad[0] == pytest.approx(-fly(3.0, 1).phi_rad[0])


def test_photons_fly_straight():
    photon = fly(1.0, 0, 1.0, steps=(0.3, RADIUS_M))
    assert photon.phi_rad[0] == pytest.approx(0.0, abs=1e-12)
    assert photon.z_m[0] == pytest.approx(RADIUS_M * np.sinh(1.0))
    assert photon.path_m[0] == pytest.approx(RADIUS_M * np.cosh(1.0))


def test_a_photon_radiated_at_an_angle_keeps_its_line():
    bent = fly(1.0, 1, steps=(0.8,))
    photon = bent.take(slice(None))
    photon = type(photon)(**{**photon.__dict__, "charge": np.zeros(1)})
    arrived = advance(photon, 0.8, RADIUS_M)
    direction = bent.phi_rad + np.arcsin(bent.sin_beta)
    line = 0.8 * np.exp(1j * bent.phi_rad) + (arrived.path_m - bent.path_m) * np.exp(1j * direction)
    np.testing.assert_allclose(line, RADIUS_M * np.exp(1j * arrived.phi_rad))


def test_below_0_73_gev_nothing_reaches_the_crystals():
    assert fly(0.70, 1).n == 0
    assert fly(0.75, 1).n == 1


def test_particles_are_joined_in_order():
    both = join(fly(3.0, 1), fly(3.0, -1))
    np.testing.assert_array_equal(both.charge, [1, -1])
    assert both.n == 2
