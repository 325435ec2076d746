"""Losses, accuracy and AUC of a split after an epoch, in evaluation mode."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from rapidity.core.random import make_generator
from rapidity.core.records import Batch, ResidentBatches, StreamedBatches
from rapidity.metrics import RankedScores, predicted_class
from rapidity.network.layers.masks import is_optional

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from numpy.typing import NDArray

    from rapidity.core.records import FloatArray, Model, Objective, OutputObjective, StreamedEvents

EVALUATION_NUMBERS = 2**20
"""Of events of many numbers (images) fewer: the maps of a convolution layer have tens of values a pixel."""
EVALUATION_PAIRS = 2**21
"""Of events of many objects fewer: attention and graphs have tens of values for each pair."""
CLOUD_AXES = 3
"""Of the objects of all events ``(n_events, n_objects, n_features)``."""
EVALUATION_BATCH_SIZE = 4096
"""Activations of so many events fit into the cache of a core; predicting in larger batches is slower."""
MAX_MONITORED_EVENTS = 100_000
MIN_MONITORED_EVENTS = 10_000
MONITORED_PART = 0.05


@dataclass(frozen=True)
class Metrics:
    """What a network reaches on some events.

    Attributes
    ----------
    loss
        Weighted mean loss without penalties, summed over outputs with their factors; NaN if any logit is not
        finite.
    accuracy
        Of the classification: weighted fraction of events whose highest score is that of their class; None
        without one, and where the weights sum to zero.
    auc
        Of the classification: for two classes of the positive class, else the mean of one against the rest;
        None without one, and where a class has no events.
    losses
        Output -> its own loss, over the events whose target is known; where there is more than one output.
    """

    loss: float
    accuracy: float | None
    auc: float | None
    losses: Mapping[str, float] = field(default_factory=dict)


def choose_rows(n_events: int, seed: int) -> NDArray[np.int64]:
    """Return the rows of the training split on which training metrics are computed, in order.

    A fixed twentieth, but at least 10,000 and at most 100,000 events: looking costs little beside
    training, and an accuracy is known to half a percent or better.

    Examples
    --------
    >>> [len(choose_rows(n, seed=1)) for n in (500, 50_000, 400_000, 10_000_000)]
    [500, 10000, 20000, 100000]
    """
    wanted = count_monitored(n_events)
    if n_events == wanted:
        return np.arange(n_events)
    rows = make_generator(seed, "monitor").choice(n_events, wanted, replace=False)
    return np.sort(rows)


def count_monitored(n_events: int) -> int:
    """Return on how many events of a training split its metrics are computed."""
    wanted = max(MIN_MONITORED_EVENTS, min(MAX_MONITORED_EVENTS, int(MONITORED_PART * n_events)))
    return min(wanted, n_events)


def take_rows(events: Batch, rows: NDArray[np.int64]) -> Batch:
    """Return the events of these rows; `events` itself where that is all of them."""
    if len(rows) == events.n_events:
        return events
    return next(iter(ResidentBatches(events, batch_size=len(rows), order=rows)))


def evaluation_batch_size(events: Batch) -> int:
    """Return how many events to predict at a time.

    Examples
    --------
    >>> evaluation_batch_size(Batch({"image": np.zeros((2, 28, 28, 1), np.float32)}))
    1337
    >>> evaluation_batch_size(Batch({"jets": np.zeros((2, 128, 17), np.float32)}))
    128
    """
    n_numbers = sum(math.prod(array.shape[1:]) for array in events.inputs.values())
    most = min(EVALUATION_BATCH_SIZE, EVALUATION_NUMBERS // n_numbers)
    n_objects = sum(
        array.shape[1]
        for name, array in events.inputs.items()
        if array.ndim == CLOUD_AXES and not is_optional(name, events.inputs)
    )
    return max(min(most, EVALUATION_PAIRS // n_objects**2) if n_objects else most, 1)


def measure(model: Model, events: Batch | StreamedEvents, objective: Objective) -> Metrics:
    """Return the metrics of a network on events whose targets are known, weighted with training weights.

    Of streamed events one chunk is in memory at a time, and the scores of all, rounded to float32.
    """
    sums: dict[str, _OutputSums] = {name: _make_sums(output) for name, output in objective.outputs.items()}
    for part, logits in _predict_parts(model, events):
        for name, collected in sums.items():
            if not np.isfinite(logits[name]).all():
                return Metrics(math.nan, None, None)
            collected.add(logits[name], part, name, is_whole=part is events)
    losses = {name: collected.loss for name, collected in sums.items()}
    loss = sum(output.weight * losses[name] for name, output in objective.outputs.items())
    classified = [collected for collected in sums.values() if isinstance(collected, _ClassSums)]
    return Metrics(
        loss,
        _defined(np.mean([one.accuracy for one in classified])) if classified else None,
        _defined(np.mean([one.find_auc() for one in classified])) if classified else None,
        losses if len(losses) > 1 else {},
    )


def _predict_parts(
    model: Model, events: Batch | StreamedEvents
) -> Iterator[tuple[Batch, dict[str, FloatArray]]]:
    if isinstance(events, Batch):
        yield events, model.predict(ResidentBatches(events, evaluation_batch_size(events)))
        return
    for part in events.chunks():
        # As a window, so that an engine keeps nothing of it.
        window = ResidentBatches(part, evaluation_batch_size(part))
        yield part, model.predict(StreamedBatches.of(window))


class _OutputSums(Protocol):
    """What one output of a network reaches on the events so far."""

    def add(self, logits: FloatArray, events: Batch, name: str, *, is_whole: bool) -> None:
        """Take some events into account."""
        ...

    @property
    def loss(self) -> float:
        """The weighted mean loss; NaN where the weights sum to zero."""
        ...


def _make_sums(output: OutputObjective) -> _OutputSums:
    return _ClassSums(output) if output.task == "classification" else _LossSums(output)


def _weights(events: Batch) -> NDArray[np.float64]:
    weight = np.ones(events.n_events) if events.training_weight is None else events.training_weight
    return weight.astype(np.float64)


class _LossSums:
    """The loss of a regression or an assignment over the events so far."""

    def __init__(self, output: OutputObjective) -> None:
        self._output = output
        self._loss = self._total = 0.0

    def add(self, logits: FloatArray, events: Batch, name: str, *, is_whole: bool) -> None:
        losses, is_known = find_losses(logits, events.targets[name], self._output)
        weight = _weights(events)[is_known]
        self._loss += float(weight @ losses[is_known])
        self._total += float(weight.sum())

    @property
    def loss(self) -> float:
        return self._loss / self._total if self._total else math.nan


class _ClassSums:
    """Loss and scores of a classification over the events so far."""

    def __init__(self, output: OutputObjective) -> None:
        self._output = output
        self._loss = self._right = self._total = 0.0
        self._ranked: list[tuple[NDArray[np.floating], NDArray[np.int64], NDArray[np.floating]]] = []

    def add(self, logits: FloatArray, events: Batch, name: str, *, is_whole: bool) -> None:
        log_p = log_probabilities(logits, self._output)
        target = events.targets[name]
        weight = _weights(events)
        self._loss += float(weight @ losses_per_event(log_p, target, self._output))
        self._right += float(weight @ (predicted_class(log_p) == target))
        self._total += float(weight.sum())
        scores = _ranking_scores(log_p, self._output)
        if not is_whole:
            # Kept until all are there, while the memory of the events is used again.
            scores, target, weight = scores.astype(np.float32), target.copy(), weight.astype(np.float32)
        self._ranked.append((scores, target, weight))

    @property
    def loss(self) -> float:
        return self._loss / self._total if self._total else math.nan

    @property
    def accuracy(self) -> float:
        return self._right / self._total if self._total else math.nan

    def find_auc(self) -> float:
        """Return the AUC as `Metrics` defines it; NaN where a class has no events."""
        scores, target, weight = (
            parts[0] if len(parts) == 1 else np.concatenate(parts)
            for parts in zip(*self._ranked, strict=True)
        )
        weight = weight.astype(np.float64, copy=False)
        classes = [self._output.positive_index] if scores.shape[1] == 1 else range(self._output.n_classes)
        areas = [_one_auc(target == k, scores[:, column], weight) for column, k in enumerate(classes)]
        return float(np.mean(areas))


def log_probabilities(logits: NDArray[np.floating], output: OutputObjective) -> NDArray[np.float64]:
    """Return the logarithms of the scores ``(n_events, n_classes)`` of logits ``(n_events, n_logits)``."""
    values = logits.reshape(len(logits), -1).astype(np.float64)
    if values.shape[1] == 1 and output.n_classes == 2:
        columns = np.zeros((len(values), 2))
        columns[:, output.positive_index] = values[:, 0]
        values = columns
    # Subtract the row maximum first: exp() of a raw logit overflows float64 above ~709.
    shifted = values - values.max(axis=1, keepdims=True)
    log_p: NDArray[np.float64] = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    return log_p


def find_losses(
    logits: NDArray[np.floating], target: NDArray[Any], output: OutputObjective
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Return the loss of each event of a regression or an assignment, and whether its target is known.

    Both ``(n_events,)``; as `OutputObjective` defines them, NaN or 0 where nothing is known.

    Examples
    --------
    >>> from rapidity.core.records import OutputObjective
    >>> output = OutputObjective(1, task="regression", loss="absolute_error")
    >>> find_losses(np.array([[1.0], [2.0]]), np.array([3.0, np.nan]), output)
    (array([ 2., nan]), array([ True, False]))
    """
    if output.task == "regression":
        difference = logits.reshape(len(logits)).astype(np.float64) - target
        return _difference_losses(difference, output), ~np.isnan(target)
    values = logits.astype(np.float64)
    shifted = values - values.max(axis=-1, keepdims=True)
    log_p = shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))
    is_known = target >= 0
    flat = losses_per_event(
        log_p.reshape(-1, log_p.shape[-1]), np.maximum(target, 0).reshape(-1), output
    ).reshape(target.shape)
    n_known = is_known.sum(axis=1)
    return (flat * is_known).sum(axis=1) / np.maximum(n_known, 1), n_known > 0


def _difference_losses(difference: NDArray[np.float64], output: OutputObjective) -> NDArray[np.float64]:
    distance: NDArray[np.float64] = np.abs(difference)
    if output.loss == "squared_error":
        return distance**2
    if output.loss == "huber":
        near = np.minimum(distance, output.delta)
        return near * (distance - near / 2)
    if output.loss == "log_cosh":
        return distance + np.log1p(np.exp(-2 * distance)) - math.log(2)
    return distance


def losses_per_event(
    log_p: NDArray[np.float64], target: NDArray[np.int64], output: OutputObjective
) -> NDArray[np.float64]:
    """Return the loss of each event (nats) ``(n_events,)``, as `OutputObjective` defines it."""
    of_truth = log_p[np.arange(len(target)), target]
    losses: NDArray[np.float64] = -of_truth
    if output.label_smoothing:
        losses = (1 - output.label_smoothing) * losses - output.label_smoothing * log_p.mean(axis=1)
    if output.loss == "focal":
        losses = losses * np.maximum(-np.expm1(of_truth), 0.0) ** output.focusing
    return losses


def _ranking_scores(log_p: NDArray[np.float64], output: OutputObjective) -> NDArray[np.float64]:
    """Return what the AUC ranks events by: a column for each class, of two classes only the positive one."""
    if output.n_classes == 2:
        k = output.positive_index
        return (log_p[:, k] - log_p[:, 1 - k])[:, np.newaxis]
    return log_p


def _one_auc(is_signal: NDArray[np.bool_], score: NDArray[np.float64], weight: NDArray[np.float64]) -> float:
    ranked = RankedScores.from_events(is_signal, score)
    return ranked.auc_or_nan(weight[ranked.order])


def _defined(value: np.floating | float) -> float | None:
    return float(value) if math.isfinite(value) else None
