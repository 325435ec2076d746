"""The numbers of an output in each fold are those of its events alone."""

import math

import numpy as np
import pytest

from rapidity.config.evaluation import Evaluation
from rapidity.core.classes import ClassSet
from rapidity.core.jagged import Jagged
from rapidity.evaluation import (
    AssignmentEvents,
    Folding,
    RegressionEvents,
    evaluate_assignment,
    evaluate_regression,
    summarise_assignment_folds,
    summarise_regression_folds,
    to_plain,
)

COUNT, N_EVENTS = 3, 300
CONFIG = Evaluation(bootstrap=20)


@pytest.fixture
def rng():
    return np.random.default_rng(4)


@pytest.fixture
def folding(rng):
    return Folding(rng.integers(0, COUNT, N_EVENTS), COUNT, "event")


@pytest.fixture
def weight(rng):
    return np.where(rng.random(N_EVENTS) < 0.1, -0.5, rng.gamma(2.0, size=N_EVENTS))


@pytest.fixture
def assigned(rng, weight):
    """Return events of up to four objects, some of unknown class, some that the network does not see."""
    counts = rng.integers(0, 5, N_EVENTS)
    truth = rng.integers(-1, 2, counts.sum())
    probabilities = rng.dirichlet((1.0, 1.0), counts.sum())
    probabilities[rng.random(len(truth)) < 0.1] = np.nan
    return AssignmentEvents(
        ClassSet(("other", "higgs")),
        ("higgs",),
        Jagged.from_counts(truth, counts),
        Jagged.from_counts(probabilities, counts),
        np.full(N_EVENTS, 2, np.int8),
        weight,
    )


def test_fractions_of_a_fold_are_those_of_its_objects(assigned, folding):
    summary = summarise_assignment_folds(assigned, folding)
    for index in range(COUNT):
        part = assigned.take(np.flatnonzero(folding.fold == index))
        alone = evaluate_assignment("origin", "jet_origin", "jets", part, CONFIG)
        assert summary.events[index] == alone.n_events
        for way, numbers in (("likeliest", summary.numbers), ("one_each", summary.numbers["one_each"])):
            expected = alone.ways[way]
            assert numbers["accuracy"].values[index] == pytest.approx(expected.accuracy.value)
            assert numbers["all_right"].values[index] == pytest.approx(expected.all_right.value)
            of_higgs = numbers["class_accuracy"]["higgs"].values[index]
            assert of_higgs == pytest.approx(expected.class_accuracy[1].value)
    values = summary.numbers["accuracy"].values
    metrics = to_plain(summary.to_metrics())
    assert metrics["accuracy"]["spread"] == pytest.approx(np.std(values, ddof=1))
    assert (metrics["count"], metrics["event_number"]) == (COUNT, "event")
    assert metrics["one_each"]["class_accuracy"]["other"]["values"][0] is not None


def test_a_fold_without_objects_of_a_class_has_no_number_of_it(assigned, folding):
    event_of = np.repeat(np.arange(N_EVENTS), assigned.truth.counts)
    truth = assigned.truth.content
    truth[(folding.fold[event_of] == 1) & (truth == 1)] = 0
    numbers = summarise_assignment_folds(assigned, folding).numbers
    of_higgs = numbers["class_accuracy"]["higgs"]
    assert [math.isnan(value) for value in of_higgs.values] == [False, True, False]
    assert math.isfinite(of_higgs.mean)
    assert np.isfinite(numbers["accuracy"].values).all()


def test_a_fold_without_known_objects_counts_none(assigned, folding):
    event_of = np.repeat(np.arange(N_EVENTS), assigned.truth.counts)
    assigned.truth.content[folding.fold[event_of] == 2] = -1
    summary = summarise_assignment_folds(assigned, folding)
    assert summary.events[2] == 0
    assert math.isnan(summary.numbers["one_each"]["all_right"].values[2])


def test_numbers_of_a_regression_are_those_of_the_events_of_a_fold(rng, weight, folding):
    truth = rng.normal(50.0, 10.0, N_EVENTS)
    truth[rng.random(N_EVENTS) < 0.1] = np.nan
    prediction = np.nan_to_num(truth) + rng.normal(size=N_EVENTS)
    events = RegressionEvents(truth, prediction, np.full(N_EVENTS, 2, np.int8), weight)
    summary = summarise_regression_folds(events, folding)
    for index in range(COUNT):
        alone = evaluate_regression("e", "energy", None, events.take(folding.fold == index), CONFIG)
        assert summary.events[index] == alone.n_events
        for name in ("bias", "half_width", "relative_resolution", "r2"):
            assert summary.numbers[name].values[index] == pytest.approx(alone.numbers[name].value)
    assert to_plain(summary.to_metrics())["bias"]["mean"] == pytest.approx(summary.numbers["bias"].mean)
