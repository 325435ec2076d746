"""Raw columns that pass through memory with the events that were prepared of them."""

from __future__ import annotations

import h5py
import numpy as np
import pytest

from rapidity.config.preparation import Preparation
from rapidity.core.jagged import Jagged
from rapidity.data.event_file import EventFile
from rapidity.data.features import FeatureSet, make_features
from rapidity.data.preparation import fit_preparation
from rapidity.data.raw_blocks import RawBlocks
from rapidity.data.raw_events import RawTrainingEvents
from rapidity.data.split import TrainRows, ValidationRows
from rapidity.data.streamed_splits import StreamedSplits, StreamSettings
from rapidity.data.weights import TrainingWeights

N_TRAIN, N_VALIDATION, BATCH_SIZE = 1203, 100, 17
MEMORY = 24_000  # about ten windows
COLLECTIONS = {"jet_pt": "jets", "jet eta": "jets", "mu/pt": "muons"}
CHANGED = ("jet_pt", "met/raw", "mu/pt")


@pytest.fixture
def make_splits(tmp_path, make_table):
    """Return a builder of streamed splits whose raw columns of jets, muons and the event pass along."""
    made = []

    def build(folder="cache", *, memory=MEMORY, n_objects=4, raw=True, chunk_size=100):
        n_events = N_TRAIN + N_VALIDATION
        rng = np.random.default_rng(1)
        jets, muons = (rng.integers(0, most, n_events) for most in (n_objects, 2))
        pt = Jagged.from_counts(rng.exponential(40.0, jets.sum()).astype(np.float32), jets)
        columns = {
            "jet_pt": pt,
            "jet eta": Jagged(rng.normal(size=jets.sum()), pt.offsets),
            "mu/pt": Jagged.from_counts(rng.exponential(20.0, muons.sum()), muons),
            "met/raw": rng.exponential(30.0, n_events).astype(np.float32),
            "n": np.arange(n_events, dtype=np.float32),
        }
        texts = {
            "jets": ("sum(jet_pt)", "count(jet_pt)"),
            "event": ("`met/raw` / 2", "sum(`mu/pt`)"),
            "n": ("n",),
        }
        inputs = {
            name: make_features(listed, f"inputs.{name}", columns, {}, COLLECTIONS)
            for name, listed in texts.items()
        }
        table = make_table(columns, np.arange(n_events) % 2)
        rows = rng.permutation(n_events)
        train, validation = TrainRows(table, np.sort(rows[:N_TRAIN])), ValidationRows(table, rows[N_TRAIN:])
        preparation = fit_preparation(Preparation(), FeatureSet(inputs, {}, COLLECTIONS), train)
        events = RawTrainingEvents(train, preparation, CHANGED, ("jet eta",))
        splits = StreamedSplits(
            tmp_path / folder, TrainingWeights(train, None), TrainingWeights(validation, None), preparation,
            StreamSettings(memory, BATCH_SIZE, 1), raw=events if raw else None,
        )  # fmt: skip
        splits.chunk_size = chunk_size
        made.append(splits)
        return splits, events

    yield build
    for splits in made:
        splits.close()


def read_epoch(stream, epoch, first=0):
    """Return for each window its events, and its raw columns, both in the order of its batches."""
    windows = []
    for number in range(first, stream.n_segments):
        for window in stream.segment(epoch, number).open_windows():
            inputs = {name: array[window.order].copy() for name, array in window.events.inputs.items()}
            columns = {
                name: values[window.order] if isinstance(values, Jagged) else values[window.order].copy()
                for name, values in window.raw.columns.items()
            }
            windows.append((inputs, columns, window.raw.numbers[window.order]))
    return windows


@pytest.mark.parametrize("chunk_size", [7, 100, 5000])
def test_each_window_has_the_columns_of_its_events(make_splits, chunk_size):
    """Events carried over from the window before included."""
    splits, events = make_splits(chunk_size=chunk_size)
    assert splits.n_segments > 5
    seen = []
    for inputs, columns, numbers in read_epoch(splits.stream, 1):
        expected = events.pick(numbers)
        assert set(columns) == set(events.columns) == {*CHANGED, "jet eta"}
        for name, values in expected.items():
            found = columns[name]
            assert found.dtype == values.dtype
            if isinstance(values, Jagged):
                np.testing.assert_array_equal(found.counts, values.counts)
                found, values = found.content, values.content  # noqa: PLW2901
            np.testing.assert_array_equal(found, values)
        seen.append(numbers)
        whole = events.preparation.apply(events.rows.table.columns, events.rows.rows[numbers])
        np.testing.assert_array_equal(inputs["n"], whole["n"])
    assert sorted(np.concatenate(seen).tolist()) == list(range(N_TRAIN))


def test_columns_as_they_are_give_the_prepared_events_to_the_bit(make_splits):
    splits, events = make_splits()
    for window in (
        window for k in range(splits.n_segments) for window in splits.stream.segment(2, k).open_windows()
    ):
        rows = window.order
        made, _ = events.prepare(events.pick(rows, window.raw.columns), window.raw.numbers[rows])
        assert set(made) == {"jets", "event"}
        for name, values in made.items():
            np.testing.assert_array_equal(values, window.events.inputs[name][rows])


def test_an_epoch_begun_in_the_middle_gives_the_same_columns(make_splits):
    splits, _ = make_splits()
    whole, later = read_epoch(splits.stream, 3)[4:], read_epoch(splits.stream, 3, first=4)
    for (_, one, numbers), (_, other, same) in zip(whole, later, strict=True):
        np.testing.assert_array_equal(numbers, same)
        np.testing.assert_array_equal(one["jet_pt"].content, other["jet_pt"].content)


def test_the_file_is_used_again_by_the_same_columns_alone(make_splits):
    splits, _ = make_splits()
    path, written = splits.path, splits.path.stat().st_mtime_ns
    assert make_splits()[0].path.stat().st_mtime_ns == written
    with h5py.File(path) as file:
        assert sorted(file) == ["objects", "train", "validation"]
    plain, _ = make_splits(raw=False)
    assert plain.identity != splits.identity
    assert plain.path.stat().st_mtime_ns != written
    with h5py.File(path) as file:
        assert sorted(file) == ["train", "validation"]


def test_columns_that_only_augmentation_needs_decide_too(make_splits):
    """A resumed training must not go on with other masses than it began with."""
    one, _ = make_splits()
    other, changed = make_splits()
    changed.rows.table.columns["jet eta"].content[0] += 1
    assert one.identity != other.identity


def test_a_window_is_smaller_by_what_its_columns_take(make_splits):
    with_columns, _ = make_splits()
    without, _ = make_splits("other", raw=False)
    assert with_columns.n_segments > 1.5 * without.n_segments
    window_bytes = max(
        sum(array.nbytes for array in (*window.events.inputs.values(), window.raw.numbers))
        + sum(values.nbytes for values in window.raw.columns.values())
        for k in range(with_columns.n_segments)
        for window in with_columns.stream.segment(1, k).open_windows()
    )
    # A quarter of the bound, but for the offsets of objects, of which one window has more than another.
    assert window_bytes < 1.5 * MEMORY / 4
    assert with_columns.take_sample(50).n_events == 50


def test_events_without_any_object_pass_too(make_splits):
    splits, events = make_splits(n_objects=1)
    (_, columns, numbers), *_ = read_epoch(splits.stream, 1)
    assert columns["jet_pt"].counts.tolist() == [0] * len(numbers)
    assert RawBlocks(events).n_numbers < 4.5


def test_a_bad_step_is_read_without_the_columns(make_splits):
    splits, _ = make_splits()
    batch, rows = splits.stream.read_batch(1, 3)
    assert set(batch.inputs) == {"jets", "event", "n"}
    assert len(rows) == BATCH_SIZE
    with EventFile(splits.path, "train") as file:
        assert "raw/columns/0" in file.places
        assert "raw/columns/0" not in file.make_buffers(1)
