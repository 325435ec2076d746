"""Losses on logits, over PyTorch's kernels; `engines.losses` prepares what they need.

Logits are taken to float32 first: in mixed precision they come with 16 bits.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import torch
from torch.nn import functional

from rapidity.engines.losses import SMALLEST_DISTANCE, BatchLoss
from rapidity.engines.torch.tensors import to_tensor

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from torch import Tensor

    from rapidity.core.records import Objective, OutputObjective
    from rapidity.engines.losses import LossKind, OutputLoss


@dataclass(frozen=True)
class BinaryLoss:
    """Cross-entropy or focal loss of one logit, which stands for the class `positive_index`.

    The focal factor ``(1 - p_true) ** focusing`` is ``exp(focusing * log_sigmoid(-z_true))``, free of
    cancellation (Lin et al., arXiv:1708.02002, eq. 4).
    """

    objective: OutputObjective

    def __call__(self, logits: Tensor, rows: Sequence[Tensor]) -> Tensor:
        """Return the mean of weight times loss."""
        logits = logits.float()
        if self.objective.loss == "cross_entropy":
            weight = rows[1] if len(rows) > 1 else None
            return functional.binary_cross_entropy_with_logits(logits, rows[0], weight)
        target, truth = rows[0], rows[1]
        if truth.shape[1] == 1:
            return weighted_mean(self._focal(logits, target, truth), rows[2:])
        edge = self.objective.label_smoothing / 2
        negative = self._focal(logits, torch.full_like(target, edge), -1)
        positive = self._focal(logits, torch.full_like(target, 1 - edge), 1)
        return weighted_mean(negative * truth[:, :1] + positive * truth[:, 1:], rows[2:])

    def _focal(self, logits: Tensor, target: Tensor, sign: Tensor | int) -> Tensor:
        losses = functional.binary_cross_entropy_with_logits(logits, target, reduction="none")
        return losses * torch.exp(self.objective.focusing * functional.logsigmoid(-sign * logits))


@dataclass(frozen=True)
class SoftmaxLoss:
    """Cross-entropy or focal loss of one logit per class."""

    objective: OutputObjective

    def __call__(self, logits: Tensor, rows: Sequence[Tensor]) -> Tensor:
        """Return the mean of weight times loss."""
        logits = logits.float()
        if self.objective.loss == "cross_entropy" and len(rows) == 1:
            # Both class indices and probabilities.
            smoothing = self.objective.label_smoothing
            return functional.cross_entropy(logits, rows[0], label_smoothing=smoothing)
        if rows[0].ndim == 2 and self.objective.loss == "focal":
            return weighted_mean(self._soft_focal(logits, rows[0]), rows[1:])
        return weighted_mean(self.losses(logits, rows[0]), rows[1:])

    def losses(self, logits: Tensor, truth: Tensor) -> Tensor:
        """Return the losses ``(n,)`` of logits ``(n, n_classes)``, given class indices.

        The cross-entropy also takes probabilities of the classes.
        """
        smoothing = self.objective.label_smoothing
        losses = functional.cross_entropy(logits, truth, reduction="none", label_smoothing=smoothing)
        if self.objective.loss == "focal":
            true = losses if smoothing == 0 else functional.cross_entropy(logits, truth, reduction="none")
            losses = losses * self._focal_factor(true)
        return losses

    def _soft_focal(self, logits: Tensor, probability: Tensor) -> Tensor:
        smoothing = self.objective.label_smoothing
        per_class = -functional.log_softmax(logits, 1)
        losses = (1 - smoothing) * per_class + smoothing * per_class.mean(1, keepdim=True)
        return (losses * self._focal_factor(per_class) * probability).sum(1)

    def _focal_factor(self, loss_of_truth: Tensor) -> Tensor:
        distance: Tensor = (-torch.expm1(-loss_of_truth)).clamp_min(SMALLEST_DISTANCE)
        return distance**self.objective.focusing


@dataclass(frozen=True)
class RegressionLoss:
    """Losses of the difference between value and target, as `OutputObjective` defines them."""

    objective: OutputObjective

    def __call__(self, logits: Tensor, rows: Sequence[Tensor]) -> Tensor:
        """Return the mean of weight times loss, given values ``(n_events, 1)``."""
        return weighted_mean(self._losses(logits.float() - rows[0]), rows[1:])

    def _losses(self, difference: Tensor) -> Tensor:
        if self.objective.loss == "squared_error":
            return difference.square()
        distance = difference.abs()
        if self.objective.loss == "huber":
            near = distance.clamp_max(self.objective.delta)
            return near * (distance - 0.5 * near)
        if self.objective.loss == "log_cosh":
            # ln cosh(d) = |d| + ln(1 + exp(-2 |d|)) - ln 2, which overflows for no d.
            return distance + functional.softplus(-2.0 * distance) - math.log(2)
        return distance


@dataclass(frozen=True)
class AssignmentLoss:
    """The loss of a class for every object: the weights of an event's objects add up to that of the event."""

    objective: OutputObjective

    def __call__(self, logits: Tensor, rows: Sequence[Tensor]) -> Tensor:
        """Return the mean over the events, given logits ``(n_events, n_objects, n_classes)``."""
        class_index, weight = rows
        flat = SoftmaxLoss(self.objective).losses(logits.float().flatten(0, 1), class_index.flatten())
        return (flat.view_as(weight) * weight).sum(1).mean()


def weighted_mean(losses: Tensor, weight: Sequence[Tensor]) -> Tensor:
    """Return the sum of weight times loss over the number of events; no weight stands for 1."""
    return (losses * weight[0]).mean() if weight else losses.mean()


LOSSES: dict[LossKind, Callable[[OutputObjective], OutputLoss]] = {
    "binary": BinaryLoss,
    "softmax": SoftmaxLoss,
    "regression": RegressionLoss,
    "assignment": AssignmentLoss,
}


def make_batch_loss(objective: Objective, outputs: Mapping[str, int], device: torch.device) -> BatchLoss:
    """Return the loss of all outputs together, as a function of tensors on the device."""
    return BatchLoss(objective, outputs, LOSSES, partial(to_tensor, device=device))
