"""Losses on logits, over operations of `rapidity.autodiff`; `engines.losses` prepares what they need."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

import rapidity.autodiff as ad
from rapidity.engines.losses import SMALLEST_DISTANCE, BatchLoss

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rapidity.autodiff import Tensor
    from rapidity.autodiff.workspace import Array
    from rapidity.core.records import Objective, OutputObjective


@dataclass(frozen=True)
class BinaryLoss:
    """Cross-entropy or focal loss of one logit, which stands for the class `positive_index`.

    The focal factor ``(1 - p_true) ** focusing`` is ``exp(-focusing * softplus(z_true))``, free of
    cancellation (Lin et al., arXiv:1708.02002, eq. 4).
    """

    objective: OutputObjective

    def __call__(self, logits: Tensor, rows: Sequence[Array]) -> Tensor:
        """Return the mean of weight times loss."""
        losses = ad.binary_cross_entropy(logits, rows[0])
        n_used = 1
        if self.objective.loss == "focal":
            losses = losses * ad.exp(ad.softplus(logits * rows[1]) * -self.objective.focusing)
            n_used = 2
        return weighted_mean(losses, rows[n_used:])


@dataclass(frozen=True)
class SoftmaxLoss:
    """Cross-entropy or focal loss of one logit per class."""

    objective: OutputObjective

    def __call__(self, logits: Tensor, rows: Sequence[Array]) -> Tensor:
        """Return the mean of weight times loss."""
        smoothing, n_classes = self.objective.label_smoothing, logits.shape[1]
        onehot = np.eye(n_classes, dtype=np.float32)
        losses = ad.softmax_cross_entropy(logits, (onehot * (1 - smoothing) + smoothing / n_classes)[rows[0]])
        if self.objective.loss == "focal":
            hard = losses if smoothing == 0 else ad.softmax_cross_entropy(logits, onehot[rows[0]])
            distance = ad.maximum(-ad.expm1(-hard), SMALLEST_DISTANCE)
            losses = losses * distance**self.objective.focusing
        return weighted_mean(losses, rows[1:])


def weighted_mean(losses: Tensor, weight: Sequence[Array]) -> Tensor:
    """Return the sum of weight times loss over the number of events; no weight stands for 1."""
    return (losses * weight[0]).mean() if weight else losses.mean()


def make_batch_loss(objective: Objective, outputs: Mapping[str, int]) -> BatchLoss:
    """Return the loss of all outputs together, as a function of tensors."""
    return BatchLoss(objective, outputs, BinaryLoss, SoftmaxLoss)
