from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from rapidity.core.errors import ConfigError, DataError, InterruptedRunError, TrainingError
from rapidity.core.random import make_generator
from rapidity.core.records import Batch, State
from rapidity.training import CheckpointFolder, fit
from rapidity.training.schedules import FlatCosine


class RecordingTask:
    def __init__(self):
        self.calls = []

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        return None

    def advance(self, amount=1, **fields):
        self.calls.append((amount, fields))


class RecordingProgress:
    def __init__(self):
        self.opened = RecordingTask()

    def task(self, description, total=None, unit=""):
        self.described = (description, total, unit)
        return self.opened

    def note(self, message):
        raise NotImplementedError


def with_value(events: Batch, row: int, column: int, value: float) -> Batch:
    features = events.inputs["features"].copy()
    features[row, column] = value
    return replace(events, inputs={"features": features})


def test_fit_learns_and_records_every_epoch(model, train, validation, plan):
    result = fit(model, train, validation, plan(epochs=5))
    assert [row.epoch for row in result.history] == [1, 2, 3, 4, 5]
    first, last = result.history.rows[0], result.history.rows[-1]
    assert last.validation_loss < first.train_loss
    assert last.validation_auc > 0.7
    assert 0.6 < last.train_accuracy <= 1
    assert result.kept_epoch == 5
    assert not result.stopped_early


def test_the_rate_is_counted_over_all_epochs(model, train, validation, plan):
    fit(model, train, validation, plan(schedule={"type": "step", "every": 2, "factor": 0.5}))
    assert model.rates == pytest.approx([0.1] * 8 + [0.05] * 8)  # four batches of 200 events an epoch


def test_the_engine_is_told_which_part_of_weight_decay_and_dropout_a_step_takes(
    model, train, validation, plan, monkeypatch
):
    objectives = []
    train_epoch = model.train_epoch

    def record(batches, objective, *others):
        objectives.append(objective)
        return train_epoch(batches, objective, *others)

    monkeypatch.setattr(model, "train_epoch", record)
    fit(model, train, validation, plan(optimizer={"type": "adamw", "decay_schedule": "flat_cosine"}))
    assert {objective.decay_strength for objective in objectives} == {FlatCosine(16)}
    assert {objective.dropout_strength for objective in objectives} == {None}
    fit(model, train, validation, plan(optimizer="adamw", dropout_schedule="flat_cosine"))
    assert objectives[-1].decay_at(15) == 1.0
    assert {objective.dropout_strength for objective in objectives[-4:]} == {FlatCosine(16)}
    assert objectives[-1].dropout_at(15) < 0.1


def test_history_holds_the_rate_of_the_last_step(model, train, validation, plan):
    result = fit(model, train, validation, plan(schedule="cosine"))
    assert [row.rate for row in result.history] == [model.rates[k] for k in (3, 7, 11, 15)]


def test_batch_size_all_takes_one_step_an_epoch(model, train, validation, plan):
    fit(model, train, validation, plan(batch_size="all", epochs=3))
    assert model.n_steps == 3


def test_training_loss_counts_events_not_batches(model, train, validation, plan):
    batches = plan(epochs=1, batch_size=150, optimizer={"type": "sgd", "learning_rate": 1e-12})
    result = fit(model, train, validation, batches)
    assert result.history.rows[0].train_loss == pytest.approx(np.log(2))


def test_early_stopping_keeps_the_best_epoch(model, train, validation, plan):
    # A rate far too large: validation soon gets worse.
    settings = plan(
        epochs=50,
        optimizer={"type": "sgd", "learning_rate": 30.0},
        early_stopping={"monitor": "loss", "patience": 3},
    )
    result = fit(model, train, validation, settings)
    losses = result.history.columns()["validation_loss"]
    assert result.stopped_early
    assert len(losses) < 50
    assert result.kept_epoch == result.best_epoch == 1 + int(np.argmin(losses))
    kept = fit_to_epoch(type(model)(), train, validation, settings, result.best_epoch)
    assert np.array_equal(model.kernel, kept)


def fit_to_epoch(model, train, validation, settings, n_epochs):
    config = settings.config.model_copy(update={"epochs": n_epochs, "early_stopping": None})
    fit(model, train, validation, replace(settings, config=config))
    return model.kernel


@pytest.mark.parametrize("quantity", ["loss", "accuracy", "auc"])
def test_best_epoch_is_that_of_the_monitored_quantity(model, train, validation, plan, quantity):
    result = fit(model, train, validation, plan(epochs=8, early_stopping={"monitor": quantity}))
    values = result.history.columns()[f"validation_{quantity}"]
    best = min(values) if quantity == "loss" else max(values)
    assert result.best_epoch == 1 + values.index(best)


def test_without_early_stopping_the_last_epoch_is_kept_and_the_best_is_known(model, train, validation, plan):
    result = fit(model, train, validation, plan(optimizer={"type": "sgd", "learning_rate": 30.0}, epochs=6))
    assert result.kept_epoch == 6
    assert result.best_epoch == 1 + int(np.argmin(result.history.columns()["validation_loss"]))


def test_without_validation_events_the_last_epoch_counts_as_best(model, train, plan):
    result = fit(model, train, None, plan())
    assert result.best_epoch == 4
    assert result.history.rows[0].validation_loss is None


def test_plateau_lowers_the_rate(model, train, validation, plan):
    schedule = {"type": "reduce_on_plateau", "factor": 0.5, "patience": 0, "min_delta": 10.0}
    fit(model, train, validation, plan(schedule=schedule))
    assert model.rates[::4] == pytest.approx([0.1, 0.1, 0.05, 0.025])


@pytest.mark.parametrize(
    ("keys", "named"),
    [
        ({"early_stopping": {}}, "training.early_stopping"),
        ({"schedule": "reduce_on_plateau"}, "reduce_on_plateau"),
    ],
)
def test_what_needs_validation_is_refused_without(model, train, plan, keys, named):
    with pytest.raises(ConfigError, match=f"{named} watch.* the validation split, which has no events"):
        fit(model, train, None, plan(**keys))


def test_validation_weights_that_cancel_are_refused(model, train, validation, plan):
    weight = np.where(np.arange(100) % 2, 1, -1).astype(np.float32)
    with pytest.raises(DataError, match="weights of the validation split sum to 0"):
        fit(model, train, replace(validation, training_weight=weight), plan())


def test_undefined_monitored_quantity_is_refused(model, train, validation, plan):
    one_class = replace(validation, targets={"class": np.zeros(100, dtype=np.int64)})
    with pytest.raises(TrainingError, match="the auc on the validation split is not defined"):
        fit(model, train, one_class, plan(early_stopping={"monitor": "auc"}))


def test_loss_that_is_not_finite_names_epoch_step_feature_and_event(model, train, validation, plan):
    spoilt = with_value(train, row=77, column=2, value=-np.inf)
    with pytest.raises(TrainingError, match=r"at epoch 1, step \d\. .*: 'met' = -inf \(event 77\)") as error:
        fit(model, spoilt, validation, plan())
    assert "Check preparation for met, or lower training.optimizer.learning_rate (now 0.1)" in str(
        error.value
    )


def test_loss_spoilt_by_the_step_before_points_there(model, train, validation, plan):
    # The largest float32: the loss at zero parameters is finite, the parameters after it are not.
    # With this seed the dropout of the stand-in model spares that value in the first step.
    row = int(make_generator(2, "shuffle", 1).permutation(200)[0])
    spoilt = with_value(train, row=row, column=2, value=3.4e38)
    settings = plan(seed=2, optimizer={"type": "sgd", "learning_rate": 1e3})
    with pytest.raises(TrainingError, match=rf"in the batch before: 'met' = 3\.4e\+38 \(event {row}\)"):
        fit(model, spoilt, validation, settings)


def test_sound_inputs_are_not_suspected(model, train, validation, plan):
    with pytest.raises(TrainingError, match="The inputs look sound: lower training"):
        fit(model, train, validation, plan(optimizer={"type": "sgd", "learning_rate": 1e39}))


def test_event_is_described_in_the_words_of_the_caller(model, train, validation, plan):
    settings = replace(plan(), describe_event=lambda row: f"entry {1000 + row} of tracks.csv")
    with pytest.raises(TrainingError, match=r"nan.*\(entry 1077 of tracks\.csv\)"):
        fit(model, with_value(train, 77, 0, np.nan), validation, settings)


def test_validation_loss_that_is_not_finite_stops_training(model, train, validation, plan):
    spoilt = with_value(validation, row=5, column=1, value=np.nan)
    with pytest.raises(
        TrainingError, match=r"on the validation split after epoch 1.*'eta' = nan \(event 5\)"
    ):
        fit(model, train, spoilt, plan())


def test_parameters_that_are_not_finite_are_not_kept(model, train, plan, tmp_path, monkeypatch):
    good = model.state
    monkeypatch.setattr(
        model,
        "state",
        lambda: good() if model.n_steps < 8 else State({"parameter/kernel": np.array([np.nan])}),
    )
    with pytest.raises(
        TrainingError, match="'parameter/kernel' holds values that are not finite after epoch 2"
    ):
        fit(model, train, None, plan(), checkpoints=CheckpointFolder(tmp_path))
    assert CheckpointFolder(tmp_path).load()[0].epoch == 1


def test_failed_training_leaves_the_last_good_checkpoint(model, train, validation, plan, tmp_path):
    fit(model, train, validation, plan(), checkpoints=CheckpointFolder(tmp_path))
    with pytest.raises(TrainingError):
        fit(
            type(model)(),
            with_value(train, 1, 0, np.nan),
            validation,
            plan(),
            checkpoints=CheckpointFolder(tmp_path),
        )
    assert CheckpointFolder(tmp_path).load()[0].epoch == 0


def test_interrupt_leaves_the_last_complete_epoch(model, new_model, train, validation, plan, tmp_path):
    settings = plan(checkpoint_every=3)
    model.interrupt_at_step = 10  # in the third epoch of four steps
    with pytest.raises(InterruptedRunError, match="epoch 2 of 4 is saved in"):
        fit(model, train, validation, settings, checkpoints=CheckpointFolder(tmp_path))
    assert CheckpointFolder(tmp_path).load()[0].epoch == 2
    assert model.n_steps == 8
    resumed, straight = new_model(), new_model()
    fit(resumed, train, validation, settings, checkpoints=CheckpointFolder(tmp_path), resume=True)
    fit(straight, train, validation, settings)
    assert np.array_equal(resumed.kernel, straight.kernel)


def test_interrupt_in_the_first_epoch_leaves_the_start(model, train, validation, plan, tmp_path):
    model.interrupt_at_step = 2
    with pytest.raises(InterruptedRunError, match="epoch 0 of 4 is saved"):
        fit(model, train, validation, plan(), checkpoints=CheckpointFolder(tmp_path))


def test_interrupt_without_checkpoints_says_what_the_model_holds(model, train, validation, plan):
    model.interrupt_at_step = 6
    with pytest.raises(InterruptedRunError, match="the model has the parameters of epoch 1"):
        fit(model, train, validation, plan())


def test_progress_shows_losses_and_rate_of_every_epoch(model, train, validation, plan):
    progress = RecordingProgress()
    fit(model, train, validation, plan(), progress=progress)
    assert progress.described == ("Training", 4, "epoch")
    assert [amount for amount, _ in progress.opened.calls] == [0, 1, 1, 1, 1]
    assert set(progress.opened.calls[-1][1]) == {"loss", "validation_loss", "rate"}


def test_looking_costs_little_beside_training(model, validation, plan):
    rng = np.random.default_rng(3)
    many = Batch(
        {"features": rng.normal(size=(40_000, 3)).astype(np.float32)}, {"class": rng.integers(0, 2, 40_000)}
    )
    fit(model, many, validation, plan(epochs=1, batch_size=10_000))
    assert model.sizes_predicted == [10_000, 100]
