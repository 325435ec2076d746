"""Training on streamed events: segments of an epoch, checkpoints between them, the same errors."""

from __future__ import annotations

import json
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import pytest

from rapidity.config.preparation import Preparation
from rapidity.core.errors import DataError, InterruptedRunError, TrainingError
from rapidity.core.progress import SilentProgress
from rapidity.core.records import Batch, ResidentBatches
from rapidity.data.batches import make_batch
from rapidity.data.features import FeatureSet, make_features
from rapidity.data.preparation import fit_preparation
from rapidity.data.split import TrainRows, ValidationRows
from rapidity.data.streamed_splits import StreamedSplits, StreamSettings
from rapidity.data.weights import TrainingWeights
from rapidity.training import CheckpointFolder, fit, loop
from rapidity.training.checkpoints import CheckpointFolder as Folder
from rapidity.training.failure import find_largest
from rapidity.training.monitoring import measure
from rapidity.training.passes import ResidentPasses, StreamedPasses

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

N_TRAIN, N_VALIDATION = 900, 300
NAMES = ("pt", "eta", "met")


@pytest.fixture
def make_splits(tmp_path: Any, make_table: Any) -> Iterator[Callable[..., StreamedSplits]]:
    """Return a builder of streamed splits; `spoil` changes the raw columns."""
    made = []

    def build(
        *, memory: int = 16_000, spoil: Callable[[dict[str, np.ndarray]], None] | None = None
    ) -> StreamedSplits:
        rng = np.random.default_rng(1)
        n_events = N_TRAIN + N_VALIDATION
        target = rng.integers(0, 2, n_events)
        columns = {name: rng.normal(size=n_events).astype(np.float32) for name in NAMES}
        columns["pt"] += 1.5 * target.astype(np.float32)
        table = make_table(columns, target)
        train = TrainRows(table, np.arange(N_TRAIN))
        features = FeatureSet({"features": make_features(NAMES, "features", columns, {})})
        preparation = fit_preparation(Preparation(scale="none"), features, train)
        if spoil:
            spoil(columns)
        validation = ValidationRows(table, np.arange(N_TRAIN, n_events))
        splits = StreamedSplits(
            tmp_path / "cache",
            TrainingWeights(train, rng.random(N_TRAIN, np.float32) + np.float32(0.5)),
            TrainingWeights(validation, rng.random(N_VALIDATION, np.float32)),
            preparation,
            StreamSettings(memory, batch_size=64, seed=1),
        )
        splits.chunk_size = 110
        made.append(splits)
        return splits

    yield build
    for splits in made:
        splits.close()


@pytest.fixture
def splits(make_splits: Callable[..., StreamedSplits]) -> StreamedSplits:
    return make_splits()


def held(splits: StreamedSplits, name: str) -> Batch:
    """Return a split as it would be held in memory."""
    return make_batch(splits.weights[name].rows, splits.preparation, splits.weights[name].values)


def same(first: Any, second: Any) -> bool:
    arrays = first.state().arrays
    return all(np.array_equal(array, second.state().arrays[name]) for name, array in arrays.items())


def rows_without_times(history: Any) -> list[dict[str, Any]]:
    return [{**row, "seconds": None} for row in history.to_list()]


def test_streamed_events_are_learnt(model, splits, plan):
    assert splits.n_segments > 3
    result = fit(model, splits, splits.validation, plan(epochs=3))
    assert len(result.history) == 3
    assert model.n_epochs_trained == 3 * splits.n_segments
    assert model.n_steps == 3 * -(-N_TRAIN // 64)
    rows = result.history.rows
    assert rows[-1].validation_loss < rows[0].validation_loss
    assert rows[-1].validation_auc > 0.8
    assert rows[-1].train_accuracy == pytest.approx(rows[-1].validation_accuracy, abs=0.1)


def test_a_single_window_takes_as_many_steps_as_events_in_memory(model, make_splits, plan):
    splits = make_splits(memory=10**6)
    assert splits.n_segments == 1
    fit(model, splits, splits.validation, plan(epochs=2))
    assert model.n_steps == 2 * -(-N_TRAIN // 64)


def test_history_is_the_mean_over_the_events_of_the_epoch(model, splits, plan, monkeypatch):
    records = []
    train_epoch = model.train_epoch

    def record(batches, *rest):
        found = train_epoch(batches, *rest)
        sizes = [64] * (len(found.step_losses) - 1)
        records.append((*sizes, batches.n_events - sum(sizes)) @ found.step_losses)
        return found

    monkeypatch.setattr(model, "train_epoch", record)
    result = fit(model, splits, None, plan(epochs=1))
    assert result.history.rows[0].train_loss == pytest.approx(sum(records) / N_TRAIN, rel=1e-12)


def test_streamed_metrics_are_those_of_events_in_memory(model, splits, plan):
    settings = plan(epochs=1)
    fit(model, splits, None, settings)
    streamed = measure(model, splits.validation, settings.objective)
    resident = measure(model, held(splits, "validation"), settings.objective)
    assert streamed.loss == pytest.approx(resident.loss, rel=1e-6)
    assert streamed.accuracy == pytest.approx(resident.accuracy, rel=1e-6)
    assert streamed.auc == pytest.approx(resident.auc, abs=1e-6)


class KilledError(BaseException):
    """Stands for a kill: nothing in the program catches it."""


@pytest.mark.parametrize("n_saves", range(1, 22, 3))
def test_killed_at_any_segment_and_resumed_equals_uninterrupted(
    new_model, make_splits, plan, tmp_path, monkeypatch, n_saves
):
    monkeypatch.setattr(loop, "SECONDS_BETWEEN_CHECKPOINTS", 0.0)
    settings = plan(epochs=3, early_stopping={"monitor": "auc", "patience": 5})
    straight, splits = new_model(), make_splits()
    expected = fit(straight, splits, splits.validation, settings)
    save, places = Folder.save, []

    def save_and_die(self, position, configuration):
        save(self, position, configuration)
        places.append(position.place)
        if len(places) == n_saves:
            raise KilledError

    killed = make_splits()
    folder = CheckpointFolder(tmp_path / "c")
    with monkeypatch.context() as patch:
        patch.setattr(Folder, "save", save_and_die)
        with pytest.raises(KilledError):
            fit(new_model(), killed, killed.validation, settings, checkpoints=folder)
    resumed, again = new_model(), make_splits()
    result = fit(
        resumed, again, again.validation, settings, checkpoints=CheckpointFolder(tmp_path / "c"), resume=True
    )
    assert resumed.n_epochs_trained == 3 * splits.n_segments - (
        places[-1][0] * splits.n_segments + places[-1][1]
    )
    assert same(resumed, straight)
    assert rows_without_times(result.history) == rows_without_times(expected.history)
    assert result.kept_epoch == expected.kept_epoch


def test_interrupt_leaves_the_last_complete_segment(model, new_model, splits, plan, tmp_path):
    model.interrupt_at_step = 20
    with pytest.raises(InterruptedRunError, match=r"epoch 1 of 4, part \d of \d of the next, is saved in"):
        fit(model, splits, splits.validation, plan(), checkpoints=CheckpointFolder(tmp_path / "c"))
    last = json.loads((tmp_path / "c" / "last.json").read_text())
    assert (last["format_version"], last["epoch"]) == (2, 1)
    assert last["segment"] > 0
    names = sorted(path.name for path in (tmp_path / "c").glob("*.safetensors"))
    assert names == ["epoch-0001.safetensors", f"epoch-0001-{last['segment']:04d}.safetensors"][::-1]
    other = new_model()
    fit(other, splits, splits.validation, plan(), checkpoints=CheckpointFolder(tmp_path / "c"), resume=True)
    straight = new_model()
    fit(straight, splits, splits.validation, plan())
    assert same(other, straight)


def test_no_checkpoint_within_an_epoch_before_it_is_time(model, splits, plan, tmp_path, monkeypatch):
    saved = []
    save = Folder.save
    monkeypatch.setattr(
        Folder,
        "save",
        lambda self, position, rest: (saved.append(position.place), save(self, position, rest)),
    )
    fit(model, splits, None, plan(epochs=2), checkpoints=CheckpointFolder(tmp_path / "c"))
    assert saved == [(0, 0), (1, 0), (2, 0)]


def test_resuming_in_memory_what_was_streamed_is_refused(model, new_model, splits, plan, tmp_path):
    model.interrupt_at_step = 20
    with pytest.raises(InterruptedRunError):
        fit(model, splits, None, plan(), checkpoints=CheckpointFolder(tmp_path / "c"))
    with pytest.raises(ValueError, match=r"the configuration has changed in prepared_events\.train"):
        fit(
            new_model(), held(splits, "train"), None, plan(),
            checkpoints=CheckpointFolder(tmp_path / "c"), resume=True,
        )  # fmt: skip


def test_loss_that_is_not_finite_names_step_feature_and_event(model, make_splits, plan):
    def spoil(columns):
        columns["eta"][417] = 3e38

    splits = make_splits(spoil=spoil)
    settings = replace(plan(), describe_event="entry {} of tracks.csv".format)
    with pytest.raises(TrainingError) as caught:
        fit(model, splits, None, settings)
    message = str(caught.value)
    assert "Largest |input| in " in message
    assert "'eta' = 3e+38 (entry 417 of tracks.csv)" in message


def test_validation_loss_that_is_not_finite_names_the_feature(model, make_splits, plan):
    def spoil(columns):
        columns["met"][N_TRAIN + 200] = np.float32(3.3e38)

    splits = make_splits(spoil=spoil)
    with pytest.raises(TrainingError, match=r"on the validation split after epoch 1.*'met' = 3\.3e\+38"):
        fit(model, splits, splits.validation, plan(optimizer={"type": "sgd", "learning_rate": 100.0}))


def test_validation_weights_that_cancel_are_refused(model, splits, plan):
    splits.weights["validation"].values[:] = 0
    with pytest.raises(DataError, match="training weights of the validation split sum to 0"):
        fit(model, splits, splits.validation, plan())


def test_the_largest_input_is_found_in_whichever_chunk(make_splits):
    def spoil(columns):
        columns["met"][N_TRAIN + 250] = -50.0

    found = find_largest(make_splits(spoil=spoil).validation)
    assert found.n_events == 1
    assert found.inputs["features"][0, 2] == -50.0


def test_progress_tells_of_every_window(model, splits, plan):
    class Lines(SilentProgress):
        said: ClassVar[list[tuple[int, dict[str, Any]]]] = []

        @contextmanager
        def task(self, description, total=None, unit=""):
            yield self

        def advance(self, amount=1, **fields):
            self.said.append((amount, fields))

    fit(model, splits, None, plan(epochs=2), progress=Lines())
    assert Lines.said[1] == (0, {"window": f"1 of {splits.n_segments} of epoch 1"})
    assert sum(amount for amount, _ in Lines.said) == 2
    assert len(Lines.said) == 1 + 2 * splits.n_segments


def test_both_kinds_of_passes_monitor_as_many_events(splits):
    streamed = StreamedPasses(splits, 64)
    resident = ResidentPasses(held(splits, "train"), 64, seed=1)
    # Here an eighth of the memory holds fewer.
    assert streamed.monitored.n_events == 16_000 // 8 // splits.event_bytes
    assert resident.monitored.n_events == N_TRAIN
    assert isinstance(resident.segment(1, 0), ResidentBatches)
