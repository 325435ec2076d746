from __future__ import annotations

import math

import numpy as np
import pytest

from rapidity.core.classes import ClassSet
from rapidity.evaluation import ScoredEvents, Spread, summarise_folds
from rapidity.metrics import accuracy, auc

COUNT = 3


def make_events(n_events=600, weight=None, seed=1):
    rng = np.random.default_rng(seed)
    class_index = np.arange(n_events) % 2
    logits = rng.normal(size=(n_events, 1)) + class_index[:, np.newaxis]
    classes = ClassSet(("background", "signal"))
    split = np.full(n_events, 2, np.int8)
    return ScoredEvents(classes, class_index, split, weight, logits, classes.probabilities(logits))


@pytest.fixture
def fold():
    return np.random.default_rng(2).integers(0, COUNT, 600)


def test_each_fold_has_its_own_numbers(fold):
    rng = np.random.default_rng(3)
    events = make_events(weight=np.where(rng.random(600) < 0.1, -1.0, 1.0))
    summary = summarise_folds(events, fold, COUNT, "event")
    assert summary.events == tuple(np.bincount(fold).tolist())
    for index in range(COUNT):
        part = events.take(fold == index)
        weight = part.event_weight
        expected = auc(part.class_index == 1, part.probabilities[:, 1], weight)
        assert summary.auc[1].values[index] == pytest.approx(expected)
        assert summary.accuracy.values[index] == pytest.approx(
            accuracy(part.class_index, part.probabilities, weight)
        )
    assert summary.macro_auc.mean == pytest.approx(np.mean(summary.macro_auc.values))


def test_the_spread_is_that_of_one_fold():
    assert Spread((1.0, 2.0, 3.0)).spread == pytest.approx(1.0)
    assert Spread((1.0, math.nan, 3.0)).mean == 2.0
    assert Spread((1.0, math.nan, 3.0)).spread == pytest.approx(math.sqrt(2))
    assert math.isnan(Spread((1.0, math.nan)).spread)
    assert math.isnan(Spread((math.nan, math.nan)).mean)


def test_a_fold_whose_weights_cancel_has_no_numbers(fold):
    weight = np.ones(600)
    rows = np.flatnonzero((fold == 1) & (np.arange(600) % 2 == 1))
    weight[rows] = -1.0
    summary = summarise_folds(make_events(weight=weight), fold, COUNT, "event")
    assert np.isnan(summary.log_loss.values).tolist() == [False, True, False]
    metrics = summary.to_metrics(ClassSet(("background", "signal")), "test")
    assert metrics["log_loss"]["values"][1] is None
    assert metrics["test_auc"]["signal"]["mean"] == pytest.approx(np.nanmean(summary.auc[1].values))
    assert np.isfinite(summary.roc["signal"].sig_eff).all()


def test_the_band_is_that_of_the_curves():
    summary = summarise_folds(make_events(30_000), np.arange(30_000) // 2 % COUNT, COUNT, "event")
    band = summary.roc["signal"]
    assert (np.diff(band.bkg_eff) > 0).all()
    assert band.sig_eff[-1] == 1.0
    assert band.spread[-1] == 0.0
    assert 0.0 < band.spread.max() < 0.1
    # The area below the mean curve is the mean of the areas, up to the steps of the grid.
    assert np.trapezoid(band.sig_eff, band.bkg_eff) == pytest.approx(summary.auc[1].mean, abs=1e-3)


def test_joined_events_stand_in_their_order():
    events = make_events(weight=np.ones(600))
    first, second = events.take(np.arange(3)), events.take(np.arange(3, 7))
    joined = first.joined([second])
    np.testing.assert_array_equal(joined.logits, events.logits[:7])
    assert joined.event_weight is not None
    assert make_events().joined([make_events()]).event_weight is None
