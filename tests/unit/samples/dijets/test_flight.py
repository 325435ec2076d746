from __future__ import annotations

import numpy as np
import pytest

from rapidity.samples.dijets.flight import fly
from rapidity.samples.dijets.geometry import END_CAP_M
from rapidity.samples.ecal.geometry import FIELD_T, RADIUS_M


def follow(pt, eta, charge, n_steps=200_000):
    """Return eta and azimuth at the first surface, by small steps along the momentum, which turns."""
    x = y = z = phi = 0.0
    step = 4.0 / n_steps
    turn = -charge * 0.299792458 * FIELD_T / pt * step
    while np.hypot(x, y) < RADIUS_M and abs(z) < END_CAP_M:
        middle = phi + 0.5 * turn
        x, y, z, phi = (
            x + step * np.cos(middle),
            y + step * np.sin(middle),
            z + step * np.sinh(eta),
            phi + turn,
        )
    return np.arcsinh(z / np.hypot(x, y)), np.arctan2(y, x)


@pytest.mark.parametrize(
    ("pt", "eta", "charge"), [(1.0, 0.3, 1), (0.9, -1.0, -1), (2.0, 2.2, 1), (0.4, 2.3, -1)]
)
def test_helices_end_where_small_steps_do(pt, eta, charge):
    found_eta, found_phi, arrives = fly(*(np.array([value], float) for value in (pt, eta, 0.0, charge)))
    expected_eta, expected_phi = follow(pt, eta, charge, 20_000)
    assert arrives[0]
    assert found_eta[0] == pytest.approx(expected_eta, abs=2e-3)
    assert found_phi[0] == pytest.approx(expected_phi, abs=2e-3)


def test_soft_particles_turn_round_in_the_barrel():
    limit = 0.299792458 * FIELD_T * RADIUS_M / 2
    pt = limit * np.array([0.98, 1.02])
    assert fly(pt, np.zeros(2), np.zeros(2), np.ones(2))[2].tolist() == [False, True]


def test_both_charges_turn_by_the_same_angle():
    two = np.full(2, 3.0)
    _, phi, _ = fly(two, np.full(2, 0.5), np.full(2, 1.0), np.array([1.0, -1.0]))
    assert phi.mean() == pytest.approx(1.0)
    assert phi[0] < phi[1]
