from __future__ import annotations

import math

import numpy as np
import pytest
import vector

from rapidity.physics import kinematics

# Both compute in float64 with other formulae; a few units in the last place of the largest term.
RELATIVE = 1e-9


@pytest.fixture
def momenta() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(7)
    pt, eta, phi = rng.exponential(40.0, 500) + 0.1, rng.normal(0.0, 2.0, 500), rng.uniform(-4.0, 4.0, 500)
    mass = rng.exponential(5.0, 500)
    reference = vector.array({"pt": pt, "eta": eta, "phi": phi, "mass": mass})
    return {
        "px": reference.px, "py": reference.py, "pz": reference.pz, "energy": reference.energy,
        "pt": reference.pt, "eta": reference.eta, "phi": reference.phi, "mass": reference.mass,
        "rapidity": reference.rapidity, "theta": reference.theta, "p": reference.p,
    }  # fmt: skip


def test_components_agree_with_the_vector_package(momenta):
    pt, pz, energy = momenta["pt"], momenta["pz"], momenta["energy"]
    found = {
        "pt": kinematics.transverse_momentum(momenta["px"], momenta["py"]),
        "pz": kinematics.longitudinal_momentum(pt, momenta["eta"]),
        "eta": kinematics.pseudorapidity(pt, pz),
        "rapidity": kinematics.rapidity(pt, pz, energy),
        "theta": kinematics.polar_angle(pt, pz),
        "energy": kinematics.energy_from_mass(momenta["p"], momenta["mass"]),
        "mass": kinematics.invariant_mass(energy, momenta["p"]),
    }
    for name, values in found.items():
        np.testing.assert_allclose(
            values, momenta[name], rtol=1e-6 if name == "mass" else RELATIVE, atol=1e-7
        )


def test_azimuth_agrees_with_vector_up_to_full_turns(momenta):
    difference = kinematics.azimuth(momenta["px"], momenta["py"]) - momenta["phi"]
    np.testing.assert_allclose(np.exp(1j * difference), 1.0, atol=1e-12)


@pytest.mark.parametrize("angle", [-math.pi, 0.0, 3.0, math.pi, 1e-300, 3 * math.pi, -7.5, 100.0])
def test_wrapped_angles_lie_in_the_half_open_interval(angle):
    wrapped = float(kinematics.wrap_angle(angle))
    assert -math.pi <= wrapped < math.pi
    assert math.isclose(math.cos(wrapped), math.cos(angle), abs_tol=1e-12)


def test_no_rounding_reaches_plus_pi():
    below = np.nextafter(-math.pi, -4.0) - np.arange(5) * 1e-16
    assert (kinematics.wrap_angle(below) < math.pi).all()


def test_angles_inside_the_interval_stay_exactly():
    angles = np.random.default_rng(1).uniform(-math.pi, math.pi, 1000)
    np.testing.assert_array_equal(kinematics.wrap_angle(angles), angles)


def test_pseudorapidity_along_the_beam_is_infinite_and_at_rest_zero():
    found = kinematics.pseudorapidity(np.zeros(3), np.array([2.0, -2.0, 0.0]))
    np.testing.assert_array_equal(found, [np.inf, -np.inf, 0.0])


def test_rapidity_of_a_forward_massless_momentum_does_not_cancel():
    pt, pz = 1.0, 1e9
    expected = np.arcsinh(pz / pt)
    assert float(kinematics.rapidity(pt, pz, math.hypot(pt, pz))) == pytest.approx(expected, rel=1e-12)


def test_rapidity_along_the_beam_is_infinite_and_at_rest_zero():
    found = kinematics.rapidity(np.zeros(3), np.array([3.0, -3.0, 0.0]), np.array([3.0, 3.0, 0.0]))
    np.testing.assert_array_equal(found, [np.inf, -np.inf, 0.0])


def test_space_like_momentum_has_a_mass_below_zero_as_in_vector():
    reference = vector.obj(px=0.0, py=0.0, pz=5.0, energy=4.0)
    assert float(kinematics.invariant_mass(4.0, 5.0)) == pytest.approx(reference.mass)
    assert float(kinematics.energy_from_mass(5.0, -3.0)) == pytest.approx(4.0)


def test_opening_angle_keeps_its_digits_for_collinear_momenta():
    assert float(kinematics.opening_angle((1e3, 0.0, 0.0), (1e3, 1e-5, 0.0))) == pytest.approx(1e-8)
    assert float(kinematics.opening_angle((1.0, 0.0, 0.0), (-1.0, 0.0, 0.0))) == pytest.approx(math.pi)
    assert float(kinematics.opening_angle((0.0, 0.0, 0.0), (-1.0, 0.0, 0.0))) == 0.0


def test_nan_goes_through():
    assert math.isnan(kinematics.delta_phi(math.nan, 1.0))
    assert math.isnan(kinematics.invariant_mass(np.nan, 1.0))
