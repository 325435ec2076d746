from dataclasses import replace

import numpy as np
import pytest

from rapidity.config.evaluation import Evaluation
from rapidity.core.classes import ClassSet
from rapidity.core.errors import DataError
from rapidity.core.jagged import Jagged
from rapidity.evaluation import AssignmentEvents, evaluate_assignment, to_plain

CONFIG = Evaluation(bootstrap=20)
COUNTS = np.array([2, 3, 0, 1])
TRUTH = np.array([0, 1, 1, 0, 0, -1])
LIKELIEST = np.array([0, 1, 1, 1, 0, 0])


@pytest.fixture
def events():
    """Return four test events with six objects, one of unknown class; of event 1 two get the single class."""
    probabilities = np.full((6, 2), 0.2)
    probabilities[np.arange(6), LIKELIEST] = [0.8, 0.8, 0.8, 0.7, 0.8, 0.8]
    return AssignmentEvents(
        ClassSet(("other", "higgs")),
        ("higgs",),
        Jagged.from_counts(TRUTH, COUNTS),
        Jagged.from_counts(probabilities, COUNTS),
        np.full(4, 2, np.int8),
        np.array([1.0, 2.0, 1.0, 1.0]),
    )


def measure(events, **options):
    return evaluate_assignment("origin", "jet_origin", "jets", events, CONFIG, **options)


def test_objects_and_events_are_counted_with_the_weight_of_the_event(events):
    result = measure(events)
    assert (result.n_events, result.n_objects, result.n_left_out) == (2, 5, 0)
    way = result.ways["likeliest"]
    # Objects of weights 1, 1, 2, 2, 2, of which one of weight 2 is wrong; event 0 of weight 1 is all right.
    assert way.accuracy.value == pytest.approx(6 / 8)
    assert way.all_right.value == pytest.approx(1 / 3)
    assert way.class_accuracy[0].value == pytest.approx(3 / 5)
    assert way.class_accuracy[1].value == pytest.approx(1.0)
    assert way.confusion_counts.tolist() == [[2, 1], [0, 2]]
    assert way.confusion.tolist() == [[3, 2], [0, 3]]


def test_one_of_a_kind_makes_the_likelier_object_right(events):
    result = measure(events)
    assert result.ways["one_each"].accuracy.value == pytest.approx(1.0)
    metrics = to_plain(result.to_metrics())
    assert metrics["one_each"]["all_right"] == pytest.approx(1.0)
    assert metrics["splits"]["test"]["accuracy"] == pytest.approx(6 / 8)


def test_objects_that_the_network_does_not_see_are_counted_apart(events):
    events.probabilities.content[4] = np.nan
    result = measure(replace(events, n_kept=np.array([2, 2, 0, 1])))
    assert (result.n_objects, result.n_left_out) == (4, 1)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_an_object_that_the_network_sees_needs_probabilities(events, value):
    """What the network could not compute was counted among the objects that its cloud leaves out."""
    events.probabilities.content[[3, 4]] = value
    with pytest.raises(DataError, match=r"for 2 objects that it sees, of 1 of 4 events \(rows 1\)"):
        replace(events, n_kept=np.array([2, 3, 0, 1]))


def test_an_infinite_probability_is_refused_whatever_the_network_sees(events):
    events.probabilities.content[5, 0] = np.inf
    with pytest.raises(
        DataError, match=r"no finite probabilities for 1 objects that it sees, of 1 of 4 events"
    ):
        replace(events)


def test_without_known_objects_nothing_is_evaluated(events):
    with pytest.raises(DataError, match="'origin' cannot be evaluated: the train split has no object whose"):
        measure(events, split="train")


def test_weights_that_cancel_but_for_rounding_leave_no_accuracy(events):
    doubled = AssignmentEvents(
        events.classes,
        (),
        Jagged.from_counts(np.array([0, 0, 0, 1]), np.ones(4, np.int64)),
        Jagged.from_counts(np.array([[0.6, 0.4], [0.3, 0.7], [0.6, 0.4], [0.1, 0.9]]), np.ones(4, np.int64)),
        np.full(4, 2, np.int8),
        np.array([0.1, 0.2, -0.3, 1.0]),
    )
    accuracies = [one.value for one in measure(doubled).ways["likeliest"].class_accuracy]
    assert np.isnan(accuracies[0])
    assert accuracies[1] == 1.0
