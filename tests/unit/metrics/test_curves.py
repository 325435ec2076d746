from __future__ import annotations

import numpy as np
import pytest
from sklearn import metrics as sklearn_metrics

from rapidity.core.errors import DataError
from rapidity.metrics import auc, efficiencies, find_threshold, precision_recall_curve, roc_curve


@pytest.fixture
def scored():
    rng = np.random.default_rng(3)
    is_signal = rng.random(5000) < 0.3
    score = (rng.normal(size=5000) + is_signal).round(2)
    return is_signal, score, rng.gamma(2.0, size=5000)


def test_roc_curve_equals_scikit_learn(scored):
    is_signal, score, weight = scored
    curve = roc_curve(is_signal, score, weight)
    bkg_eff, sig_eff, threshold = sklearn_metrics.roc_curve(
        is_signal, score, sample_weight=weight, drop_intermediate=False
    )
    np.testing.assert_allclose(curve.sig_eff, sig_eff, atol=1e-12)
    np.testing.assert_allclose(curve.bkg_eff, bkg_eff, atol=1e-12)
    np.testing.assert_array_equal(curve.threshold, threshold)


def test_area_below_the_roc_curve_is_the_auc_for_signed_weights_too(scored):
    is_signal, score, weight = scored
    weight = weight * np.where(np.arange(len(weight)) % 7 == 0, -1, 1)
    curve = roc_curve(is_signal, score, weight)
    steps = np.diff(curve.bkg_eff)
    area = (steps * (curve.sig_eff[1:] + curve.sig_eff[:-1]) / 2).sum()
    assert area == pytest.approx(auc(is_signal, score, weight))


def test_thinning_keeps_ends_and_area(scored):
    is_signal, _, weight = scored
    score = np.random.default_rng(4).normal(size=len(is_signal)) + is_signal
    curve = roc_curve(is_signal, score, weight)
    thin = curve.thin(300)
    assert len(thin.threshold) <= 302 < len(curve.threshold)
    assert thin.sig_eff[[0, -1]].tolist() == [0.0, curve.sig_eff[-1]]
    area = (np.diff(thin.bkg_eff) * (thin.sig_eff[1:] + thin.sig_eff[:-1]) / 2).sum()
    assert area == pytest.approx(auc(is_signal, score, weight), abs=1e-3)


def test_short_curves_are_not_thinned():
    curve = roc_curve([True, False], [1.0, 0.0])
    assert curve.thin() is curve


def test_roc_curve_needs_both_classes():
    with pytest.raises(DataError, match="weights of the background sum to zero"):
        roc_curve([True], [0.5])


def test_precision_recall_curve_equals_scikit_learn(scored):
    is_signal, score, weight = scored
    curve = precision_recall_curve(is_signal, score, weight)
    precision, recall, threshold = sklearn_metrics.precision_recall_curve(
        is_signal, score, sample_weight=weight
    )
    np.testing.assert_allclose(curve.precision[::-1], precision[:-1], atol=1e-12)
    np.testing.assert_allclose(curve.recall[::-1], recall[:-1], atol=1e-12)
    np.testing.assert_array_equal(curve.threshold[::-1], threshold)


def test_precision_is_nan_where_weights_cancel():
    curve = precision_recall_curve([True, False, True], [0.9, 0.8, 0.1], [1.0, -1.0, 1.0])
    assert np.isnan(curve.precision[1])


def test_thinned_precision_recall_keeps_the_ends(scored):
    is_signal, score, weight = scored
    curve = precision_recall_curve(is_signal, score, weight)
    thin = curve.thin(50)
    assert len(thin.threshold) <= 50
    assert thin.threshold[[0, -1]].tolist() == curve.threshold[[0, -1]].tolist()


def test_recall_needs_signal():
    with pytest.raises(DataError, match="weights of the signal sum to zero"):
        precision_recall_curve([False, False], [0.1, 0.2])


def test_threshold_reaches_the_efficiency_it_was_asked_for(scored):
    is_signal, score, weight = scored
    for target in (0.5, 0.7, 0.9):
        threshold = find_threshold(is_signal, score, target, weight)
        cut = efficiencies(is_signal, score, threshold, weight)
        tighter = efficiencies(is_signal, score, np.nextafter(threshold, np.inf), weight)
        assert tighter.sig_eff < target <= cut.sig_eff


def test_rejection_is_infinite_without_background():
    assert efficiencies([True, False], [0.9, 0.1], 0.5).bkg_rej == float("inf")


def test_efficiencies_need_background():
    with pytest.raises(DataError, match="background efficiency is not defined"):
        efficiencies([True], [0.9], 0.5)
