"""Losses on logits, over TensorFlow's kernels; `engines.losses` prepares what they need."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import tensorflow as tf

from rapidity.engines.losses import SMALLEST_DISTANCE, BatchLoss

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from rapidity.core.records import Objective, OutputObjective
    from rapidity.engines.losses import LossKind, OutputLoss


@dataclass(frozen=True)
class BinaryLoss:
    """Cross-entropy or focal loss of one logit, which stands for the class `positive_index`.

    The focal factor ``(1 - p_true) ** focusing`` is ``exp(focusing * log_sigmoid(-z_true))``, free of
    cancellation (Lin et al., arXiv:1708.02002, eq. 4).
    """

    objective: OutputObjective

    def __call__(self, logits: Any, rows: Sequence[Any]) -> Any:
        """Return the mean of weight times loss."""
        if self.objective.loss == "cross_entropy":
            losses = tf.nn.sigmoid_cross_entropy_with_logits(labels=rows[0], logits=logits)
            return weighted_mean(losses, rows[1:])
        target, truth = rows[0], rows[1]
        if truth.shape[1] == 1:
            return weighted_mean(self._focal(logits, target, truth), rows[2:])
        edge = self.objective.label_smoothing / 2
        negative = self._focal(logits, tf.fill(tf.shape(target), edge), -1.0)
        positive = self._focal(logits, tf.fill(tf.shape(target), 1 - edge), 1.0)
        return weighted_mean(negative * truth[:, :1] + positive * truth[:, 1:], rows[2:])

    def _focal(self, logits: Any, target: Any, sign: Any) -> Any:
        losses = tf.nn.sigmoid_cross_entropy_with_logits(labels=target, logits=logits)
        return losses * tf.exp(self.objective.focusing * tf.math.log_sigmoid(-sign * logits))


@dataclass(frozen=True)
class SoftmaxLoss:
    """Cross-entropy or focal loss of one logit per class."""

    objective: OutputObjective

    def __call__(self, logits: Any, rows: Sequence[Any]) -> Any:
        """Return the mean of weight times loss."""
        if len(rows[0].shape) == 2:
            return weighted_mean(self.soft(logits, rows[0]), rows[1:])
        return weighted_mean(self.hard(logits, rows[0]), rows[1:])

    def hard(self, logits: Any, class_index: Any) -> Any:
        """Return the losses ``(...)`` of logits ``(..., n_classes)`` where the class is known."""
        smoothing = self.objective.label_smoothing
        true = tf.nn.sparse_softmax_cross_entropy_with_logits(labels=class_index, logits=logits)
        losses = true
        if smoothing > 0:
            mean_over_classes = -tf.reduce_mean(tf.nn.log_softmax(logits), axis=-1)
            losses = (1 - smoothing) * true + smoothing * mean_over_classes
        return losses * self._focal_factor(true) if self.objective.loss == "focal" else losses

    def soft(self, logits: Any, probability: Any) -> Any:
        """Return the losses of logits ``(n_events, n_classes)``, given probabilities of the classes."""
        smoothing = self.objective.label_smoothing
        per_class = -tf.nn.log_softmax(logits)
        losses = per_class
        if smoothing > 0:
            mean_over_classes = tf.reduce_mean(per_class, axis=1, keepdims=True)
            losses = (1 - smoothing) * per_class + smoothing * mean_over_classes
        if self.objective.loss == "focal":
            losses = losses * self._focal_factor(per_class)
        return tf.reduce_sum(losses * probability, axis=1)

    def _focal_factor(self, loss_of_truth: Any) -> Any:
        return tf.maximum(-tf.math.expm1(-loss_of_truth), SMALLEST_DISTANCE) ** self.objective.focusing


@dataclass(frozen=True)
class RegressionLoss:
    """Losses of the difference between value and target, as `OutputObjective` defines them."""

    objective: OutputObjective

    def __call__(self, logits: Any, rows: Sequence[Any]) -> Any:
        """Return the mean of weight times loss, given values ``(n_events, 1)``."""
        return weighted_mean(self._losses(logits - rows[0]), rows[1:])

    def _losses(self, difference: Any) -> Any:
        if self.objective.loss == "squared_error":
            return tf.square(difference)
        distance = tf.abs(difference)
        if self.objective.loss == "huber":
            near = tf.minimum(distance, self.objective.delta)
            return near * (distance - 0.5 * near)
        if self.objective.loss == "log_cosh":
            # ln cosh(d) = |d| + ln(1 + exp(-2 |d|)) - ln 2, which overflows for no d.
            return distance + tf.nn.softplus(-2.0 * distance) - math.log(2)
        return distance


@dataclass(frozen=True)
class AssignmentLoss:
    """The loss of a class for every object: the weights of an event's objects add up to that of the event."""

    objective: OutputObjective

    def __call__(self, logits: Any, rows: Sequence[Any]) -> Any:
        """Return the mean over the events, given logits ``(n_events, n_objects, n_classes)``."""
        losses = SoftmaxLoss(self.objective).hard(logits, rows[0])
        return tf.reduce_mean(tf.reduce_sum(losses * rows[1], axis=1))


def weighted_mean(losses: Any, weight: Sequence[Any]) -> Any:
    """Return the sum of weight times loss over the number of events; no weight stands for 1."""
    return tf.reduce_mean(losses * weight[0] if weight else losses)


LOSSES: dict[LossKind, Callable[[OutputObjective], OutputLoss]] = {
    "binary": BinaryLoss,
    "softmax": SoftmaxLoss,
    "regression": RegressionLoss,
    "assignment": AssignmentLoss,
}


def make_batch_loss(objective: Objective, outputs: Mapping[str, int]) -> BatchLoss:
    """Return the loss of all outputs together, as a function of tensors."""
    return BatchLoss(objective, outputs, LOSSES, tf.convert_to_tensor)
