"""Losses on logits, over operations of `rapidity.autodiff`; `engines.losses` prepares what they need."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

import rapidity.autodiff as ad
from rapidity.engines.losses import SMALLEST_DISTANCE, BatchLoss

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from rapidity.autodiff import Tensor
    from rapidity.autodiff.workspace import Array
    from rapidity.core.records import Objective, OutputObjective
    from rapidity.engines.losses import LossKind, OutputLoss


@dataclass(frozen=True)
class BinaryLoss:
    """Cross-entropy or focal loss of one logit, which stands for the class `positive_index`.

    The focal factor ``(1 - p_true) ** focusing`` is ``exp(-focusing * softplus(z_true))``, free of
    cancellation (Lin et al., arXiv:1708.02002, eq. 4).
    """

    objective: OutputObjective

    def __call__(self, logits: Tensor, rows: Sequence[Array]) -> Tensor:
        """Return the mean of weight times loss."""
        if self.objective.loss == "cross_entropy":
            return weighted_mean(ad.binary_cross_entropy(logits, rows[0]), rows[1:])
        target, truth = rows[0], rows[1]
        if truth.shape[1] == 1:
            return weighted_mean(self._focal(logits, target, truth), rows[2:])
        edge = self.objective.label_smoothing / 2
        negative = self._focal(logits, np.full_like(target, edge), np.float32(-1))
        positive = self._focal(logits, np.full_like(target, 1 - edge), np.float32(1))
        return weighted_mean(negative * truth[:, :1] + positive * truth[:, 1:], rows[2:])

    def _focal(self, logits: Tensor, target: Array, sign: Array | np.float32) -> Tensor:
        factor = ad.exp(ad.softplus(logits * sign) * -self.objective.focusing)
        return ad.binary_cross_entropy(logits, target) * factor


@dataclass(frozen=True)
class SoftmaxLoss:
    """Cross-entropy or focal loss of one logit per class."""

    objective: OutputObjective

    def __call__(self, logits: Tensor, rows: Sequence[Array]) -> Tensor:
        """Return the mean of weight times loss."""
        if rows[0].ndim == 2:
            return weighted_mean(self.soft(logits, rows[0]), rows[1:])
        return weighted_mean(self.hard(logits, rows[0]), rows[1:])

    def hard(self, logits: Tensor, class_index: Array) -> Tensor:
        """Return the losses ``(...)`` of logits ``(..., n_classes)`` where the class is known."""
        smoothing, n_classes = self.objective.label_smoothing, logits.shape[-1]
        onehot = np.eye(n_classes, dtype=np.float32)
        smooth = onehot * (1 - smoothing) + smoothing / n_classes
        losses = ad.softmax_cross_entropy(logits, smooth[class_index])
        if self.objective.loss == "focal":
            true = losses if smoothing == 0 else ad.softmax_cross_entropy(logits, onehot[class_index])
            losses = losses * self._focal_factor(true)
        return losses

    def soft(self, logits: Tensor, probability: Array) -> Tensor:
        """Return the losses of logits ``(n_events, n_classes)``, given probabilities of the classes."""
        smoothing = self.objective.label_smoothing
        if self.objective.loss == "cross_entropy":
            smooth = probability * (1 - smoothing) + smoothing / logits.shape[1]
            return ad.softmax_cross_entropy(logits, smooth)
        per_class = -ad.log_softmax(logits)
        losses = per_class * (1 - smoothing) + per_class.mean(axis=1, keepdims=True) * smoothing
        return (losses * self._focal_factor(per_class) * probability).sum(axis=1)

    def _focal_factor(self, loss_of_truth: Tensor) -> Tensor:
        distance = ad.maximum(-ad.expm1(-loss_of_truth), SMALLEST_DISTANCE)
        return distance**self.objective.focusing


@dataclass(frozen=True)
class RegressionLoss:
    """Losses of the difference between value and target, as `OutputObjective` defines them."""

    objective: OutputObjective

    def __call__(self, logits: Tensor, rows: Sequence[Array]) -> Tensor:
        """Return the mean of weight times loss, given values ``(n_events, 1)``."""
        difference = logits - rows[0]
        return weighted_mean(self._losses(difference), rows[1:])

    def _losses(self, difference: Tensor) -> Tensor:
        if self.objective.loss == "squared_error":
            return difference * difference
        distance = ad.abs(difference)
        if self.objective.loss == "huber":
            near = ad.minimum(distance, self.objective.delta)
            return near * (distance - near * 0.5)
        if self.objective.loss == "log_cosh":
            # ln cosh(d) = |d| + ln(1 + exp(-2 |d|)) - ln 2, which overflows for no d.
            return distance + ad.softplus(distance * -2.0) - math.log(2)
        return distance


@dataclass(frozen=True)
class AssignmentLoss:
    """The loss of a class for every object: the weights of an event's objects add up to that of the event."""

    objective: OutputObjective

    def __call__(self, logits: Tensor, rows: Sequence[Array]) -> Tensor:
        """Return the mean over the events, given logits ``(n_events, n_objects, n_classes)``."""
        losses = SoftmaxLoss(self.objective).hard(logits, rows[0])
        return (losses * rows[1]).sum(axis=1).mean()


def weighted_mean(losses: Tensor, weight: Sequence[Array]) -> Tensor:
    """Return the sum of weight times loss over the number of events; no weight stands for 1."""
    return (losses * weight[0]).mean() if weight else losses.mean()


LOSSES: dict[LossKind, Callable[[OutputObjective], OutputLoss]] = {
    "binary": BinaryLoss,
    "softmax": SoftmaxLoss,
    "regression": RegressionLoss,
    "assignment": AssignmentLoss,
}


def make_batch_loss(objective: Objective, outputs: Mapping[str, int]) -> BatchLoss:
    """Return the loss of all outputs together, as a function of tensors."""
    return BatchLoss(objective, outputs, LOSSES)
