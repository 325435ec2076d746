from __future__ import annotations

import numpy as np
import pytest

from rapidity.core.errors import DataError
from rapidity.metrics import calibration_curve


def test_events_drawn_with_their_score_are_calibrated():
    rng = np.random.default_rng(1)
    score = rng.random(100_000)
    curve = calibration_curve(rng.random(100_000) < score, score)
    pull = (curve.fraction - curve.mean_score) / curve.error
    assert np.abs(pull).max() < 4
    # Twenty bins, each off by its statistical error of 0.4 / sqrt(5000).
    assert curve.calibration_error < 0.01


def test_a_squared_score_is_found_out():
    rng = np.random.default_rng(1)
    probability = rng.random(100_000)
    curve = calibration_curve(rng.random(100_000) < probability, probability**2)
    # The mean of p - p^2 is 1/6.
    assert curve.calibration_error == pytest.approx(1 / 6, abs=0.01)


def test_subtracted_events_leave_the_calibration_of_the_rest():
    """Events of weight -1 beside equal ones of weight +1 leave no trace but in the errors."""
    rng = np.random.default_rng(2)
    score, extra = rng.random(1000), rng.random(500)
    is_signal, is_extra = rng.random(1000) < score, rng.random(500) < 0.5
    plain = calibration_curve(is_signal, score)
    mixed = calibration_curve(
        np.concatenate([is_signal, is_extra, is_extra]),
        np.concatenate([score, extra, extra]),
        np.concatenate([np.ones(1500), -np.ones(500)]),
    )
    np.testing.assert_allclose(mixed.fraction, plain.fraction)
    np.testing.assert_allclose(mixed.mean_score, plain.mean_score)
    assert mixed.calibration_error == pytest.approx(plain.calibration_error)
    assert (mixed.error >= plain.error).all()


def test_bins_without_a_yield_are_not_defined():
    curve = calibration_curve([True, False, True], [0.1, 0.1, 0.9], [0.3, -0.3, 1.0], n_bins=4)
    np.testing.assert_array_equal(np.isnan(curve.fraction), [True, True, True, False])
    assert curve.calibration_error == pytest.approx((0.3 + 0.1) / 1.0)


def test_the_ends_are_in_the_bins_beside_them():
    curve = calibration_curve([False, True], [0.0, 1.0], n_bins=2)
    assert curve.fraction.tolist() == [0.0, 1.0]
    assert curve.calibration_error == 0


def test_logits_are_refused():
    with pytest.raises(DataError, match=r"scores from -3 to 0.5 are no probabilities"):
        calibration_curve([True, False], [0.5, -3.0])


def test_weights_that_cancel_are_refused():
    with pytest.raises(
        DataError, match=r"the calibration is not defined: the weights of 3 events sum to zero"
    ):
        calibration_curve([True, False, True], [0.5, 0.5, 0.1], [0.1, 0.2, -0.3])
