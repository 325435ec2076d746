"""Objects of clouds among the figures of inputs."""

from __future__ import annotations

import numpy as np
import pytest

from rapidity.core.classes import ClassSet
from rapidity.report import CloudData, InputData, draw_inputs
from rapidity.report.clouds import sample_objects
from rapidity.report.inputs import fill_objects

COUNTS = np.array([2, 0, 1, 3])
ROWS = [np.array([0, 2]), np.array([1, 3])]


@pytest.fixture
def data():
    """Return four events of two classes with two numbers an object: its event, and where it stands."""
    events = np.repeat(np.arange(4), COUNTS)
    values = np.column_stack([events, np.arange(len(events))]).astype(np.float32)

    def take(rows):
        chosen = [np.flatnonzero(events == row) for row in rows]
        return values[np.concatenate(chosen)], np.repeat(np.arange(len(rows)), [len(part) for part in chosen])

    cloud = CloudData(("event", "place"), COUNTS, take, {"place": "cm"})
    weight = np.array([1.0, 2.0, 3.0, -4.0])
    classes = ClassSet(("gluon", "quark"))
    return InputData({}, classes, np.array([0, 1, 0, 1]), weight, clouds={"charged": cloud})


def test_objects_carry_the_weight_of_their_event(data):
    counts, event, place = fill_objects(data, "charged", data.clouds["charged"], ROWS)
    assert [one.name for one in (counts, event, place)] == [
        "charged: number of objects",
        "charged: event",
        "charged: place",
    ]
    assert [one.counted for one in (counts, event, place)] == ["events", "objects", "objects"]
    assert place.unit == "cm"
    assert [float(one.contents.sum()) for one in counts.histograms] == [4.0, -2.0]
    assert [float(one.contents.sum()) for one in event.histograms] == [2 * 1.0 + 3.0, 3 * -4.0]


def test_of_many_events_some_are_shown(data, monkeypatch):
    monkeypatch.setattr("rapidity.report.clouds.EVENTS_SAMPLED", 2)
    values, events = sample_objects(data.clouds["charged"], np.arange(4))
    np.testing.assert_array_equal(values[:, 0], events)
    assert set(events) == {0, 2}


def test_a_figure_is_drawn_for_each_number(data, tmp_path):
    figures = draw_inputs(data, tmp_path)
    names = [figure.name for figure in figures]
    assert {"overview", "feature_charged__number_of_objects", "feature_charged__event"} <= set(names)
    assert all(path.is_file() for figure in figures for path in figure.paths)
