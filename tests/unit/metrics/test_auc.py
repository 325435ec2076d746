from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from rapidity.core.errors import DataError
from rapidity.metrics import RankedScores, auc, macro_auc, one_vs_rest_auc

# Two ways of adding the same numbers in another order.
ROUNDING = 1e-12

# Few different scores, so that ties are common.
events = st.lists(
    st.tuples(st.booleans(), st.sampled_from([-2.0, -0.5, 0.0, 0.25, 1.0]), st.integers(1, 9)),
    min_size=2,
    max_size=60,
).filter(lambda rows: len({row[0] for row in rows}) == 2)
signed_events = st.lists(
    st.tuples(st.booleans(), st.floats(-3, 3, width=32), st.integers(-3, 6)), min_size=2, max_size=60
).filter(
    lambda rows: (
        sum(w for is_signal, _, w in rows if is_signal) != 0
        and sum(w for is_signal, _, w in rows if not is_signal) != 0
    )
)


def columns(rows):
    return tuple(np.array(column) for column in zip(*rows, strict=True))


def pairwise_auc(is_signal, score, weight):
    """Return the definition, pair by pair."""
    x, y = score[is_signal][:, np.newaxis], score[~is_signal][np.newaxis, :]
    pairs = weight[is_signal][:, np.newaxis] * weight[~is_signal][np.newaxis, :]
    wins = (x > y) + 0.5 * (x == y)
    return (pairs * wins).sum() / pairs.sum()


@given(events)
def test_auc_equals_scikit_learn_for_positive_weights_and_ties(rows):
    is_signal, score, weight = columns(rows)
    expected = roc_auc_score(is_signal, score, sample_weight=weight)
    assert auc(is_signal, score, weight) == pytest.approx(expected, abs=ROUNDING)


@given(signed_events)
def test_auc_with_signed_weights_is_the_sum_over_pairs(rows):
    is_signal, score, weight = columns(rows)
    expected = pairwise_auc(is_signal, score, weight)
    assert auc(is_signal, score, weight) == pytest.approx(expected, rel=1e-9, abs=1e-9)


@given(events)
def test_auc_of_the_negated_score_is_the_complement(rows):
    is_signal, score, weight = columns(rows)
    total = auc(is_signal, score, weight) + auc(is_signal, -score, weight)
    assert total == pytest.approx(1.0, abs=ROUNDING)


def test_auc_may_leave_the_unit_interval():
    is_signal = np.array([True, True, False, False])
    assert auc(is_signal, [0.9, 0.2, 0.4, 0.1], [1.5, -0.5, 1.0, 1.0]) == 1.25


def test_auc_accepts_infinite_scores():
    assert auc([True, False], [np.inf, -np.inf]) == 1.0


def test_auc_takes_float32_and_integer_scores():
    assert auc([True, False], np.array([2, 1])) == 1.0
    assert auc([True, False], np.array([2, 1], dtype=np.float32)) == 1.0


@pytest.mark.parametrize(
    ("is_signal", "score", "weight", "message"),
    [
        ([True, True], [0.1, 0.2], None, r"weights of the background sum to zero \(0 events\)"),
        ([False, False], [0.1, 0.2], None, r"weights of the signal sum to zero"),
        ([True, True, False], [0.1, 0.2, 0.3], [1.0, -1.0, 1.0], r"signal sum to zero \(2 events\)"),
        ([], [], None, "not defined"),
        ([True, False], [0.1, np.nan], None, "score is NaN for 1 of 2 events, first at event 1"),
        ([True, False], [0.1, 0.2], [1.0, np.inf], "event_weight holds inf at event 1"),
        ([True, False], [0.1, 0.2], [1.0], r"event_weight has shape \(1,\)"),
        ([True, False], [0.1], None, "score has 1 events, but the classes have 2"),
    ],
)
def test_auc_says_why_it_is_not_defined(is_signal, score, weight, message):
    with pytest.raises(DataError, match=message):
        auc(np.array(is_signal, dtype=bool), np.array(score), weight)


def test_one_vs_rest_auc_compares_each_class_with_all_others():
    rng = np.random.default_rng(1)
    index, scores = rng.integers(0, 3, 200), rng.random((200, 3))
    expected = [auc(index == k, scores[:, k]) for k in range(3)]
    assert one_vs_rest_auc(index, scores).tolist() == expected
    assert macro_auc(index, scores) == pytest.approx(np.mean(expected))


def test_unknown_classes_are_refused():
    with pytest.raises(DataError, match="Events of unknown class can be scored, not evaluated"):
        one_vs_rest_auc([0, -1], [[0.5, 0.5], [0.5, 0.5]])


def test_ranked_scores_give_the_same_auc_for_new_weights():
    rng = np.random.default_rng(2)
    is_signal, score = rng.random(300) < 0.4, rng.random(300).round(2)
    ranked = RankedScores.from_events(is_signal, score)
    for _ in range(3):
        weight = rng.normal(1, 1, 300)
        assert ranked.auc(weight) == pytest.approx(auc(is_signal, score, weight))
        assert ranked.auc_or_nan(weight[ranked.order]) == pytest.approx(ranked.auc(weight))
    assert np.isnan(ranked.auc_or_nan(np.zeros(300)))


def test_scikit_learn_agrees_until_the_background_efficiency_falls():
    """What the guide says of it: negative signal weights pass there, negative background weights do not."""
    is_signal = np.array([True, True, False, False, False])
    score = np.array([0.9, 0.2, 0.4, 0.3, 0.1])
    of_signal = np.array([1.5, -0.5, 1.0, 1.0, 1.0])
    assert auc(is_signal, score, of_signal) == pytest.approx(
        roc_auc_score(is_signal, score, sample_weight=of_signal)
    )
    of_background = np.array([1.0, 1.0, 1.0, -0.5, 1.0])
    with pytest.raises(ValueError, match="neither increasing nor decreasing"):
        roc_auc_score(is_signal, score, sample_weight=of_background)
    assert auc(is_signal, score, of_background) == pytest.approx((2 * 1.5 - 0.5) / 3.0)
