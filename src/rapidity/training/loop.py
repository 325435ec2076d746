"""The training loop, written once for all engines.

An engine takes the steps of one epoch; here lies all between epochs: order of the events, learning rate,
monitoring, early stopping, history, checkpoints. Every random number depends on the seed and the epoch only,
so that it does not matter in which process an epoch runs.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from rapidity.config.training import ReduceOnPlateau
from rapidity.core.errors import InterruptedRunError, TrainingError
from rapidity.core.progress import SilentProgress
from rapidity.core.random import make_generator
from rapidity.core.records import Batch
from rapidity.training.augmentation.passes import AugmentedPasses
from rapidity.training.checkpoints import Position
from rapidity.training.failure import check_state, explain_loss, find_largest
from rapidity.training.history import EpochRow, History
from rapidity.training.identity import check_unchanged, describe_exchange, identify_events, plain
from rapidity.training.monitoring import Metrics, measure
from rapidity.training.passes import Passes, ResidentPasses, StreamedPasses
from rapidity.training.schedules import (
    Scaled,
    Span,
    make_decay_schedule,
    make_dropout_schedule,
    make_schedule,
)
from rapidity.training.stopping import Monitor
from rapidity.training.validation import check_validation

if TYPE_CHECKING:
    from typing import Any

    from rapidity.core.progress import Progress, Task
    from rapidity.core.records import EpochRecord, Model, StreamedEvents
    from rapidity.training.checkpoints import CheckpointFolder
    from rapidity.training.passes import StreamedTraining
    from rapidity.training.plan import TrainingPlan

SECONDS_BETWEEN_CHECKPOINTS = 60.0
"""Inside an epoch of streamed events; at its end the configuration decides."""


@dataclass(frozen=True)
class TrainingResult:
    """How a training went.

    Attributes
    ----------
    best_epoch
        Epoch (from 1) with the best monitored quantity; without validation split, the last.
    kept_epoch
        Epoch whose parameters the model now has: the best one with early stopping, else the last.
    stopped_early
        Whether patience ran out before all epochs were done.
    """

    history: History
    best_epoch: int
    kept_epoch: int
    stopped_early: bool


def fit(
    model: Model,
    train: Batch | StreamedTraining,
    validation: Batch | StreamedEvents | None,
    plan: TrainingPlan,
    *,
    checkpoints: CheckpointFolder | None = None,
    progress: Progress | None = None,
    resume: bool = False,
) -> TrainingResult:
    """Train a model; it then has the parameters of the best epoch (early stopping) or of the last one.

    Parameters
    ----------
    train, validation
        The prepared events of the two splits, with targets, in memory or streamed. Without validation
        events there is nothing to monitor: early stopping and the schedule ``reduce_on_plateau`` are then
        refused.
    checkpoints
        Where to keep checkpoints; None keeps none. Without `resume`, an earlier one there is replaced.
    resume
        Go on from the checkpoint, if there is one; the result is that of an uninterrupted training. A
        finished training returns at once. Another engine, device or precision may go on; a note says so.

    Raises
    ------
    ConfigError
        If the checkpoint belongs to another configuration, or the configuration cannot be trained.
    DataError
        If the checkpoint is damaged.
    TrainingError
        If a loss is not finite. The last checkpoint stays.
    InterruptedRunError
        On Ctrl-C. The last complete epoch, or segment of one, is then in the checkpoint and in the model.
    """
    loop = _Loop(model, train, validation, plan, checkpoints)
    progress = progress or SilentProgress()
    loop.start(progress, resume=resume)
    try:
        with progress.task("Training", plan.config.epochs, "epoch") as task:
            task.advance(loop.position.epoch)
            while not loop.position.is_finished:
                if loop.advance():
                    _report(task, loop.position.history.rows[-1])
                else:
                    _report_segment(task, loop.position, loop.passes.n_segments)
    except KeyboardInterrupt:
        raise loop.give_up() from None
    return loop.finish()


class _Loop:
    """A training under way; `position` is where it stands after the last complete segment."""

    def __init__(
        self,
        model: Model,
        train: Batch | StreamedTraining,
        validation: Batch | StreamedEvents | None,
        plan: TrainingPlan,
        checkpoints: CheckpointFolder | None,
    ) -> None:
        self.model, self.plan, self.checkpoints = model, plan, checkpoints
        self.validation = validation if validation is not None and validation.n_events else None
        self.config = plan.config
        check_validation(self.validation, self.config)
        size = self.config.batch_size
        batch_size = train.n_events if size == "all" else min(size, train.n_events)
        self.passes: Passes = (
            ResidentPasses(train, batch_size, self.config.seed)
            if isinstance(train, Batch)
            else StreamedPasses(train, batch_size)
        )
        if plan.augmenter is not None:
            self.passes = AugmentedPasses(self.passes, plan.augmenter)
        self.steps_per_epoch = -(-train.n_events // batch_size)
        span = Span(self.config.epochs, self.steps_per_epoch)
        self.schedule = make_schedule(self.config.schedule, self.config.optimizer.learning_rate, span)
        self.objective = replace(
            plan.objective,
            decay_strength=make_decay_schedule(self.config.optimizer, span),
            dropout_strength=make_dropout_schedule(self.config, span),
        )
        self.saved: tuple[int, int] | None = None
        self.saved_at = time.monotonic()

    def start(self, progress: Progress, *, resume: bool) -> None:
        """Take the checkpoint, or make the first one."""
        self.configuration = self._identify() if self.checkpoints else {}
        if resume and self.checkpoints and self.checkpoints.exists:
            self.position, before = self.checkpoints.load()
            epoch = self.position.epoch
            changes = check_unchanged(self.configuration, before, self.checkpoints.path, epoch)
            if changes:
                note = describe_exchange(changes, epoch, is_finished=self.position.is_finished)
                progress.note(note)
            self.model.load_state(self.position.state)
            self.saved = self.position.place
            return
        state = self.model.state()
        self.position = Position(state, state, monitor=Monitor.of(self.config.early_stopping))
        if self.checkpoints:
            self.checkpoints.clear()
        self._save()

    def _identify(self) -> dict[str, Any]:
        """Return all that decides the result, for the comparison when resuming."""
        events = {"train": self.passes.identity}
        if self.validation is not None:
            events["validation"] = identify_events(self.validation)
        training = self.config.model_dump(mode="json", by_alias=True)
        return plain({**self.plan.configuration, "training": training, "prepared_events": events})

    def advance(self) -> bool:
        """Train one segment, and save it when it is time; return whether it was the last of its epoch."""
        start = time.perf_counter()
        position = self.position
        epoch, segment = position.epoch + 1, position.segment
        batches = self.passes.segment(epoch, segment)
        rate = Scaled(self.schedule, position.plateau.factor)
        record = self.model.train_epoch(
            batches, self.objective, self.config.optimizer, rate, self._dropout(epoch, segment)
        )
        self._check_losses(record, epoch, position.n_steps)
        so_far = Position(
            state=position.state,
            best_state=position.best_state,
            history=position.history,
            monitor=position.monitor,
            plateau=position.plateau,
            segment=segment + 1,
            n_steps=position.n_steps + len(record.step_losses),
            loss_sum=position.loss_sum + _sum_losses(record, batches.n_events, batches.batch_size),
            seconds=position.seconds,
        )
        is_complete = so_far.segment == self.passes.n_segments
        if is_complete:
            self._complete_epoch(so_far, rate, start)
        else:
            self._complete_segment(so_far, start)
        return is_complete

    def _dropout(self, epoch: int, segment: int) -> np.random.Generator:
        # The first segment is the only one of events in memory.
        purpose = (epoch, segment) if segment else (epoch,)
        return make_generator(self.config.seed, "dropout", *purpose)

    def _complete_segment(self, position: Position, start: float) -> None:
        state = self.model.state()
        check_state(state.arrays, f"in epoch {position.epoch + 1}", self.config.optimizer.learning_rate)
        seconds = position.seconds + time.perf_counter() - start
        self.position = replace(position, state=state, seconds=round(seconds, 6))
        if time.monotonic() - self.saved_at >= SECONDS_BETWEEN_CHECKPOINTS:
            self._save()

    def _complete_epoch(self, position: Position, rate: Scaled, start: float) -> None:
        """Look at the result of an epoch, and save it when it is time."""
        epoch = position.epoch + 1
        trained = measure(self.model, self.passes.monitored, self.plan.objective)
        validated = self._validate(epoch)
        row = EpochRow(
            epoch=epoch,
            rate=rate(epoch * self.steps_per_epoch - 1),
            train_loss=position.loss_sum / self.passes.n_events,
            validation_loss=validated.loss if validated else None,
            train_accuracy=trained.accuracy,
            validation_accuracy=validated.accuracy if validated else None,
            train_auc=trained.auc,
            validation_auc=validated.auc if validated else None,
            seconds=round(position.seconds + time.perf_counter() - start, 6),
            engine=self.config.engine,
            output_losses=_name_losses(trained, validated),
        )
        self.position = self._next_position(row, validated)
        if self.position.is_finished or epoch % self.config.checkpoint_every == 0:
            self._save()

    def _check_losses(self, record: EpochRecord, epoch: int, n_steps_before: int) -> None:
        bad = record.first_bad_step
        if bad is None:
            return
        step = n_steps_before + bad
        suspects = self.passes.find_suspects(epoch, step)
        describe = self.plan.describe_event
        raise explain_loss(
            float(record.step_losses[bad]),
            f"at epoch {epoch}, step {step + 1}",
            suspects.events,
            suspects.rows,
            self.plan.feature_names,
            lambda row: (describe or "event {}".format)(int(suspects.row_numbers[row])),
            self.config.optimizer.learning_rate,
        )

    def _validate(self, epoch: int) -> Metrics | None:
        if self.validation is None:
            return None
        metrics = measure(self.model, self.validation, self.plan.objective)
        if math.isfinite(metrics.loss):
            return metrics
        suspects = find_largest(self.validation)
        raise explain_loss(
            metrics.loss,
            f"on the validation split after epoch {epoch}",
            suspects,
            {"there": np.arange(suspects.n_events)},
            self.plan.feature_names,
            None,
            self.config.optimizer.learning_rate,
        )

    def _next_position(self, row: EpochRow, validated: Metrics | None) -> Position:
        position = self.position
        state = self.model.state()
        check_state(state.arrays, f"after epoch {row.epoch}", self.config.optimizer.learning_rate)
        monitor = _watch(position.monitor, validated, row.epoch)
        schedule, plateau = self.config.schedule, position.plateau
        if isinstance(schedule, ReduceOnPlateau) and validated:
            plateau = plateau.updated(validated.loss, schedule)
        return Position(
            state=state,
            best_state=state if monitor.best_epoch == row.epoch else position.best_state,
            history=position.history.extended(row),
            monitor=monitor,
            plateau=plateau,
            is_finished=monitor.should_stop or row.epoch == self.config.epochs,
        )

    def _save(self) -> None:
        if self.checkpoints:
            self.checkpoints.save(self.position, self.configuration)
            self.saved, self.saved_at = self.position.place, time.monotonic()

    def give_up(self) -> InterruptedRunError:
        """Bring model and checkpoint to the last complete epoch; return the error that says so."""
        self.model.load_state(self.position.state)
        epoch = self.position.epoch
        if self.checkpoints is None:
            message = f"training was interrupted; the model has the parameters of epoch {epoch}."
            return InterruptedRunError(message)
        if self.saved != self.position.place:
            self._save()
        part = f", part {self.position.segment} of {self.passes.n_segments} of the next,"
        message = (
            f"training was interrupted; epoch {epoch} of {self.config.epochs}"
            f"{part if self.position.segment else ''} is saved in {self.checkpoints.path}."
        )
        return InterruptedRunError(message)

    def finish(self) -> TrainingResult:
        """Give the model the parameters to keep."""
        position = self.position
        best = position.monitor.best_epoch
        if self.config.early_stopping is not None:
            self.model.load_state(position.best_state)
        return TrainingResult(
            history=position.history,
            best_epoch=best,
            kept_epoch=best if self.config.early_stopping is not None else position.epoch,
            stopped_early=position.epoch < self.config.epochs,
        )


def _name_losses(trained: Metrics, validated: Metrics | None) -> dict[str, float | None]:
    """Return the losses of the single outputs under the names of their columns."""
    losses = {f"train_loss_{name}": _finite(loss) for name, loss in trained.losses.items()}
    if validated is not None:
        losses |= {f"validation_loss_{name}": _finite(loss) for name, loss in validated.losses.items()}
    return losses


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _watch(monitor: Monitor, validated: Metrics | None, epoch: int) -> Monitor:
    """Return the monitor after an epoch; without validation split the last epoch counts as the best."""
    if validated is None:
        return replace(monitor, best_epoch=epoch)
    value: float | None = getattr(validated, monitor.quantity)
    if value is None:
        message = (
            f"the {monitor.quantity} on the validation split is not defined: a class has no events there, or "
            "its weights sum to zero.\n  Set training.early_stopping.monitor: loss, or change "
            "preparation.split."
        )
        raise TrainingError(message)
    return monitor.updated(epoch, value)


def _sum_losses(record: EpochRecord, n_events: int, batch_size: int) -> float:
    """Return the sum over all events of the loss of their step."""
    sizes = np.full(len(record.step_losses), float(batch_size))
    sizes[-1] = n_events - batch_size * (len(sizes) - 1)
    return float(sizes @ record.step_losses)


def _report_segment(task: Task, position: Position, n_segments: int) -> None:
    task.advance(0, window=f"{position.segment} of {n_segments} of epoch {position.epoch + 1}")


def _report(task: Task, row: EpochRow) -> None:
    fields: dict[str, float] = {"loss": row.train_loss}
    if row.validation_loss is not None:
        fields["validation_loss"] = row.validation_loss
    task.advance(1, **fields, rate=row.rate)
