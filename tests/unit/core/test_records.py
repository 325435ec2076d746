from __future__ import annotations

import numpy as np

from rapidity.core.records import Batch, Batches, EpochRecord, ResidentBatches, StreamedBatches

EVENTS = Batch(
    inputs={"x": np.arange(10, dtype=np.float32)[:, np.newaxis]},
    targets={"class": np.arange(10)},
    training_weight=np.arange(10, dtype=np.float32),
)


def test_last_batch_holds_the_rest():
    batches = ResidentBatches(EVENTS, batch_size=4)
    assert isinstance(batches, Batches)
    assert [batch.n_events for batch in batches] == [4, 4, 2]
    assert batches.n_batches == 3


def test_batches_follow_the_order():
    order = np.random.default_rng(1).permutation(10)
    batches = list(ResidentBatches(EVENTS, batch_size=3, order=order))
    for name in ("inputs", "targets"):
        joined = np.concatenate([next(iter(getattr(batch, name).values())).ravel() for batch in batches])
        np.testing.assert_array_equal(joined, order)
    np.testing.assert_array_equal(np.concatenate([b.training_weight for b in batches]), order)


def test_order_may_leave_events_out():
    batches = ResidentBatches(EVENTS, batch_size=2, order=np.array([7, 1, 3]))
    assert (batches.n_events, batches.n_batches) == (3, 2)


def test_streamed_batches_go_from_window_to_window_each_time():
    windows = [ResidentBatches(EVENTS, 4, np.arange(8)), ResidentBatches(EVENTS, 4, np.array([8, 9]))]
    batches = StreamedBatches(10, 4, lambda: iter(windows))
    assert isinstance(batches, Batches)
    for _ in range(2):
        assert [batch.n_events for batch in batches] == [4, 4, 2]
    assert batches.n_batches == 3
    assert [batch.n_events for batch in StreamedBatches.of(windows[1])] == [2]


def test_first_bad_step_is_found():
    assert EpochRecord(np.array([1.0, np.inf, np.nan])).first_bad_step == 1
    assert EpochRecord(np.array([1.0, 0.5])).first_bad_step is None
