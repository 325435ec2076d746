import awkward as ak
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rapidity.core.jagged import Jagged

EVENTS = st.lists(st.lists(st.integers(-100, 100), max_size=5), min_size=1, max_size=12)


def make(events):
    return Jagged.from_counts(
        np.array([value for event in events for value in event], np.int64),
        np.array([len(event) for event in events], np.int64),
    )


def to_lists(jagged):
    return ak.Array(ak.contents.ListOffsetArray(
        ak.index.Index64(jagged.offsets), ak.contents.NumpyArray(jagged.content)
    )).to_list()  # fmt: skip


@given(EVENTS, st.data())
def test_rows_are_taken_as_from_a_list(events, data):
    rows = data.draw(st.lists(st.integers(0, len(events) - 1)))
    taken = make(events)[np.array(rows, np.int64)]
    assert to_lists(taken) == [events[row] for row in rows]


@given(EVENTS, st.integers(0, 12), st.integers(0, 12))
def test_slices_are_taken_as_from_a_list(events, start, stop):
    assert to_lists(make(events)[start:stop]) == events[start:stop]


@given(EVENTS, st.data())
def test_masks_keep_the_order(events, data):
    mask = data.draw(st.lists(st.booleans(), min_size=len(events), max_size=len(events)))
    kept = [event for event, is_kept in zip(events, mask, strict=True) if is_kept]
    assert to_lists(make(events)[np.array(mask)]) == kept


@given(EVENTS, st.integers(0, 6))
def test_padding_agrees_with_awkward(events, n_objects):
    expected = ak.to_numpy(
        ak.fill_none(ak.pad_none(ak.values_astype(ak.Array(events), np.int64), n_objects, clip=True), -1)
    )
    np.testing.assert_array_equal(
        make(events).padded(n_objects, fill=-1), expected.reshape(len(events), n_objects)
    )


@given(EVENTS)
def test_padding_and_counts_give_the_column_back(events):
    jagged = make(events)
    assert to_lists(Jagged.from_padded(jagged.padded(), jagged.counts)) == events


@given(EVENTS, EVENTS)
def test_parts_follow_each_other(first, second):
    assert to_lists(Jagged.concatenate([make(first), make(second)])) == first + second


def test_every_second_event_may_be_taken():
    assert to_lists(make([[1], [2, 3], [], [4]])[::2]) == [[1], []]


def test_types_change_and_sizes_are_known():
    jagged = make([[1, 2], []]).astype(np.float32)
    assert jagged.dtype == np.float32
    assert jagged.nbytes == 2 * 4 + 3 * 8
    assert len(jagged) == 2


def test_a_row_that_is_not_there_is_an_error():
    with pytest.raises(IndexError):
        make([[1]])[np.array([1])]
