"""Choosing, ordering and cutting the objects of events: against a loop over the events."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rapidity.core.jagged import Jagged
from rapidity.data.conversion.arrangement import arrange_objects, arrange_rows

KEYS = st.one_of(st.floats(-5, 5, width=32), st.sampled_from([0.0, -0.0, 1.0, np.nan, np.inf, -np.inf]))
EVENTS = st.lists(st.lists(st.tuples(KEYS, st.booleans()), max_size=6), max_size=8)


def by_loop(events, n_objects, *, is_chosen, is_ordered):
    """Return the numbers of the objects that are kept, event by event."""
    number = 0
    arranged = []
    for event in events:
        objects = [(number + place, key, is_kept) for place, (key, is_kept) in enumerate(event)]
        number += len(event)
        if is_chosen:
            objects = [item for item in objects if item[2]]
        if is_ordered:
            objects.sort(key=lambda item: np.inf if np.isnan(item[1]) else -item[1])
        arranged.append([item[0] for item in objects[:n_objects]])
    return arranged


@given(
    EVENTS,
    st.one_of(st.none(), st.integers(1, 4)),
    st.booleans(),
    st.booleans(),
    st.sampled_from([np.float32, np.float64]),
)
def test_arrangement_agrees_with_a_loop(events, n_objects, is_chosen, is_ordered, dtype):
    flat = [item for event in events for item in event]
    offsets = np.concatenate([[0], np.cumsum([len(event) for event in events])]).astype(np.int64)
    key = np.array([item[0] for item in flat], dtype)
    is_kept = np.array([item[1] for item in flat], bool)
    arranged = arrange_objects(
        offsets, is_kept if is_chosen else None, key if is_ordered else None, n_objects
    )
    numbers = arranged.apply(Jagged(np.arange(len(flat)), offsets))
    expected = by_loop(events, n_objects, is_chosen=is_chosen, is_ordered=is_ordered)
    assert [numbers[i : i + 1].content.tolist() for i in range(len(events))] == expected
    assert arranged.counts.tolist() == [len(event) for event in expected]
    whole = by_loop(events, None, is_chosen=is_chosen, is_ordered=is_ordered)
    n_cut = [len(a) - len(b) for a, b in zip(whole, expected, strict=True)]
    assert (arranged.n_cut, arranged.n_events_cut) == (sum(n_cut), sum(n > 0 for n in n_cut))
    if n_objects is not None:
        rows = arrange_rows(offsets, is_kept if is_chosen else None, key if is_ordered else None, n_objects)
        assert rows.apply(Jagged(np.arange(1, len(flat) + 1), offsets)).tolist() == [
            [number + 1 for number in event] + [0] * (n_objects - len(event)) for event in expected
        ]
        assert (rows.n_cut, rows.n_events_cut) == (arranged.n_cut, arranged.n_events_cut)


def test_objects_in_order_already_are_not_moved():
    arranged = arrange_objects(np.array([0, 2, 2, 4]), key=np.array([5.0, 3.0, 9.0, 9.0]))
    assert arranged.places is None


def test_one_event_with_very_many_objects_is_sorted_without_padding():
    rng = np.random.default_rng(1)
    counts = np.array([1, 0, 5000, *[1] * 3000])
    offsets = np.concatenate([[0], np.cumsum(counts)])
    key = rng.random(counts.sum())
    ordered = arrange_objects(offsets, key=key).apply(Jagged(key, offsets))
    assert ordered[2:3].content.tolist() == sorted(key[1:5001], reverse=True)
    rows = arrange_rows(offsets, key < 0.9, key, 3).apply(Jagged(key, offsets))
    assert rows[2].tolist() == sorted(key[1:5001][key[1:5001] < 0.9], reverse=True)[:3]


def test_whole_numbers_order_too():
    arranged = arrange_objects(np.array([0, 3]), key=np.array([1, 255, 3], np.uint8))
    assert arranged.places is not None
    assert arranged.places.tolist() == [1, 2, 0]


@pytest.mark.parametrize("offsets", [np.zeros(1, np.int64), np.zeros(4, np.int64)])
def test_events_without_objects(offsets):
    arranged = arrange_objects(offsets, np.zeros(0, bool), np.zeros(0), 3)
    assert arranged.counts.tolist() == [0] * (len(offsets) - 1)
