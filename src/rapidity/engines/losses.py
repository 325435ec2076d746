"""What the losses of all engines share: what they need of each event, and their sum over the outputs.

Whatever does not depend on the logits (smoothed targets, weights over their mean) is prepared once for all
events; a step picks its rows. The arithmetic on logits is in the `losses.py` of each engine.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, Protocol

import numpy as np

from rapidity.engines.events import (
    check_outputs,
    take_class_index,
    take_class_probability,
    take_relative_weight,
    take_target,
    take_value,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray

    from rapidity.core.records import Batch, FloatArray, Objective, OutputObjective

Rows = tuple[Any, ...]
"""Arrays or tensors with a row per event."""

SMALLEST_DISTANCE = 1e-12
"""1 - p is kept above this: the gradient of its power is infinite at zero for a focusing below one."""

LossKind = Literal["binary", "softmax", "regression", "assignment"]
"""Which arithmetic the loss of an output needs: of one logit, of one logit per class, and so on."""


class OutputLoss(Protocol):
    """The loss of one output as a function of its logits."""

    def __call__(self, logits: Any, rows: Sequence[Any]) -> Any:
        """Return the sum of weight times loss over the number of events."""
        ...


def find_kind(output: OutputObjective, n_logits: int) -> LossKind:
    """Return which arithmetic an output of so many logits needs."""
    if output.task == "classification":
        return "binary" if n_logits == 1 else "softmax"
    return output.task


def prepare_binary(batch: Batch, name: str, output: OutputObjective, weight: FloatArray | None) -> Rows:
    """Return what the loss of one logit needs, each float32 ``(n_events, 1)``.

    The smoothed target; for the focal loss +1 or -1 for the class, or of probabilities ``(n_events, 2)``
    those of the negative and the positive class; the weight, where it is not 1 everywhere.
    """
    if take_target(batch, name).ndim == 2:
        probability = take_class_probability(batch, name, output)
        positive = probability[:, [output.positive_index]]
        focal_rows = np.concatenate([1 - positive, positive], axis=1)
    else:
        class_index = take_class_index(batch, name, output)
        weight = _leave_out(class_index < 0, weight, output)
        positive = (class_index == output.positive_index).astype(np.float32)[:, np.newaxis]
        focal_rows = 2 * positive - 1
    rows = [positive * (1 - output.label_smoothing) + output.label_smoothing / 2]
    if output.loss == "focal":
        rows.append(focal_rows)
    if weight is not None:
        rows.append(weight[:, np.newaxis])
    return tuple(rows)


def prepare_softmax(batch: Batch, name: str, output: OutputObjective, weight: FloatArray | None) -> Rows:
    """Return what the loss of one logit per class needs.

    The class index ``(n_events,)``, or probabilities of the classes ``(n_events, n_classes)``; the weight
    ``(n_events,)``, where it is not 1 everywhere.
    """
    truth: NDArray[Any]
    if take_target(batch, name).ndim == 2:
        truth = take_class_probability(batch, name, output)
    else:
        truth = take_class_index(batch, name, output)
        weight = _leave_out(truth < 0, weight, output)
        truth = np.maximum(truth, 0) if output.ignores_missing else truth
    return (truth,) if weight is None else (truth, weight)


def prepare_regression(batch: Batch, name: str, output: OutputObjective, weight: FloatArray | None) -> Rows:
    """Return the true value ``(n_events, 1)``, and the weight likewise where it is not 1 everywhere."""
    value = take_value(batch, name, output)
    is_missing = np.isnan(value)
    weight = _leave_out(is_missing[:, 0], weight, output)
    # A number stands for what is not known: its loss is finite, and its weight zero.
    rows = [np.where(is_missing, np.float32(0), value) if output.ignores_missing else value]
    if weight is not None:
        rows.append(weight[:, np.newaxis])
    return tuple(rows)


def prepare_assignment(batch: Batch, name: str, output: OutputObjective, weight: FloatArray | None) -> Rows:
    """Return class index and weight of each object ``(n_events, n_objects)``.

    The weights of an event's objects of known class are equal and add up to that of the event; they are zero
    for all others, whose index is that of the first class.
    """
    class_index = take_class_index(batch, name, output)
    is_known = (class_index >= 0).astype(np.float32)
    object_weight = is_known / np.maximum(is_known.sum(axis=1, keepdims=True), 1)
    if weight is not None:
        object_weight *= weight[:, np.newaxis]
    return np.maximum(class_index, 0), object_weight


def _leave_out(
    is_missing: NDArray[np.bool_], weight: FloatArray | None, output: OutputObjective
) -> FloatArray | None:
    """Return the weight, zero for events without a target."""
    if not output.ignores_missing:
        return weight
    known = (~is_missing).astype(np.float32)
    return known if weight is None else known * weight


PREPARERS = {
    "binary": prepare_binary,
    "softmax": prepare_softmax,
    "regression": prepare_regression,
    "assignment": prepare_assignment,
}


class BatchLoss:
    """The loss of all outputs together, penalties excluded.

    Parameters
    ----------
    outputs
        Output name -> number of logits.
    losses
        Kind of loss -> what makes it for an output.
    convert
        Makes of an array what the losses compute with.

    Raises
    ------
    EngineError
        If the objective speaks of other outputs, or of none.
    """

    def __init__(
        self,
        objective: Objective,
        outputs: Mapping[str, int],
        losses: Mapping[LossKind, Callable[[OutputObjective], OutputLoss]],
        convert: Callable[[Any], Any] = np.asarray,
    ) -> None:
        check_outputs(objective, outputs)
        self.objective = objective
        self._convert = convert
        self._kinds = {name: find_kind(objective.outputs[name], n) for name, n in outputs.items()}
        self._losses: list[tuple[OutputLoss, float]] = []
        for name, kind in self._kinds.items():
            output = objective.outputs[name]
            self._losses.append((losses[kind](output), output.weight))

    def prepare(self, batch: Batch) -> tuple[Rows, ...]:
        """Return, for each output, what its loss needs of every event.

        Raises
        ------
        DataError
            If the batch lacks a target, an index is not one of the classes, or a value is no number.
        """
        prepared = []
        for name, kind in self._kinds.items():
            weight = take_relative_weight(batch, self.objective.mean_weight(name))
            rows = PREPARERS[kind](batch, name, self.objective.outputs[name], weight)
            prepared.append(tuple([self._convert(array) for array in rows]))
        return tuple(prepared)

    def __call__(self, logits: Sequence[Any], targets: Sequence[Sequence[Any]]) -> Any:
        """Return the loss of logits ``(n_events, ..., n_logits)`` and what `prepare` made of these events."""
        terms = [
            loss(values, rows) if factor == 1 else loss(values, rows) * factor
            for values, rows, (loss, factor) in zip(logits, targets, self._losses, strict=True)
        ]
        total = terms[0]
        for term in terms[1:]:
            total = total + term
        return total
