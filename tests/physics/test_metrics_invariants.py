"""Known answers and the invariances that every central value must have."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rapidity.metrics import (
    accuracy,
    auc,
    calibration_curve,
    confusion_matrix,
    effective_events,
    efficiencies,
    f1,
    fill_histogram,
    find_threshold,
    log_loss,
    normalise_by_true_class,
    one_vs_rest_auc,
    precision,
    precision_recall_curve,
    recall,
    roc_curve,
)

N_CLASSES = 3
ROUNDING = 1e-9  # sums of the same numbers in another order


def central_values(index, scores, weight):
    """Return every normalised central value of these events as one vector."""
    matrix = confusion_matrix(index, scores, weight)
    threshold = find_threshold(index == 1, scores[:, 1], 0.6, weight)
    cut = efficiencies(index == 1, scores[:, 1], threshold, weight)
    roc = roc_curve(index == 0, scores[:, 0], weight)
    purity = precision_recall_curve(index == 0, scores[:, 0], weight)
    histogram = fill_histogram(scores[:, 0], np.linspace(0, 1, 6), weight)
    calibration = calibration_curve(index == 0, scores[:, 0], weight, n_bins=5)
    return np.concatenate(
        [
            one_vs_rest_auc(index, scores, weight),
            [accuracy(index, scores, weight), log_loss(index, np.log(scores), weight)],
            normalise_by_true_class(matrix).ravel(),
            *(quantity(matrix) for quantity in (precision, recall, f1)),
            [threshold, cut.sig_eff, cut.bkg_eff],
            roc.sig_eff,
            roc.bkg_eff,
            purity.precision,
            histogram.values / histogram.total,
            calibration.mean_score,
            calibration.fraction,
            [calibration.calibration_error],
        ]
    )


@st.composite
def scored_events(draw):
    n_events = draw(st.integers(6, 30))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    index = np.concatenate([np.arange(N_CLASSES), rng.integers(0, N_CLASSES, n_events - N_CLASSES)])
    scores = rng.random((n_events, N_CLASSES)).round(1) + 0.05
    counts = rng.integers(1, 5, n_events)
    return index, scores / scores.sum(axis=1, keepdims=True), counts


@given(scored_events())
@settings(deadline=None)
def test_weights_of_one_are_no_weights(events):
    index, scores, _ = events
    np.testing.assert_array_equal(
        central_values(index, scores, np.ones(len(index))), central_values(index, scores, None)
    )


@given(scored_events())
@settings(deadline=None)
def test_a_weight_of_two_is_the_row_twice(events):
    index, scores, counts = events
    np.testing.assert_allclose(
        central_values(index, scores, counts),
        central_values(np.repeat(index, counts), np.repeat(scores, counts, axis=0), None),
        atol=ROUNDING,
    )


@given(scored_events(), st.floats(1e-6, 1e6))
@settings(deadline=None)
def test_a_common_factor_changes_nothing_normalised(events, factor):
    index, scores, counts = events
    np.testing.assert_allclose(
        central_values(index, scores, counts * factor), central_values(index, scores, counts), atol=ROUNDING
    )


@given(scored_events(), st.integers(1, 4))
@settings(deadline=None)
def test_a_pair_that_cancels_contributes_nothing(events, size):
    index, scores, counts = events
    index_with = np.concatenate([index, index[[0, 0]]])
    scores_with = np.concatenate([scores, scores[[0, 0]]])
    counts_with = np.concatenate([counts, [size, -size]])
    np.testing.assert_allclose(
        central_values(index_with, scores_with, counts_with),
        central_values(index, scores, counts),
        atol=ROUNDING,
    )


@st.composite
def signed_events(draw):
    """Return events with weights of both signs, of which each class has a yield above zero."""
    index, scores, counts = draw(scored_events())
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    weight = counts * np.where(rng.random(len(index)) < 0.3, -1, 1)
    # The first event of each class carries what keeps its yield above zero.
    for k in range(N_CLASSES):
        weight[k] = 1 + max(0, -weight[index == k].sum() + weight[k])
    return index, scores, weight


@given(signed_events())
@settings(deadline=None)
def test_a_signed_weight_of_two_is_the_row_twice(events):
    index, scores, weight = events
    twice = np.concatenate([np.arange(len(index))] * 2)
    np.testing.assert_allclose(
        central_values(index, scores, 2 * weight),
        central_values(index[twice], scores[twice], weight[twice]),
        atol=ROUNDING,
    )


@given(signed_events(), st.floats(1e-6, 1e6))
@settings(deadline=None)
def test_a_common_factor_of_signed_weights_changes_nothing_normalised(events, factor):
    index, scores, weight = events
    np.testing.assert_allclose(
        central_values(index, scores, weight * factor), central_values(index, scores, weight), atol=ROUNDING
    )


@given(signed_events(), st.floats(0.1, 10))
@settings(deadline=None)
def test_a_pair_that_cancels_adds_nothing_but_its_errors(events, size):
    index, scores, weight = events
    pair = [0, 0]
    with_pair = np.concatenate([index, index[pair]]), np.concatenate([scores, scores[pair]])
    weight_with = np.concatenate([weight, [size, -size]])
    edges = np.linspace(0, 1, 6)
    alone = fill_histogram(scores[:, 0], edges, weight)
    beside = fill_histogram(with_pair[1][:, 0], edges, weight_with)
    np.testing.assert_allclose(beside.contents, alone.contents, atol=1e-12 * size)
    added = beside.variances - alone.variances
    assert added.sum() == pytest.approx(2 * size**2)
    assert effective_events(weight_with) < effective_events(weight)
    np.testing.assert_allclose(
        confusion_matrix(*with_pair, weight_with), confusion_matrix(index, scores, weight), atol=1e-12 * size
    )


@given(scored_events())
@settings(deadline=None)
def test_errors_and_effective_counts_know_a_weight_of_two_from_two_rows(events):
    """Two equal rows are two measurements; one of weight 2 is one."""
    index, scores, _ = events
    twice = np.concatenate([np.arange(len(index))] * 2)
    edges = np.linspace(0, 1, 6)
    heavy = fill_histogram(scores[:, 0], edges, np.full(len(index), 2.0))
    repeated = fill_histogram(scores[twice, 0], edges)
    np.testing.assert_allclose(heavy.errors, np.sqrt(2) * repeated.errors)
    assert effective_events(np.full(len(index), 2.0)) == len(index)
    assert effective_events(np.ones(2 * len(index))) == 2 * len(index)


def test_auc_of_two_shifted_gaussians():
    rng = np.random.default_rng(1)
    n_events, shift = 200_000, 1.0
    is_signal = np.arange(2 * n_events) < n_events
    score = rng.normal(size=2 * n_events) + shift * is_signal
    expected = 0.5 * (1 + math.erf(shift / 2))
    # The standard error of the AUC is 0.0008 here.
    assert auc(is_signal, score) == pytest.approx(expected, abs=0.003)


def test_auc_with_negative_weights_estimates_that_of_the_subtracted_density():
    """Events of weight -1 from a contamination, mixed in with weight +1, leave the pure AUC."""
    rng = np.random.default_rng(2)
    n_pure, n_mixed = 100_000, 20_000
    pure, background = rng.normal(1, 1, n_pure), rng.normal(0, 1, n_pure)
    mixed, subtracted = rng.normal(3, 1, n_mixed), rng.normal(3, 1, n_mixed)
    score = np.concatenate([pure, mixed, subtracted, background])
    is_signal = np.arange(len(score)) < n_pure + 2 * n_mixed
    weight = np.concatenate([np.ones(n_pure + n_mixed), -np.ones(n_mixed), np.ones(n_pure)])
    assert auc(is_signal, score, weight) == pytest.approx(0.5 * (1 + math.erf(0.5)), abs=0.004)
