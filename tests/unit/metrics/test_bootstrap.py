from __future__ import annotations

import numpy as np
import pytest

from rapidity.core.errors import DataError
from rapidity.metrics import paired_difference, percentile_interval, replicate
from rapidity.metrics.bootstrap import _draw_counts


def test_counts_follow_a_poisson_distribution_of_mean_one():
    counts = _draw_counts(400_000, np.random.default_rng(1))
    assert counts.mean() == pytest.approx(1.0, abs=4 / np.sqrt(400_000))
    assert counts.var() == pytest.approx(1.0, abs=0.02)
    assert (counts == 0).mean() == pytest.approx(np.exp(-1), abs=0.004)


def test_replicas_repeat_for_a_seed():
    runs = [replicate(lambda c: c.sum(), 50, 5, np.random.default_rng(3)) for _ in range(2)]
    np.testing.assert_array_equal(*runs)
    assert runs[0].shape == (5, 1)


def test_bootstrap_spread_of_a_mean_is_its_standard_error():
    rng = np.random.default_rng(4)
    values = rng.normal(size=2000)
    replicas = replicate(lambda c: (c @ values) / c.sum(), 2000, 500, rng)
    assert replicas.std() == pytest.approx(1 / np.sqrt(2000), rel=0.15)


def test_undefined_replicas_are_left_out():
    replicas = np.array([[1.0, np.nan], [2.0, np.nan], [np.nan, np.nan], [3.0, 5.0]])
    low, high = percentile_interval(replicas, 0.999)
    assert (low[0], high[0]) == pytest.approx((1.0, 3.0), abs=0.01)
    assert np.isnan([low[1], high[1]]).all()


def test_paired_interval_is_narrow_where_losses_go_together():
    rng = np.random.default_rng(5)
    hard = rng.exponential(size=4000)
    a, b = hard + rng.normal(0, 0.01, 4000), hard + 0.005
    estimate = paired_difference(a, b, rng=rng, n_replicas=300)
    assert estimate.low < -0.005 < estimate.high
    assert estimate.high - estimate.low < 0.001


def test_paired_difference_covers_the_truth_as_often_as_it_says():
    covered = 0
    for seed in range(50):
        rng = np.random.default_rng(seed)
        a, b, weight = rng.normal(0.1, 1, 300), rng.normal(0, 1, 300), rng.gamma(2.0, size=300)
        estimate = paired_difference(a, b, weight, rng=rng, n_replicas=100, confidence_level=0.9)
        covered += estimate.low <= 0.1 <= estimate.high
    assert 38 <= covered <= 50  # 45 expected, standard deviation 2


def test_values_of_different_events_cannot_be_paired():
    with pytest.raises(DataError, match=r"shapes \(2,\) and \(3,\) cannot be paired"):
        paired_difference([1.0, 2.0], [1.0, 2.0, 3.0], rng=np.random.default_rng(1))
