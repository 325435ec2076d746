from __future__ import annotations

import math

import pytest

from rapidity.config.training import EarlyStopping
from rapidity.training.stopping import Monitor


def after(values, **keys):
    monitor = Monitor.of(EarlyStopping(**keys))
    for epoch, value in enumerate(values, start=1):
        monitor = monitor.updated(epoch, value)
    return monitor


@pytest.mark.parametrize(("quantity", "best"), [("loss", 3), ("accuracy", 1), ("auc", 1)])
def test_loss_should_fall_and_the_others_grow(quantity, best):
    assert after([0.9, 0.5, 0.4, 0.6], monitor=quantity).best_epoch == best


def test_first_of_equal_values_is_best():
    assert after([0.5, 0.4, 0.4]).best_epoch == 2


def test_patience_counts_epochs_without_improvement():
    assert not after([0.5, 0.6, 0.6], patience=3).should_stop
    assert after([0.5, 0.6, 0.6, 0.5], patience=3).should_stop
    assert not after([0.5, 0.6, 0.6, 0.49], patience=3).should_stop


def test_improvements_below_min_delta_do_not_renew_patience_but_may_be_best():
    monitor = after([0.5, 0.45, 0.41], patience=2, min_delta=0.1)
    assert monitor.should_stop
    assert monitor.best_epoch == 3


def test_small_improvements_that_add_up_count():
    assert after([0.5, 0.45, 0.38], patience=2, min_delta=0.1).waited == 0


def test_nan_is_never_an_improvement():
    monitor = after([math.nan, 0.7, math.nan])
    assert (monitor.best_epoch, monitor.waited) == (2, 1)


def test_without_configuration_the_loss_is_watched_and_nothing_stops():
    monitor = Monitor.of(None)
    for epoch in range(1, 100):
        monitor = monitor.updated(epoch, 1.0)
    assert not monitor.should_stop
    assert monitor.best_epoch == 1


def test_state_comes_back_from_a_checkpoint():
    monitor = after([0.5, 0.45], monitor="auc", patience=2)
    assert Monitor.from_dict(monitor.to_dict()) == monitor
