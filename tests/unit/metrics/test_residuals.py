import numpy as np
import pytest

from rapidity.core.errors import DataError
from rapidity.metrics import RankedResiduals, explained_variance, residual_spread


def test_a_normal_distribution_has_its_standard_deviation_twice():
    residuals = np.random.default_rng(1).normal(0.3, 2.0, 200_000)
    spread = residual_spread(residuals)
    assert spread.bias == pytest.approx(0.3, abs=0.02)
    assert spread.resolution == pytest.approx(2.0, rel=0.01)
    assert spread.half_width == pytest.approx(2.0, rel=0.01)


def test_tails_move_the_resolution_and_not_the_half_width():
    residuals = np.concatenate([np.random.default_rng(2).normal(size=10_000), np.full(100, 50.0)])
    spread = residual_spread(residuals)
    assert spread.resolution > 4
    assert spread.half_width == pytest.approx(1.0, rel=0.05)


def test_weights_of_two_are_rows_twice():
    rng = np.random.default_rng(3)
    residuals, weight = rng.normal(size=500), rng.integers(1, 4, 500).astype(float)
    twice = residual_spread(np.repeat(residuals, weight.astype(int)))
    assert residual_spread(residuals, weight).half_width == twice.half_width
    assert residual_spread(residuals, weight).bias == pytest.approx(twice.bias)
    assert residual_spread(residuals, 7 * weight).resolution == pytest.approx(twice.resolution)


def test_an_event_and_its_negative_weigh_nothing():
    residuals = np.random.default_rng(4).normal(size=300)
    weight = np.ones(300)
    more = np.concatenate([residuals, [40.0, 40.0]])
    found = residual_spread(more, np.concatenate([weight, [1.0, -1.0]]))
    assert found.bias == pytest.approx(residual_spread(residuals).bias)
    assert found.half_width == residual_spread(residuals).half_width


@pytest.mark.parametrize("weight", [[1.0, -1.0], [-1.0, -1.0]])
def test_weights_that_sum_to_nothing_give_no_number(weight):
    assert np.isnan(residual_spread([1.0, 2.0], weight).bias)
    assert np.isnan(explained_variance([1.0, 2.0], [1.0, 2.0], weight))


def test_negative_weights_may_leave_no_resolution_but_a_half_width():
    spread = residual_spread([0.0, 10.0, 0.1], [3.0, -1.0, 0.0])
    assert np.isnan(spread.resolution)
    assert (spread.bias, spread.half_width) == (-5.0, 0.0)


def test_a_variance_that_cancels_but_for_rounding_is_zero():
    """0.1 * 1 + 0.2 * 1 - 0.3 * 1 is -6e-17, of which there was no root."""
    residuals = [1.0, -1.0, 1.0, -1.0, 1.0, -1.0, *[0.0] * 8]
    weight = [0.1, 0.1, 0.2, 0.2, -0.3, -0.3, *[1.0] * 8]
    assert sum(w * r * r for w, r in zip(weight, residuals, strict=True)) != 0
    assert residual_spread(residuals, weight).resolution == 0.0
    assert np.isnan(explained_variance(residuals, np.zeros(14), weight))


def test_of_no_events_nothing_is_known():
    assert np.isnan(RankedResiduals.from_values([]).quantile(np.ones(0), 0.5))


def test_nan_is_refused():
    with pytest.raises(DataError, match="1 of 2 residuals are NaN, which have no place in any order"):
        residual_spread([np.nan, 1.0])


def test_truth_and_prediction_have_to_match():
    with pytest.raises(DataError, match=r"truth of shape \(2,\) and prediction of shape \(3,\) cannot be"):
        explained_variance([1.0, 2.0], [1.0, 2.0, 3.0])


def test_a_constant_truth_explains_nothing():
    assert np.isnan(explained_variance([1.0, 1.0], [1.0, 2.0]))
