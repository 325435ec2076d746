from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from rapidity.core.errors import DataError
from rapidity.metrics import (
    asimov_significance,
    chi2_test,
    correlation_matrix,
    effective_events,
    fill_histogram,
    ks_test,
)


def test_histogram_equals_numpy_and_has_flow():
    rng = np.random.default_rng(6)
    values, weight = rng.normal(size=1000), rng.normal(1, 1, 1000)
    edges = np.linspace(-1, 1, 11)
    histogram = fill_histogram(values, edges, weight)
    np.testing.assert_allclose(histogram.values, np.histogram(values, edges, weights=weight)[0])
    np.testing.assert_allclose(histogram.errors**2, np.histogram(values, edges, weights=weight**2)[0])
    assert histogram.underflow == pytest.approx(weight[values < -1].sum())
    assert histogram.overflow == pytest.approx(weight[values > 1].sum())
    assert histogram.total == pytest.approx(weight.sum())


def test_histogram_puts_infinities_into_flow_and_nan_aside():
    histogram = fill_histogram([-np.inf, np.nan, np.inf, 1.0], [0.0, 1.0], [1.0, 2.0, 4.0, 8.0])
    assert (histogram.underflow, histogram.missing, histogram.overflow) == (1.0, 2.0, 4.0)
    assert histogram.values.tolist() == [8.0]


@pytest.mark.parametrize("edges", [[0.0], [0.0, 0.0], [1.0, 0.0], [[0.0, 1.0]]])
def test_histogram_refuses_edges_that_do_not_rise(edges):
    with pytest.raises(DataError, match="bin edges must rise"):
        fill_histogram([0.5], edges)


def test_chi2_of_equal_shapes_vanishes_whatever_the_scale():
    a = fill_histogram([0.5, 1.5, 1.6], [0, 1, 2])
    b = fill_histogram([0.5, 1.5, 1.6], [0, 1, 2], [5.0, 5.0, 5.0])
    assert chi2_test(a, b).chi2 == pytest.approx(0.0)


def test_chi2_follows_its_distribution_for_weighted_samples():
    rng = np.random.default_rng(7)
    edges = np.linspace(0, 1, 11)
    values = []
    for _ in range(300):
        a = fill_histogram(rng.random(2000), edges, rng.gamma(2.0, size=2000))
        b = fill_histogram(rng.random(3000), edges)
        values.append(chi2_test(a, b).chi2)
    assert np.mean(values) == pytest.approx(9.0, abs=0.8)  # four standard errors of the mean


def test_chi2_refuses_other_edges_and_empty_histograms():
    a, b = fill_histogram([0.5], [0, 1]), fill_histogram([0.5], [0, 2])
    with pytest.raises(DataError, match="different bin edges"):
        chi2_test(a, b)
    with pytest.raises(DataError, match="sum to zero"):
        chi2_test(a, fill_histogram([], [0, 1]))


def test_ks_distance_and_p_value_agree_with_scipy():
    rng = np.random.default_rng(8)
    a, b = rng.normal(size=400), rng.normal(0.1, 1, size=600)
    expected = stats.ks_2samp(a, b, method="asymp")
    test = ks_test(a, b)
    assert test.distance == pytest.approx(expected.statistic)
    assert test.p_value == pytest.approx(expected.pvalue, rel=0.1)


def test_ks_weight_of_two_is_the_event_twice():
    once = ks_test([1.0, 2.0], [1.5], [2.0, 1.0])
    twice = ks_test([1.0, 1.0, 2.0], [1.5])
    assert once.distance == pytest.approx(twice.distance)


def test_ks_of_equal_samples_is_certain():
    test = ks_test([1.0, 2.0, 3.0], [1.0, 2.0, 3.0])
    assert (test.distance, test.p_value) == (0.0, 1.0)


def test_ks_refuses_nan_and_cancelling_samples():
    with pytest.raises(DataError, match="a is NaN"):
        ks_test([np.nan], [1.0])
    with pytest.raises(DataError, match="weights of sample b"):
        ks_test([1.0], [1.0, 2.0], None, [1.0, -1.0])


@given(st.floats(1e-3, 1e3), st.floats(1e-3, 1e6))
def test_asimov_significance_lies_below_s_over_sqrt_b(n_sig, n_bkg):
    value = float(asimov_significance(n_sig, n_bkg))
    assert 0 < value <= n_sig / np.sqrt(n_bkg) * (1 + 1e-12)


def test_asimov_significance_is_smooth_where_the_series_takes_over():
    below, above = asimov_significance([0.0999999, 0.1000001], 100.0)
    assert above / below == pytest.approx(1 + 2e-6, abs=1e-9)


def test_asimov_significance_keeps_precision_for_tiny_signals():
    assert float(asimov_significance(1e-6, 1e6)) == pytest.approx(1e-9, rel=1e-9)


@pytest.mark.parametrize(("n_sig", "n_bkg"), [(-1.0, 1.0), (1.0, 0.0), (np.nan, 1.0), (1.0, np.inf)])
def test_asimov_significance_refuses_impossible_yields(n_sig, n_bkg):
    with pytest.raises(ValueError, match="significance is not defined for these yields"):
        asimov_significance(n_sig, n_bkg)


def test_effective_events_of_nothing_are_zero():
    assert effective_events([]) == 0.0


def test_correlation_equals_numpy():
    rng = np.random.default_rng(9)
    columns = rng.normal(size=(500, 3)) @ rng.normal(size=(3, 3)) + 1e4
    np.testing.assert_allclose(correlation_matrix(columns), np.corrcoef(columns.T), atol=1e-9)


def test_correlation_with_weights_equals_rows_repeated():
    rng = np.random.default_rng(10)
    columns, counts = rng.normal(size=(50, 2)), rng.integers(1, 4, 50)
    np.testing.assert_allclose(
        correlation_matrix(columns, counts), correlation_matrix(np.repeat(columns, counts, axis=0))
    )


def test_correlation_leaves_out_missing_values_pair_by_pair():
    rng = np.random.default_rng(11)
    columns = rng.normal(size=(200, 3))
    columns[:, 1] += columns[:, 0]
    whole = correlation_matrix(columns)
    columns[:100, 2] = np.nan
    partial = correlation_matrix(columns)
    assert partial[0, 1] == pytest.approx(whole[0, 1])
    assert partial[0, 2] == pytest.approx(np.corrcoef(columns[100:, [0, 2]].T)[0, 1], abs=1e-9)
