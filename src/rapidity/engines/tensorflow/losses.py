"""Losses on logits, over TensorFlow's kernels; `engines.losses` prepares what they need."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import tensorflow as tf

from rapidity.engines.losses import SMALLEST_DISTANCE, BatchLoss

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rapidity.core.records import Objective, OutputObjective


@dataclass(frozen=True)
class BinaryLoss:
    """Cross-entropy or focal loss of one logit, which stands for the class `positive_index`.

    The focal factor ``(1 - p_true) ** focusing`` is ``exp(focusing * log_sigmoid(-z_true))``, free of
    cancellation (Lin et al., arXiv:1708.02002, eq. 4).
    """

    objective: OutputObjective

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


def make_batch_loss(objective: Objective, outputs: Mapping[str, int]) -> BatchLoss:
    """Return the loss of all outputs together, as a function of tensors."""
    return BatchLoss(objective, outputs, BinaryLoss, SoftmaxLoss, tf.convert_to_tensor)
