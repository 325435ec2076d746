from dataclasses import replace

import numpy as np
import pytest

from rapidity.config.evaluation import Evaluation
from rapidity.core.errors import DataError
from rapidity.evaluation import Evaluated, RegressionEvents, evaluate_regression, to_plain

CONFIG = Evaluation(bootstrap=40)


@pytest.fixture
def events():
    """Return events whose resolution is a tenth of the truth, a third of them in the test split."""
    rng = np.random.default_rng(1)
    n_events = 6000
    truth = rng.uniform(20, 100, n_events)
    prediction = truth * (1.02 + 0.1 * rng.normal(size=n_events))
    weight = np.where(rng.random(n_events) < 0.2, -0.5, 1.0)
    return RegressionEvents(truth, prediction, (np.arange(n_events) % 3).astype(np.int8), weight)


def measure(events, **options):
    return evaluate_regression("energy", "true_energy", "GeV", events, CONFIG, **options)


def test_bias_and_resolution_are_those_of_the_events(events):
    result = measure(events)
    assert result.n_events == 2000
    assert result.numbers["relative_bias"].value == pytest.approx(0.02, abs=0.01)
    assert result.numbers["relative_resolution"].value == pytest.approx(0.1, abs=0.01)
    assert result.numbers["relative_half_width"].value == pytest.approx(0.1, abs=0.01)
    for estimate in result.numbers.values():
        assert estimate.low <= estimate.value <= estimate.high
    chosen = events.take_split("test")
    residual = chosen.prediction - chosen.truth
    assert result.numbers["bias"].value == pytest.approx(np.average(residual, weights=chosen.weight))
    assert result.unweighted["bias"] == pytest.approx(residual.mean())
    assert set(result.splits) == {"train", "validation", "test"}


def test_intervals_of_the_truth_hold_as_many_events_each(events):
    result = measure(events)
    assert [interval.n_events for interval in result.intervals] == [200] * 10
    assert result.intervals[0].low == pytest.approx(20, abs=0.5)
    widths = [interval.numbers["resolution"].value for interval in result.intervals]
    assert widths[-1] > 2 * widths[0]
    relative = [interval.numbers["relative_resolution"].value for interval in result.intervals]
    assert max(relative) < 1.6 * min(relative)


def test_events_of_unknown_truth_are_left_out(events):
    truth = events.truth.copy()
    truth[::4] = np.nan
    result = measure(replace(events, truth=truth))
    assert (result.n_events, result.n_unknown) == (1500, 500)
    assert to_plain(result.to_metrics())["n_unknown"] == 500


def test_a_truth_of_both_signs_has_no_relative_numbers(events):
    shifted = replace(events, truth=events.truth - 60, prediction=events.prediction - 60)
    metrics = to_plain(measure(shifted).to_metrics())
    assert metrics["relative_bias"] is None
    assert metrics["bias"] == pytest.approx(measure(events).numbers["bias"].value)


def test_all_events_count_where_there_are_no_splits(events):
    new = replace(events, split=np.full(events.n_events, -1, np.int8), event_weight=None)
    result = measure(new, split="all")
    assert (result.n_events, result.unweighted, result.splits) == (6000, None, {})


def test_a_truth_of_one_value_has_one_interval(events):
    result = measure(replace(events, truth=np.full(events.n_events, 3.0)))
    assert len(result.intervals) == 1
    assert result.intervals[0].n_events == 2000


def test_what_cannot_be_evaluated_is_refused(events):
    with pytest.raises(DataError, match="the network gave NaN for 1 of 6000 events; every event needs a pre"):
        replace(events, prediction=np.where(np.arange(6000) == 7, np.nan, events.prediction))
    # An exponential undoes the logarithm of a target, and of 89 it is infinite in float32.
    with pytest.raises(DataError, match="the network gave inf for 1 of 6000 events; every event needs a pre"):
        replace(events, prediction=np.where(np.arange(6000) == 7, np.inf, events.prediction))
    with pytest.raises(DataError, match="'energy' cannot be evaluated: no event of the test split has a kno"):
        measure(replace(events, truth=np.full(6000, np.nan)))
    with pytest.raises(DataError, match=r"event weights of the test split sum to -2000 .2000 events."):
        measure(replace(events, event_weight=-np.ones(6000)))


def test_what_negative_weights_leave_without_a_value_is_said(events):
    """A resolution was NaN without a word, and the mean size of residuals huge where weights cancel."""
    truth = np.repeat([30.0, 80.0], 100)
    residual = np.tile([0.1, -0.1, 20.0, -20.0], 50)
    weight = np.where(np.abs(residual) > 1, np.repeat([-0.5, 0.1], 100), 1.0)
    test = np.full(200, 2, np.int8)
    result = measure(RegressionEvents(truth, truth + residual, test, weight))
    metrics = Evaluated("test", CONFIG, None, regressions={"energy": result}).to_metrics()
    found = metrics["outputs"]["energy"]
    assert (found["resolution"], found["relative_resolution"]) == (None, None)
    assert found["half_width"] == pytest.approx(0.1)
    assert found["unweighted"]["resolution"] == pytest.approx(14.1, abs=0.1)
    of_all, of_intervals = metrics["notes"]
    assert of_all.startswith("Output 'energy' has no resolution, relative_resolution: negative event weights")
    assert "no resolution in 1 of 2 intervals of the truth: the event weights there sum to" in of_intervals


def test_intervals_whose_weights_cancel_have_no_numbers(events):
    truth = np.repeat([30.0, 80.0, 81.0], 50)
    weight = np.concatenate([np.tile([0.1, 0.2, -0.3, 0.1, -0.1], 10), np.ones(100)])
    result = measure(
        RegressionEvents(truth, truth + np.tile([1.0, -1.0], 75), np.full(150, 2, np.int8), weight)
    )
    first, *others = result.intervals
    assert np.isnan(
        [first.numbers[name].value for name in ("bias", "resolution", "mean_absolute_error")]
    ).all()
    assert [one.numbers["mean_absolute_error"].value for one in others] == [1.0] * len(others)
    (note,) = result.notes
    assert f"no resolution in 1 of {len(result.intervals)} intervals" in note


def test_without_weights_there_is_nothing_to_say(events):
    assert measure(replace(events, event_weight=None)).notes == ()
