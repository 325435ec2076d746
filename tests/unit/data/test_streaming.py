"""Epochs of events that pass through memory in windows: what is in them, and how well they are mixed."""

from __future__ import annotations

import errno
import shutil
import threading
from collections.abc import Callable, Iterator
from itertools import pairwise
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from rapidity.config.preparation import Preparation
from rapidity.core.errors import ConfigError, DataError
from rapidity.core.records import Batch
from rapidity.data.batches import make_batch
from rapidity.data.event_file import EventFile
from rapidity.data.features import FeatureSet, make_features
from rapidity.data.images import ImageColumns
from rapidity.data.preparation import fit_preparation
from rapidity.data.split import TrainRows, ValidationRows
from rapidity.data.streamed_splits import StreamedSplits, StreamSettings
from rapidity.data.weights import TrainingWeights

if TYPE_CHECKING:
    from pathlib import Path

    from rapidity.data.streaming import TrainingStream

N_TRAIN, N_VALIDATION = 5003, 700
BATCH_SIZE = 50
# Windows of some hundred of the 5003 events, each of 20 to 60 bytes.
MEMORY = 100_000

MakeSplits = Callable[..., StreamedSplits]


@pytest.fixture
def make_splits(tmp_path: Path, make_table: Any) -> Iterator[MakeSplits]:
    """Return a builder of streamed splits of a table that is sorted by class."""
    made: list[StreamedSplits] = []

    def build(
        folder: str = "cache",
        *,
        has_weights: bool = False,
        has_images: bool = False,
        memory: int = MEMORY,
        shift: float = 0.0,
        **settings: Any,
    ) -> StreamedSplits:
        n_events = N_TRAIN + N_VALIDATION
        rng = np.random.default_rng(1)
        x = rng.normal(size=n_events).astype(np.float32) + np.float32(shift)
        columns: dict[str, Any] = {"x": x, "position": np.arange(n_events, dtype=np.float32)}
        inputs: dict[str, Any] = {"event": make_features(("x", "position"), "event", columns, {})}
        if has_images:
            columns["image"] = rng.integers(0, 255, (n_events, 2, 2), dtype=np.uint8)
            inputs["image"] = ImageColumns(("image",), (2, 2))
        table = make_table(columns, (np.arange(n_events) >= n_events // 3).astype(int))
        rows = rng.permutation(n_events)
        train = TrainRows(table, np.sort(rows[:N_TRAIN]))
        validation = ValidationRows(table, np.sort(rows[N_TRAIN:]))
        preparation = fit_preparation(Preparation(), FeatureSet(inputs), train)
        weights = rng.random(n_events, np.float32) if has_weights else None
        splits = StreamedSplits(
            tmp_path / folder,
            TrainingWeights(train, None if weights is None else weights[:N_TRAIN]),
            TrainingWeights(validation, None if weights is None else weights[N_TRAIN:]),
            preparation,
            StreamSettings(**{"memory": memory, "batch_size": BATCH_SIZE, "seed": 1} | settings),
        )
        made.append(splits)
        return splits

    yield build
    for splits in made:
        splits.close()


def expected_batch(splits: StreamedSplits, name: str = "train") -> Batch:
    weights = splits.weights[name]
    return make_batch(weights.rows, splits.preparation, weights.values)


def collect(stream: TrainingStream, epoch: int, first: int = 0) -> list[Batch]:
    """Return copies of the batches of an epoch, from window `first` on."""
    return [
        Batch(
            {name: array.copy() for name, array in batch.inputs.items()},
            {name: array.copy() for name, array in batch.targets.items()},
            None if batch.training_weight is None else batch.training_weight.copy(),
        )
        for number in range(first, stream.n_segments)
        for batch in stream.segment(epoch, number)
    ]


def join(batches: list[Batch]) -> dict[str, np.ndarray]:
    names = {**batches[0].inputs, **batches[0].targets}
    joined = {
        name: np.concatenate([{**batch.inputs, **batch.targets}[name] for batch in batches]) for name in names
    }
    if batches[0].training_weight is not None:
        joined["weight"] = np.concatenate([batch.training_weight for batch in batches])
    return joined


def train_rows(stream: TrainingStream, epoch: int) -> np.ndarray:
    """Return the row of the training split of each event of an epoch, in the order of training."""
    positions = np.concatenate([stream.plans.positions(epoch, k) for k in range(stream.n_segments)])
    buffers = stream.file.make_buffers(stream.n_events, {"row"})
    stream.file.read(0, buffers)
    return buffers["row"][positions]


@pytest.mark.parametrize("batch_size", [1, 50, 97, 300])
def test_each_event_is_trained_on_once_an_epoch_in_batches_of_one_size(
    make_splits: MakeSplits, batch_size: int
) -> None:
    stream = make_splits(batch_size=batch_size).stream
    assert stream.n_segments > 3
    for epoch in (1, 2):
        sizes = [batch.n_events for batch in collect(stream, epoch)]
        n_batches = -(-N_TRAIN // batch_size)
        assert sizes == [batch_size] * (n_batches - 1) + [N_TRAIN - batch_size * (n_batches - 1)]
        np.testing.assert_array_equal(np.sort(train_rows(stream, epoch)), np.arange(N_TRAIN))


@pytest.mark.parametrize("has_images", [False, True])
@pytest.mark.parametrize("has_weights", [False, True])
def test_events_are_those_of_the_split(
    make_splits: MakeSplits, *, has_weights: bool, has_images: bool
) -> None:
    splits = make_splits(has_weights=has_weights, has_images=has_images)
    found, whole = join(collect(splits.stream, 3)), join([expected_batch(splits)])
    rows = train_rows(splits.stream, 3)
    assert set(found) == set(whole)
    for name, values in whole.items():
        assert found[name].dtype == values.dtype
        np.testing.assert_array_equal(found[name], values[rows], err_msg=name)


def test_every_window_knows_its_steps(make_splits: MakeSplits) -> None:
    stream = make_splits().stream
    step = 0
    for number in range(stream.n_segments):
        segment = stream.segment(1, number)
        for step_there in range(segment.n_batches):
            assert stream.plans.find(1, step) == (number, step_there)
            step += 1
    with pytest.raises(IndexError, match=r"epoch 1 has no step 101, its last is 100"):
        stream.plans.find(1, step)


def test_an_epoch_may_begin_in_the_middle(make_splits: MakeSplits) -> None:
    whole = collect(make_splits().stream, 2)
    stream = make_splits().stream
    for first in (stream.n_segments - 1, 2, 1):
        part = collect(stream, 2, first)
        for found, expected in zip(part, whole[-len(part) :], strict=True):
            np.testing.assert_array_equal(found.inputs["event"], expected.inputs["event"])


def test_a_window_that_was_left_half_way_begins_again(make_splits: MakeSplits) -> None:
    stream = make_splits().stream
    whole = collect(stream, 1)
    for _ in stream.segment(1, 0):
        break
    next(iter(stream.segment(1, 1)))
    again = collect(stream, 1)
    np.testing.assert_array_equal(join(again)["event"], join(whole)["event"])


def test_orders_depend_on_seed_and_epoch_only(make_splits: MakeSplits) -> None:
    first, second = make_splits(), make_splits()
    other = make_splits("other", seed=2)
    np.testing.assert_array_equal(train_rows(first.stream, 1), train_rows(second.stream, 1))
    assert (train_rows(first.stream, 1) != train_rows(first.stream, 2)).mean() > 0.99
    assert (train_rows(first.stream, 1) != train_rows(other.stream, 1)).mean() > 0.99


def test_the_events_of_a_step_are_found_again(make_splits: MakeSplits) -> None:
    splits = make_splits(has_weights=True)
    batches, whole = collect(splits.stream, 2), expected_batch(splits)
    for step in (0, 11, 40, len(batches) - 1):
        events, rows = splits.stream.read_batch(2, step)
        np.testing.assert_array_equal(events.inputs["event"], batches[step].inputs["event"])
        np.testing.assert_array_equal(events.inputs["event"], whole.inputs["event"][rows])
        np.testing.assert_array_equal(events.targets["class"], batches[step].targets["class"])


class TestMixing:
    """The file is sorted by class. Of 100 batches of 50 events of 5,003, each quantity with its own limit."""

    def test_batches_have_the_class_fractions_of_random_ones(self, make_splits: MakeSplits) -> None:
        splits = make_splits()
        fraction = expected_batch(splits).targets["class"].mean()
        for epoch in range(1, 6):
            batches = collect(splits.stream, epoch)[:-1]
            counts = np.array([batch.targets["class"].sum() for batch in batches])
            # Drawn without replacement: the binomial variance, smaller by the fraction that is left.
            variance = BATCH_SIZE * fraction * (1 - fraction) * (1 - BATCH_SIZE / N_TRAIN)
            chi2 = ((counts - BATCH_SIZE * fraction) ** 2).sum() / variance
            # Expected 100 with a deviation of sqrt(200); 5 of them either way.
            assert abs(chi2 - len(batches)) < 5 * np.sqrt(2 * len(batches))
            assert abs(counts - BATCH_SIZE * fraction).max() < 5.5 * np.sqrt(variance)

    def test_place_in_the_epoch_knows_nothing_of_the_place_in_the_file(self, make_splits: MakeSplits) -> None:
        stream = make_splits().stream
        for epoch in range(1, 6):
            correlation = np.corrcoef(train_rows(stream, epoch), np.arange(N_TRAIN))[0, 1]
            assert abs(correlation) < 4.5 / np.sqrt(N_TRAIN)

    def test_neighbours_in_the_file_are_far_apart(self, make_splits: MakeSplits) -> None:
        stream = make_splits().stream
        place = np.argsort(train_rows(stream, 1))
        # Two random places among n are n / 3 apart in the mean, with a deviation of n / sqrt(18).
        distance = abs(np.diff(place)).mean() / N_TRAIN
        assert abs(distance - 1 / 3) < 5 / np.sqrt(18 * N_TRAIN) * 1.5

    def test_each_epoch_has_other_batches(self, make_splits: MakeSplits) -> None:
        stream = make_splits().stream
        together: list[set[tuple[int, int]]] = []
        for epoch in range(1, 5):
            rows = train_rows(stream, epoch)[: 100 * BATCH_SIZE].reshape(100, BATCH_SIZE)
            together.append(
                {
                    (a, b)
                    for batch in rows
                    for i, a in enumerate(np.sort(batch))
                    for b in np.sort(batch)[i + 1 :]
                }
            )
        # Of independent permutations every hundredth pair of a batch meets again.
        for first, second in pairwise(together):
            assert len(first & second) / len(first) < 2 * BATCH_SIZE / N_TRAIN

    def test_events_of_a_block_are_a_sample_of_the_file(self, make_splits: MakeSplits) -> None:
        splits = make_splits()
        buffers = splits.stream.file.make_buffers(N_TRAIN, {"row"})
        splits.stream.file.read(0, buffers)
        means = [buffers["row"][a:b].mean() / N_TRAIN for a, b in pairwise(splits.layout.edges)]
        size = np.diff(splits.layout.edges).min()
        # Numbers spread evenly over 0 to 1 have the deviation sqrt(1 / 12).
        assert abs(np.array(means) - 0.5).max() < 5 / np.sqrt(12 * size)


def test_validation_events_come_in_their_order(make_splits: MakeSplits) -> None:
    splits = make_splits(has_weights=True, memory=80_000)
    splits.chunk_size = 130
    chunks = [
        {name: array.copy() for name, array in join([chunk]).items()} for chunk in splits.validation.chunks()
    ]
    whole = join([expected_batch(splits, "validation")])
    assert len(chunks) == 6
    for name, values in whole.items():
        np.testing.assert_array_equal(np.concatenate([chunk[name] for chunk in chunks]), values)
    assert splits.validation.total_weight == pytest.approx(whole["weight"].sum(dtype=np.float64))


@pytest.mark.parametrize("n_wanted", [1, 40, 400, 10**6])
def test_a_sample_is_drawn_from_all_events(make_splits: MakeSplits, n_wanted: int) -> None:
    splits = make_splits()
    taken = splits.take_sample(n_wanted).inputs["event"]
    # An eighth of the memory at most.
    assert len(taken) == min(n_wanted, MEMORY // 8 // splits.event_bytes)
    whole = expected_batch(splits).inputs["event"]
    assert len(np.unique(taken[:, 1])) == len(taken)
    assert np.isin(taken[:, 1], whole[:, 1]).all()
    if len(taken) >= 400:
        assert abs(taken[:, 1].mean()) < 5 / np.sqrt(len(taken))


def test_the_file_is_used_again_by_the_same_training(make_splits: MakeSplits) -> None:
    first = make_splits()
    before = first.path.stat().st_ino
    first.close()
    assert make_splits().path.stat().st_ino == before


@pytest.mark.parametrize(
    "change",
    [{"shift": 1.0}, {"has_weights": True}, {"memory": 110_000}, {"seed": 2}, {"has_images": True}],
    ids=str,
)
def test_a_file_of_something_else_is_written_anew(make_splits: MakeSplits, change: dict[str, Any]) -> None:
    first = make_splits()
    before = first.path.read_bytes()
    other = make_splits(**change)
    assert other.identity != first.identity
    assert other.path.read_bytes() != before
    np.testing.assert_array_equal(
        np.sort(join(collect(other.stream, 1))["event"], axis=0),
        np.sort(expected_batch(other).inputs["event"], axis=0),
    )


@pytest.mark.parametrize("damage", [b"", b"not HDF5"])
def test_a_damaged_file_is_written_anew(make_splits: MakeSplits, damage: bytes) -> None:
    splits = make_splits()
    expected = join(collect(splits.stream, 1))["event"]
    splits.path.write_bytes(damage)
    (splits.folder / ".prepared-abc.h5").write_bytes(b"left by a kill")
    again = make_splits()
    np.testing.assert_array_equal(join(collect(again.stream, 1))["event"], expected)
    assert [path.name for path in again.folder.iterdir()] == ["prepared.h5"]


def test_nothing_is_written_before_it_is_needed(make_splits: MakeSplits) -> None:
    splits = make_splits()
    assert splits.identity
    assert splits.n_segments > 3
    assert not splits.folder.exists()


def test_a_chunk_is_a_share_of_the_bound_however_large_the_events(
    make_splits: MakeSplits, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A thousand images at a time were hundreds of megabytes, under a bound of three hundred."""
    monkeypatch.setattr("rapidity.data.streamed_splits.LEAST_CHUNK", 64)
    splits = make_splits(has_images=True)
    assert splits.chunk_size * splits.event_bytes <= MEMORY // 16
    assert splits.chunk_size >= 1


def test_removing_leaves_nothing_behind(make_splits: MakeSplits) -> None:
    splits = make_splits()
    next(iter(splits.stream.segment(1, 0)))
    splits.remove()
    assert not splits.folder.exists()
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("read-ahead")]


def test_too_little_memory_is_said_before_anything_is_written(make_splits: MakeSplits) -> None:
    with pytest.raises(ConfigError, match=r"data\.memory: 1 kB is too little to stream 5003 training events"):
        make_splits(memory=1000)


def test_a_disk_without_room_is_found_before(
    make_splits: MakeSplits, monkeypatch: pytest.MonkeyPatch
) -> None:
    splits = make_splits()
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=1000))
    with pytest.raises(DataError, match=r"the prepared events need \d+ kB, and 1 kB are free"):
        _ = splits.path
    assert not splits.folder.exists()


def test_a_disk_that_fills_up_leaves_no_file(
    make_splits: MakeSplits, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(self: EventFile, start: int, arrays: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    splits = make_splits()
    with monkeypatch.context() as patch:
        patch.setattr(EventFile, "write", fail)
        with pytest.raises(DataError, match=r"cannot write .*prepared\.h5: no space is left on the disk"):
            _ = splits.path
    assert not splits.folder.exists()
    assert splits.path.is_file()


def test_a_read_that_fails_ahead_is_reported(make_splits: MakeSplits) -> None:
    stream = make_splits().stream
    segment = iter(stream.segment(1, 0))
    next(segment)
    stream.file.close()
    # What a closed file says depends on how far the reading thread had come.
    with pytest.raises((ValueError, OSError), match=r"closed file|Bad file descriptor"):
        collect(stream, 1, 1)
