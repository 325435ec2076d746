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
from rapidity.core.errors import ConfigError, DataError, InterruptedRunError, TrainingError
from rapidity.core.progress import SilentProgress
from rapidity.core.random import make_generator
from rapidity.core.records import ResidentBatches
from rapidity.training.checkpoints import Position
from rapidity.training.failure import explain_loss
from rapidity.training.history import EpochRow, History
from rapidity.training.identity import check_unchanged, describe_exchange, hash_events, plain
from rapidity.training.monitoring import Metrics, choose_rows, measure, take_rows
from rapidity.training.schedules import Scaled, Span, make_schedule
from rapidity.training.stopping import Monitor

if TYPE_CHECKING:
    from typing import Any

    from numpy.typing import NDArray

    from rapidity.core.progress import Progress, Task
    from rapidity.core.records import Batch, EpochRecord, Model
    from rapidity.training.checkpoints import CheckpointFolder
    from rapidity.training.plan import TrainingPlan


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
    train: Batch,
    validation: Batch | None,
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
        The prepared events of the two splits, with targets. Without validation events there is nothing
        to monitor: early stopping and the schedule ``reduce_on_plateau`` are then refused.
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
        On Ctrl-C. The last complete epoch is then in the checkpoint and in the model.
    """
    loop = _Loop(model, train, validation, plan, checkpoints)
    progress = progress or SilentProgress()
    loop.start(progress, resume=resume)
    try:
        with progress.task("Training", plan.config.epochs, "epoch") as task:
            task.advance(loop.position.epoch)
            while not loop.position.is_finished:
                loop.advance()
                _report(task, loop.position.history.rows[-1])
    except KeyboardInterrupt:
        raise loop.give_up() from None
    return loop.finish()


class _Loop:
    """A training under way; `position` is where it stands after the last complete epoch."""

    def __init__(
        self,
        model: Model,
        train: Batch,
        validation: Batch | None,
        plan: TrainingPlan,
        checkpoints: CheckpointFolder | None,
    ) -> None:
        self.model, self.train, self.plan, self.checkpoints = model, train, plan, checkpoints
        self.validation = validation if validation is not None and validation.n_events else None
        self.config = plan.config
        _check_validation(self.validation, self.config)
        size = self.config.batch_size
        self.batch_size = train.n_events if size == "all" else min(size, train.n_events)
        self.steps_per_epoch = -(-train.n_events // self.batch_size)
        span = Span(self.config.epochs, self.steps_per_epoch)
        self.schedule = make_schedule(self.config.schedule, self.config.optimizer.learning_rate, span)
        self.monitored = take_rows(train, choose_rows(train.n_events, self.config.seed))
        self.saved_epoch: int | None = None

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
            self.saved_epoch = self.position.epoch
            return
        state = self.model.state()
        self.position = Position(state, state, monitor=Monitor.of(self.config.early_stopping))
        if self.checkpoints:
            self.checkpoints.clear()
        self._save()

    def _identify(self) -> dict[str, Any]:
        """Return all that decides the result, for the comparison when resuming."""
        events = {"train": hash_events(self.train)}
        if self.validation is not None:
            events["validation"] = hash_events(self.validation)
        training = self.config.model_dump(mode="json", by_alias=True)
        return plain({**self.plan.configuration, "training": training, "prepared_events": events})

    def advance(self) -> None:
        """Train one epoch, look at the result, and save it when it is time."""
        start = time.perf_counter()
        epoch = self.position.epoch + 1
        batches = ResidentBatches(self.train, self.batch_size, self._order(epoch))
        rate = Scaled(self.schedule, self.position.plateau.factor)
        record = self.model.train_epoch(
            batches,
            self.plan.objective,
            self.config.optimizer,
            rate,
            make_generator(self.config.seed, "dropout", epoch),
        )
        self._check_losses(record, epoch)
        trained = measure(self.model, self.monitored, self.plan.objective)
        validated = self._validate(epoch)
        row = EpochRow(
            epoch=epoch,
            rate=rate(epoch * self.steps_per_epoch - 1),
            train_loss=_mean_loss(record, batches),
            validation_loss=validated.loss if validated else None,
            train_accuracy=trained.accuracy,
            validation_accuracy=validated.accuracy if validated else None,
            train_auc=trained.auc,
            validation_auc=validated.auc if validated else None,
            seconds=round(time.perf_counter() - start, 6),
            engine=self.config.engine,
        )
        self.position = self._next_position(row, validated)
        if self.position.is_finished or epoch % self.config.checkpoint_every == 0:
            self._save()

    def _order(self, epoch: int) -> NDArray[np.int64]:
        return make_generator(self.config.seed, "shuffle", epoch).permutation(self.train.n_events)

    def _check_losses(self, record: EpochRecord, epoch: int) -> None:
        step = record.first_bad_step
        if step is None:
            return
        order = self._order(epoch)
        first, size = step * self.batch_size, self.batch_size
        raise explain_loss(
            float(record.step_losses[step]),
            f"at epoch {epoch}, step {step + 1}",
            self.train,
            {
                "in this batch": order[first : first + size],
                "in the batch before": order[max(first - size, 0) : first],
            },
            self.plan.feature_names,
            self.plan.describe_event,
            self.config.optimizer.learning_rate,
        )

    def _validate(self, epoch: int) -> Metrics | None:
        if self.validation is None:
            return None
        metrics = measure(self.model, self.validation, self.plan.objective)
        if math.isfinite(metrics.loss):
            return metrics
        raise explain_loss(
            metrics.loss,
            f"on the validation split after epoch {epoch}",
            self.validation,
            {"there": np.arange(self.validation.n_events)},
            self.plan.feature_names,
            None,
            self.config.optimizer.learning_rate,
        )

    def _next_position(self, row: EpochRow, validated: Metrics | None) -> Position:
        position = self.position
        state = self.model.state()
        _check_state(state.arrays, row.epoch, self.config.optimizer.learning_rate)
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
            self.saved_epoch = self.position.epoch

    def give_up(self) -> InterruptedRunError:
        """Bring model and checkpoint to the last complete epoch; return the error that says so."""
        self.model.load_state(self.position.state)
        epoch = self.position.epoch
        if self.checkpoints is None:
            message = f"training was interrupted; the model has the parameters of epoch {epoch}."
            return InterruptedRunError(message)
        if self.saved_epoch != epoch:
            self._save()
        message = (
            f"training was interrupted; epoch {epoch} of {self.config.epochs} is saved in "
            f"{self.checkpoints.path}."
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


def _check_validation(validation: Batch | None, config: Any) -> None:
    """Refuse what needs validation events where there are none."""
    needs = []
    if config.early_stopping is not None:
        needs.append("training.early_stopping")
    if isinstance(config.schedule, ReduceOnPlateau):
        needs.append("training.schedule: reduce_on_plateau")
    if validation is None and needs:
        message = (
            f"{' and '.join(needs)} watch the validation split, which has no events. Expected at least one. "
            "Give preparation.split a validation part, or remove the setting."
        )
        raise ConfigError(message)
    if validation is None or validation.training_weight is None:
        return
    total = float(validation.training_weight.sum(dtype=np.float64))
    if not 0 < total < math.inf:
        message = (
            f"the training weights of the validation split sum to {total:g}. Expected a sum above zero, for "
            "the loss to have a lower bound. Choose training.weight.event_weight: absolute, drop or ignore."
        )
        raise DataError(message)


def _check_state(arrays: dict[str, Any], epoch: int, learning_rate: float) -> None:
    """Refuse to keep parameters that are not finite: the last step of an epoch may spoil them."""
    for name, array in arrays.items():
        if not np.isfinite(array).all():
            message = (
                f"'{name}' holds values that are not finite after epoch {epoch}, expected numbers.\n  Lower "
                f"training.optimizer.learning_rate (now {learning_rate:g}), or set training.clip_norm."
            )
            raise TrainingError(message)


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


def _mean_loss(record: EpochRecord, batches: ResidentBatches) -> float:
    sizes = np.full(len(record.step_losses), float(batches.batch_size))
    sizes[-1] = batches.n_events - batches.batch_size * (len(sizes) - 1)
    return float(sizes @ record.step_losses) / batches.n_events


def _report(task: Task, row: EpochRow) -> None:
    fields: dict[str, float] = {"loss": row.train_loss}
    if row.validation_loss is not None:
        fields["validation_loss"] = row.validation_loss
    task.advance(1, **fields, rate=row.rate)
