from __future__ import annotations

import numpy as np
import pytest
from sklearn import metrics as sklearn_metrics

from rapidity.core.classes import ClassSet
from rapidity.core.errors import DataError
from rapidity.metrics import (
    accuracy,
    confusion_matrix,
    f1,
    log_loss,
    log_loss_per_event,
    normalise_by_true_class,
    precision,
    predicted_class,
    recall,
    weighted_mean,
)


@pytest.fixture(params=[2, 4])
def scored(request):
    rng = np.random.default_rng(5)
    index = rng.integers(0, request.param, 800)
    scores = rng.random((800, request.param)) + 0.5 * np.eye(request.param)[index]
    return index, scores / scores.sum(axis=1, keepdims=True), rng.gamma(2.0, size=800)


def test_all_equal_scikit_learn(scored):
    index, scores, weight = scored
    predicted = predicted_class(scores)
    matrix = confusion_matrix(index, scores, weight)
    assert accuracy(index, scores, weight) == pytest.approx(
        sklearn_metrics.accuracy_score(index, predicted, sample_weight=weight)
    )
    assert log_loss(index, np.log(scores), weight) == pytest.approx(
        sklearn_metrics.log_loss(index, scores, sample_weight=weight)
    )
    np.testing.assert_allclose(
        matrix, sklearn_metrics.confusion_matrix(index, predicted, sample_weight=weight)
    )
    expected = sklearn_metrics.precision_recall_fscore_support(index, predicted, sample_weight=weight)
    for ours, theirs in zip((precision, recall, f1), expected, strict=False):
        np.testing.assert_allclose(ours(matrix), theirs)


def test_confusion_matrix_counts_without_weights(scored):
    index, scores, _ = scored
    assert confusion_matrix(index, scores).sum() == len(index)


def test_rows_of_the_normalised_matrix_sum_to_one(scored):
    index, scores, weight = scored
    fractions = normalise_by_true_class(confusion_matrix(index, scores, weight))
    np.testing.assert_allclose(fractions.sum(axis=1), 1.0)


def test_log_loss_from_logits_stays_finite_where_probabilities_saturate():
    classes = ClassSet(("background", "signal"))
    logits = np.array([[200.0], [-200.0]], dtype=np.float32)
    assert log_loss([0, 1], classes.log_probabilities(logits)) == pytest.approx(200.0)


def test_log_loss_per_event_averages_to_the_log_loss(scored):
    index, scores, weight = scored
    losses = log_loss_per_event(index, np.log(scores))
    assert np.average(losses, weights=weight) == pytest.approx(log_loss(index, np.log(scores), weight))


def test_undefined_precision_is_nan_and_f1_zero():
    matrix = [[3.0, 0.0], [2.0, 0.0]]
    assert np.isnan(precision(matrix)[1])
    assert f1(matrix)[1] == 0.0


def test_cancelling_weights_have_no_mean():
    with pytest.raises(DataError, match="accuracy is not defined: the weights of 2 events sum to zero"):
        accuracy([0, 1], [[0.9, 0.1], [0.2, 0.8]], [1.0, -1.0])
    with pytest.raises(DataError, match="log-loss is not defined"):
        log_loss([0, 1], np.log([[0.9, 0.1], [0.2, 0.8]]), [1.0, -1.0])


def test_empty_true_class_cannot_be_normalised():
    with pytest.raises(DataError, match="row 1 of the confusion matrix sums to zero"):
        normalise_by_true_class([[1.0, 0.0], [0.0, 0.0]])


def test_nan_scores_are_refused():
    with pytest.raises(DataError, match="scores is NaN for 1 of 1 events"):
        accuracy([0], [[np.nan, 0.5]])
    with pytest.raises(DataError, match="log_probabilities is NaN"):
        log_loss([0], [[np.nan, 0.5]])


def test_no_events_are_refused():
    with pytest.raises(DataError, match="at least one event"):
        accuracy([], np.zeros((0, 2)))


def test_weighted_mean_names_what_is_undefined():
    with pytest.raises(DataError, match="the signal efficiency is not defined"):
        weighted_mean([1.0], [0.0], "signal efficiency")
