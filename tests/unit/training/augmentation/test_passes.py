"""Epochs of augmented events: seeds, windows, what is monitored."""

from __future__ import annotations

import threading
from dataclasses import replace

import numpy as np
import pytest

from rapidity.core.records import Batch, OutputObjective, ResidentBatches, StreamedBatches
from rapidity.training import CheckpointFolder, fit
from rapidity.training.augmentation import AugmentedPasses, Augmenter
from rapidity.training.augmentation.flip import Flipping
from rapidity.training.augmentation.mix_up import MixingUp
from rapidity.training.augmentation.shift import Shifting
from rapidity.training.passes import ResidentPasses

N_EVENTS, BATCH_SIZE, SEED = 150, 16, 7
N_NUMBERS = 6 * 6 + 1
WINDOW = 3 * BATCH_SIZE * N_NUMBERS
"""Numbers of three batches: an epoch has four windows."""


@pytest.fixture
def events():
    """Return images and a number that tells the event, with classes and weights."""
    rng = np.random.default_rng(1)
    inputs = {
        "image": rng.random((N_EVENTS, 6, 6, 1), np.float32),
        "number": np.arange(N_EVENTS, dtype=np.float32)[:, None],
    }
    return Batch(inputs, {"class": np.arange(N_EVENTS) % 2}, rng.random(N_EVENTS, np.float32))


def make_passes(events, steps=None, seed=SEED, window=WINDOW, **more):
    if steps is None:
        steps = [
            (0, Flipping(["image"], "horizontal", 0.5)),
            (1, Shifting(["image"], 2, {"image": np.zeros(1)})),
        ]
    augmenter = Augmenter(seed, input_steps=steps, window_numbers=window, **more)
    return AugmentedPasses(ResidentPasses(events, BATCH_SIZE, SEED), augmenter)


def collect(batches):
    """Return the arrays of all batches, one after the other."""
    found = list(batches)
    arrays = {name: np.concatenate([one.inputs[name] for one in found]) for name in found[0].inputs}
    arrays |= {name: np.concatenate([one.targets[name] for one in found]) for name in found[0].targets}
    return arrays | {"weight": np.concatenate([one.training_weight for one in found])}


def is_same(one, other):
    return all(np.array_equal(one[name], other[name]) for name in one)


def test_the_same_seed_and_epoch_give_the_same_bits(events):
    first = collect(make_passes(events).segment(3, 0))
    assert is_same(first, collect(make_passes(events).segment(3, 0)))


def test_epochs_and_seeds_differ(events):
    passes = make_passes(events)
    by_number = [
        {tuple(row): image for row, image in zip(found["number"], found["image"], strict=True)}
        for found in (
            collect(passes.segment(1, 0)),
            collect(passes.segment(2, 0)),
            collect(make_passes(events, seed=8).segment(1, 0)),
        )
    ]
    for other in by_number[1:]:
        same = [np.array_equal(image, other[number]) for number, image in by_number[0].items()]
        assert np.mean(same) < 0.2


def test_the_order_is_that_of_the_events_without_augmentation(events):
    plain = collect(ResidentPasses(events, BATCH_SIZE, SEED).segment(2, 0))
    augmented = collect(make_passes(events).segment(2, 0))
    assert all(np.array_equal(plain[name], augmented[name]) for name in ("number", "class", "weight"))
    assert not np.array_equal(plain["image"], augmented["image"])


def test_without_any_change_the_events_are_the_same_bits(events):
    plain = collect(ResidentPasses(events, BATCH_SIZE, SEED).segment(2, 0))
    assert is_same(plain, collect(make_passes(events, steps=[]).segment(2, 0)))


def test_an_epoch_has_batches_of_the_usual_size_in_windows(events):
    batches = make_passes(events).segment(1, 0)
    assert batches.n_events == N_EVENTS
    windows = list(batches.open_windows())
    assert [window.n_events for window in windows] == [48, 48, 48, 6]
    assert [batch.n_events for batch in batches] == [16] * 9 + [6]


def test_windows_are_made_ahead_in_another_thread(events):
    threads = set()

    class Watching:
        def apply(self, inputs, rng):
            threads.add(threading.current_thread().name)

    collect(make_passes(events, steps=[(0, Watching())]).segment(1, 0))
    assert len(threads) == 1
    assert threads.pop().startswith("augmentation")


def test_an_error_in_the_thread_is_raised_where_the_events_are_used(events):
    class Failing:
        def apply(self, inputs, rng):
            message = "no such image"
            raise ValueError(message)

    with pytest.raises(ValueError, match="no such image"):
        collect(make_passes(events, steps=[(0, Failing())]).segment(1, 0))


def test_the_training_events_and_what_is_monitored_stay(events):
    before = {name: array.copy() for name, array in events.inputs.items()}
    passes = make_passes(events)
    collect(passes.segment(1, 0))
    assert all(np.array_equal(events.inputs[name], before[name]) for name in before)
    assert passes.monitored is events


def test_windows_of_streamed_events_are_augmented_too(events):
    class Streamed:
        n_events, batch_size, n_segments = N_EVENTS, BATCH_SIZE, 2
        identity, monitored = "file", events

        def segment(self, epoch, number):
            order = np.arange(N_EVENTS)[80 * number : 80 * number + 80]
            return StreamedBatches.of(ResidentBatches(events, BATCH_SIZE, order))

    steps = [(0, Flipping(["image"], "horizontal", 0.5))]
    passes = AugmentedPasses(Streamed(), Augmenter(SEED, input_steps=steps, window_numbers=WINDOW))
    halves = [collect(passes.segment(1, number)) for number in (0, 1)]
    numbers = np.concatenate([half["number"][:, 0] for half in halves])
    assert np.array_equal(numbers, np.arange(N_EVENTS))
    flipped = np.concatenate([half["image"] for half in halves])
    is_changed = (flipped != events.inputs["image"]).any(axis=(1, 2, 3))
    assert 0.3 < is_changed.mean() < 0.7
    # Parts of an epoch draw their own numbers.
    assert not np.array_equal(is_changed[:64], is_changed[80:144])


@pytest.mark.parametrize("step", [0, 3, 5, 9])
def test_suspects_of_a_bad_loss_are_the_augmented_events(events, step):
    passes = make_passes(events)
    batches = list(passes.segment(2, 0))
    suspects = passes.find_suspects(2, step)
    listed = {"in this batch": step, "in the batch before": step - 1}
    for place, number in listed.items():
        rows = suspects.rows[place]
        if number < 0:
            assert not len(rows)
            continue
        assert np.array_equal(suspects.events.inputs["image"][rows], batches[number].inputs["image"])
        assert np.array_equal(suspects.row_numbers[rows], batches[number].inputs["number"][:, 0])


def test_the_size_of_a_window_is_whole_batches(events):
    augmenter = Augmenter(SEED, window_numbers=WINDOW)
    assert augmenter.window_size(events, BATCH_SIZE) == 48
    assert augmenter.window_size(events, 50) == 50  # 47 fit
    assert augmenter.window_size(events, 1000) == 1000


class Shifted:
    """Adds the same random number to all features of an event."""

    def apply(self, inputs, rng):
        inputs["features"] += rng.normal(size=(len(inputs["features"]), 1)).astype(np.float32)


@pytest.fixture
def augmented(plan):
    return replace(
        plan(epochs=5), augmenter=Augmenter(SEED, input_steps=[(0, Shifted())], window_numbers=256)
    )


def test_a_training_that_is_interrupted_and_resumed_ends_the_same(
    new_model, train, validation, augmented, tmp_path
):
    whole = new_model()
    expected = fit(whole, train, validation, augmented)
    model = new_model()
    model.interrupt_at_step = 9
    checkpoints = CheckpointFolder(tmp_path)
    with pytest.raises(Exception, match="interrupted"):
        fit(model, train, validation, augmented, checkpoints=checkpoints)
    resumed = new_model()
    found = fit(resumed, train, validation, augmented, checkpoints=checkpoints, resume=True)
    assert np.array_equal(resumed.kernel, whole.kernel)
    losses = [result.history.columns()["train_loss"] for result in (expected, found)]
    assert np.array_equal(*losses)


def test_validation_is_not_augmented(new_model, train, validation, augmented, plan):
    frozen = {"optimizer": {"type": "sgd", "learning_rate": 1e-30}}
    with_it = replace(plan(**frozen), augmenter=augmented.augmenter)
    columns = [
        fit(new_model(), train, validation, one).history.columns() for one in (plan(**frozen), with_it)
    ]
    assert columns[0]["validation_loss"] == columns[1]["validation_loss"]
    assert columns[0]["train_accuracy"] == columns[1]["train_accuracy"]


def test_mixtures_have_probabilities_of_classes_for_targets(events):
    mixing = [(0, MixingUp(0.5, {"class": OutputObjective(2)}))]
    passes = make_passes(events, steps=[], event_steps=mixing)
    batch = next(iter(passes.segment(1, 0)))
    assert batch.targets["class"].shape == (BATCH_SIZE, 2)
    assert batch.targets["class"].dtype == np.float32
    assert passes.monitored.targets["class"].dtype == np.int64
