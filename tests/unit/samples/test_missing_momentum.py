from __future__ import annotations

import numpy as np
import pytest

from rapidity.samples.detector.missing_momentum import measure_missing_momentum, soft_resolution


def test_without_resolution_the_missing_momentum_balances_what_is_visible(make_particles, rng):
    lepton = make_particles((0, 13, 40.0, 0.0, 0.0))
    jet = make_particles((0, 0, 60.0, 0.0, 2.0))
    # All that is visible besides the lepton is in the jet, so that nothing is soft.
    x, y = measure_missing_momentum(jet, lepton, jet, jet, rng)
    assert x[0] == pytest.approx(-40.0 - 60.0 * np.cos(2.0))
    assert y[0] == pytest.approx(-60.0 * np.sin(2.0))


def test_a_mismeasured_jet_shows_up_as_missing_momentum(make_particles, rng):
    jet = make_particles((0, 0, 60.0, 0.0, 0.0))
    recoil = make_particles((0, 13, 60.0, 0.0, np.pi))
    x, y = measure_missing_momentum(jet, recoil, jet, jet.scale(np.array([0.9])), rng)
    assert x[0] == pytest.approx(6.0)
    assert y[0] == pytest.approx(0.0, abs=1e-9)


def test_the_soft_part_is_blurred_as_stated(make_particles, rng):
    n_events = 20_000
    rows = [(event, 211, 50.0, 0.0, side) for event in range(n_events) for side in (0.0, np.pi)]
    soft = make_particles(*rows)
    nothing = soft.take(np.zeros(len(soft), dtype=bool))
    for component in measure_missing_momentum(soft, nothing, nothing, nothing, rng):
        assert component.std() == pytest.approx(soft_resolution(np.array([100.0]))[0], rel=0.02)
        assert component.mean() == pytest.approx(0, abs=0.15)
