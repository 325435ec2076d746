"""Losses on logits, over PyTorch's kernels; `engines.losses` prepares what they need.

Logits are taken to float32 first: in mixed precision they come with 16 bits.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import torch
from torch.nn import functional

from rapidity.engines.losses import SMALLEST_DISTANCE, BatchLoss
from rapidity.engines.torch.tensors import to_tensor

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from torch import Tensor

    from rapidity.core.records import Objective, OutputObjective


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
        losses = functional.binary_cross_entropy_with_logits(logits, rows[0], reduction="none")
        losses = losses * torch.exp(self.objective.focusing * functional.logsigmoid(-rows[1] * logits))
        return (losses * rows[2]).mean() if len(rows) > 2 else losses.mean()


@dataclass(frozen=True)
class SoftmaxLoss:
    """Cross-entropy or focal loss of one logit per class."""

    objective: OutputObjective

    def __call__(self, logits: Tensor, rows: Sequence[Tensor]) -> Tensor:
        """Return the mean of weight times loss."""
        logits = logits.float()
        smoothing = self.objective.label_smoothing
        if self.objective.loss == "cross_entropy" and len(rows) == 1:
            return functional.cross_entropy(logits, rows[0], label_smoothing=smoothing)
        losses = functional.cross_entropy(logits, rows[0], reduction="none", label_smoothing=smoothing)
        if self.objective.loss == "focal":
            hard = losses if smoothing == 0 else functional.cross_entropy(logits, rows[0], reduction="none")
            distance = (-torch.expm1(-hard)).clamp_min(SMALLEST_DISTANCE)
            losses = losses * distance**self.objective.focusing
        return (losses * rows[1]).mean() if len(rows) > 1 else losses.mean()


def make_batch_loss(objective: Objective, outputs: Mapping[str, int], device: torch.device) -> BatchLoss:
    """Return the loss of all outputs together, as a function of tensors on the device."""
    return BatchLoss(objective, outputs, BinaryLoss, SoftmaxLoss, partial(to_tensor, device=device))
