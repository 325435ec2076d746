"""Weights that cancel but for rounding are nothing, in every metric: 0.1 + 0.2 - 0.3 is not 0 in float64."""

from __future__ import annotations

import numpy as np
import pytest

from rapidity.core.errors import DataError
from rapidity.metrics import (
    accuracy,
    auc,
    chi2_test,
    confusion_matrix,
    efficiencies,
    f1,
    fill_histogram,
    ks_test,
    log_loss,
    normalise_by_true_class,
    precision,
    precision_recall_curve,
    roc_curve,
    sum_of_weights,
)

CANCELLING = np.array([0.1, 0.2, -0.3])
SCORE = np.array([0.9, 0.5, 0.2, 0.4, 0.8])
IS_SIGNAL = np.array([True, True, True, False, False])
WEIGHT = np.append(CANCELLING, [1.0, 1.0])


def test_the_sum_of_cancelling_weights_is_zero():
    assert CANCELLING.sum() != 0
    assert sum_of_weights(CANCELLING) == 0
    assert sum_of_weights([]) == 0
    assert sum_of_weights([1e-30, 1e-30]) == 2e-30


@pytest.mark.parametrize(
    ("measure", "message"),
    [
        (lambda: auc(IS_SIGNAL, SCORE, WEIGHT), "the AUC is not defined: the weights of the signal"),
        (lambda: auc(~IS_SIGNAL, SCORE, WEIGHT), r"weights of the background sum to zero \(3 events\)"),
        (
            lambda: roc_curve(IS_SIGNAL, SCORE, WEIGHT),
            "the ROC curve is not defined: the weights of the signal",
        ),
        (lambda: precision_recall_curve(IS_SIGNAL, SCORE, WEIGHT), "recall is not defined"),
        (lambda: efficiencies(IS_SIGNAL, SCORE, 0.5, WEIGHT), "the signal efficiency is not defined"),
        (lambda: accuracy([0, 1, 1], np.eye(2)[[0, 1, 0]], CANCELLING), "the accuracy is not defined"),
        (
            lambda: log_loss([0, 1, 1], np.log(np.full((3, 2), 0.5)), CANCELLING),
            "the log-loss is not defined",
        ),
        (lambda: ks_test(SCORE[:3], SCORE, CANCELLING), "the weights of sample a"),
        (lambda: normalise_by_true_class([CANCELLING, [1.0, 0.0, 0.0]]), "row 0 of the confusion matrix"),
    ],
)
def test_cancelling_weights_are_refused(measure, message):
    with pytest.raises(DataError, match=message):
        measure()


def test_histograms_of_cancelling_weights_have_no_shape():
    edges = [0.0, 0.3, 0.6, 1.0]
    nothing = fill_histogram(SCORE[:3], edges, CANCELLING)
    with pytest.raises(DataError, match="whose contents sum to zero has no shape"):
        chi2_test(nothing, fill_histogram(SCORE, edges))


def test_precision_of_a_selection_that_cancels_is_not_defined():
    curve = precision_recall_curve([True, True, True, True], [0.9, 0.8, 0.7, 0.6], [0.1, 0.2, -0.3, 1.0])
    np.testing.assert_array_equal(np.isnan(curve.precision), [False, False, True, False])
    np.testing.assert_array_equal(np.isnan(precision([[0.1, 0.0], [0.2 - 0.3, 1.0]])), [True, False])


def test_background_that_cancels_above_a_cut_is_rejected_entirely():
    is_signal = [False, False, False, False, True]
    cut = efficiencies(is_signal, [0.9, 0.8, 0.7, 0.1, 0.8], 0.5, [0.1, 0.2, -0.3, 1.0, 1.0])
    assert (cut.sig_eff, cut.bkg_eff, cut.bkg_rej) == (1.0, 0.0, np.inf)


def test_a_negative_background_has_no_rejection():
    cut = efficiencies([True, False, False], [0.9, 0.8, 0.1], 0.5, [1.0, -0.5, 1.0])
    assert cut.bkg_eff == pytest.approx(-1.0)
    assert np.isnan(cut.bkg_rej)


def test_cells_whose_weights_cancel_are_empty():
    """Also where all others are empty, so that nothing is left to compare a residue with."""
    matrix = confusion_matrix([0, 0, 0, 1], np.eye(2)[[1, 1, 1, 1]], WEIGHT[:4])
    np.testing.assert_array_equal(matrix, [[0.0, 0.0], [0.0, 1.0]])
    assert np.isnan(f1(matrix)[0])
    assert fill_histogram([0.5, 0.5, 0.5], [0.0, 1.0], CANCELLING).values[0] == 0.0
