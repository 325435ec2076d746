from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from rapidity.report.binning import choose_binning
from rapidity.report.inputs import fill_feature


def covered(values, edges):
    return ((values >= edges[0]) & (values <= edges[-1])).mean()


def test_range_ignores_outliers():
    values = np.concatenate([np.random.default_rng(1).normal(size=10_000), [1e9, -1e12]])
    edges = choose_binning([values]).edges
    assert -10 < edges[0] < edges[-1] < 10
    assert covered(values, edges) > 0.98


def test_range_ignores_a_sentinel_nobody_declared():
    values = np.where(np.arange(5000) % 3 == 0, -999.0, np.random.default_rng(2).normal(size=5000))
    assert choose_binning([values]).edges[0] > -10


def test_range_holds_a_rare_class():
    common, rare = np.zeros(100_000) + np.random.default_rng(3).random(100_000), np.linspace(8, 9, 50)
    assert covered(rare, choose_binning([common, rare]).edges) == 1.0


def test_integers_get_bins_centred_on_them():
    binning = choose_binning([np.array([2, 3, 5, 9])])
    assert binning.is_integer
    assert binning.edges.tolist() == [1.5, 2.5, 3.5, 4.5, 5.5, 6.5, 7.5, 8.5, 9.5]


def test_all_values_of_a_flag_are_shown_however_rare():
    """Where two of a thousand objects were electrons, the figure had a bin of zeros alone."""
    assert choose_binning([np.arange(1000) % 500 == 0]).edges.tolist() == [-0.5, 0.5, 1.5]


def test_a_constant_whole_number_stands_between_its_neighbours():
    """Clouds of one lepton had a bin from 0.83 to 1.17, and ticks at 0.8 and 1.2."""
    binning = choose_binning([np.ones(10), np.ones(5)])
    assert binning.edges.tolist() == [-0.5, 0.5, 1.5, 2.5]
    assert binning.is_integer
    assert choose_binning([np.full(10, 2.5)]).edges[[0, -1]].tolist() == [2.375, 2.625]


def test_many_integers_get_bins_of_equal_whole_width():
    binning = choose_binning([np.arange(500)])
    assert len(binning.edges) <= 42
    assert set(np.diff(binning.edges)) == {13.0}


def test_decades_get_a_logarithmic_axis():
    assert choose_binning([10 ** np.random.default_rng(4).uniform(-2, 4, 5000)]).is_log


def test_positive_values_start_at_zero():
    assert choose_binning([np.random.default_rng(5).exponential(size=5000)]).edges[0] == 0.0


@given(st.lists(st.floats(allow_nan=True, allow_infinity=True, width=32), max_size=30))
def test_edges_always_rise(values):
    edges = choose_binning([np.array(values, dtype=np.float32), np.array([])]).edges
    assert (np.diff(edges) > 0).all()
    assert np.isfinite(edges).all()


def test_missing_values_are_counted_by_class(make_inputs):
    data = make_inputs()
    rows = [np.flatnonzero(data.class_index == k) for k in range(2)]
    feature = fill_feature(data, "jet_pt", rows)
    expected = [(data.features["jet_pt"][class_rows] == -999).mean() for class_rows in rows]
    assert list(feature.missing_fraction) == expected
    assert feature.unit == "GeV"
    assert feature.binning.edges[0] == 0.0
