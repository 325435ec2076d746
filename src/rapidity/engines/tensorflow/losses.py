"""The loss of a batch, of each output and summed.

Whatever does not depend on the logits (smoothed targets, weights over their mean) is prepared once for all
events; a step picks its rows.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import tensorflow as tf

from rapidity.engines.events import check_outputs, take_class_index, take_relative_weight

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from rapidity.core.records import Batch, FloatArray, Objective, OutputObjective

SMALLEST_DISTANCE = 1e-12
"""1 - p is kept above this: the gradient of its power is infinite at zero for a focusing below one."""


class OutputLoss(Protocol):
    """The loss of one output as a function of its logits and of tensors with a row per event."""

    def prepare(self, class_index: NDArray[np.int64], weight: FloatArray | None) -> tuple[Any, ...]:
        """Return the arrays that the loss needs; `weight` is the training weight over its mean."""
        ...

    def __call__(self, logits: Any, rows: Sequence[Any]) -> Any:
        """Return the weighted sum over the number of events."""
        ...


@dataclass(frozen=True)
class BinaryLoss:
    """Cross-entropy or focal loss of one logit, which stands for the class `positive_index`.

    The focal factor ``(1 - p_true) ** focusing`` is ``exp(focusing * log_sigmoid(-z_true))``, free of
    cancellation (Lin et al., arXiv:1708.02002, eq. 4).
    """

    objective: OutputObjective

    def prepare(self, class_index: NDArray[np.int64], weight: FloatArray | None) -> tuple[Any, ...]:
        """Return the smoothed target, for the focal loss the sign of the true class, and the weight."""
        positive = (class_index == self.objective.positive_index).astype(np.float32)[:, np.newaxis]
        smoothing = np.float32(self.objective.label_smoothing)
        rows = [positive * (1 - smoothing) + smoothing / 2]
        if self.objective.loss == "focal":
            rows.append(2 * positive - 1)
        if weight is not None:
            rows.append(weight[:, np.newaxis])
        return tuple(rows)

    def __call__(self, logits: Any, rows: Sequence[Any]) -> Any:
        """Return the mean of weight times loss."""
        losses = tf.nn.sigmoid_cross_entropy_with_logits(labels=rows[0], logits=logits)
        n_used = 1
        if self.objective.loss == "focal":
            losses = losses * tf.exp(self.objective.focusing * tf.math.log_sigmoid(-rows[1] * logits))
            n_used = 2
        return tf.reduce_mean(losses * rows[n_used] if len(rows) > n_used else losses)


@dataclass(frozen=True)
class SoftmaxLoss:
    """Cross-entropy or focal loss of one logit per class."""

    objective: OutputObjective

    def prepare(self, class_index: NDArray[np.int64], weight: FloatArray | None) -> tuple[Any, ...]:
        """Return the class index, and the weight."""
        return (class_index,) if weight is None else (class_index, weight)

    def __call__(self, logits: Any, rows: Sequence[Any]) -> Any:
        """Return the mean of weight times loss."""
        smoothing = self.objective.label_smoothing
        hard = tf.nn.sparse_softmax_cross_entropy_with_logits(labels=rows[0], logits=logits)
        losses = hard
        if smoothing > 0:
            mean_over_classes = -tf.reduce_mean(tf.nn.log_softmax(logits), axis=1)
            losses = (1 - smoothing) * hard + smoothing * mean_over_classes
        if self.objective.loss == "focal":
            distance = tf.maximum(-tf.math.expm1(-hard), SMALLEST_DISTANCE)
            losses = losses * distance**self.objective.focusing
        return tf.reduce_mean(losses * rows[1] if len(rows) > 1 else losses)


class BatchLoss:
    """The loss of all outputs together, penalties excluded."""

    def __init__(self, objective: Objective, outputs: Mapping[str, int]) -> None:
        check_outputs(objective, outputs)
        self.objective = objective
        self._losses: list[tuple[str, OutputLoss, float]] = []
        for name, n_logits in outputs.items():
            output = objective.outputs[name]
            loss: OutputLoss = BinaryLoss(output) if n_logits == 1 else SoftmaxLoss(output)
            self._losses.append((name, loss, output.weight))

    def prepare(self, batch: Batch) -> tuple[tuple[Any, ...], ...]:
        """Return, for each output, the tensors with a row per event that its loss needs."""
        weight = take_relative_weight(batch, self.objective)
        return tuple(
            tuple(
                tf.convert_to_tensor(array)
                for array in loss.prepare(take_class_index(batch, name, self.objective.outputs[name]), weight)
            )
            for name, loss, _ in self._losses
        )

    def __call__(self, logits: Sequence[Any], targets: Sequence[Sequence[Any]]) -> Any:
        """Return the loss of logits ``(n_events, n_logits)`` and what `prepare` made of these events."""
        terms = [
            loss(values, rows) if factor == 1 else loss(values, rows) * factor
            for values, rows, (_, loss, factor) in zip(logits, targets, self._losses, strict=True)
        ]
        total = terms[0]
        for term in terms[1:]:
            total = total + term
        return total
