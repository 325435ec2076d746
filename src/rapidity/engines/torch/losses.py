"""The loss of a batch, of each output and summed.

Whatever does not depend on the logits (smoothed targets, weights over their mean) is prepared once for all
events; a step picks its rows.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import torch
from torch import Tensor
from torch.nn import functional

from rapidity.engines.events import check_outputs, take_class_index, take_relative_weight
from rapidity.engines.torch.tensors import to_tensor

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rapidity.core.records import Batch, Objective, OutputObjective

SMALLEST_DISTANCE = 1e-12
"""1 - p is kept above this: the gradient of its power is infinite at zero for a focusing below one."""


class OutputLoss(Protocol):
    """The loss of one output as a function of its logits and of tensors with a row per event."""

    def prepare(self, class_index: Tensor, weight: Tensor | None) -> tuple[Tensor, ...]:
        """Return the tensors that the loss needs; `weight` is the training weight over its mean."""
        ...

    def __call__(self, logits: Tensor, rows: Sequence[Tensor]) -> Tensor:
        """Return the weighted sum over the number of events."""
        ...


@dataclass(frozen=True)
class BinaryLoss:
    """Cross-entropy or focal loss of one logit, which stands for the class `positive_index`.

    The focal factor ``(1 - p_true) ** focusing`` is ``exp(focusing * log_sigmoid(-z_true))``, free of
    cancellation (Lin et al., arXiv:1708.02002, eq. 4).
    """

    objective: OutputObjective

    def prepare(self, class_index: Tensor, weight: Tensor | None) -> tuple[Tensor, ...]:
        """Return the smoothed target, for the focal loss the sign of the true class, and the weight."""
        positive = (class_index == self.objective.positive_index).float().unsqueeze(1)
        smoothing = self.objective.label_smoothing
        rows = [positive * (1 - smoothing) + smoothing / 2]
        if self.objective.loss == "focal":
            rows.append(2 * positive - 1)
        if weight is not None:
            rows.append(weight.unsqueeze(1))
        return tuple(rows)

    def __call__(self, logits: Tensor, rows: Sequence[Tensor]) -> Tensor:
        """Return the mean of weight times loss."""
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

    def prepare(self, class_index: Tensor, weight: Tensor | None) -> tuple[Tensor, ...]:
        """Return the class index, and the weight."""
        return (class_index,) if weight is None else (class_index, weight)

    def __call__(self, logits: Tensor, rows: Sequence[Tensor]) -> Tensor:
        """Return the mean of weight times loss."""
        smoothing = self.objective.label_smoothing
        if self.objective.loss == "cross_entropy" and len(rows) == 1:
            return functional.cross_entropy(logits, rows[0], label_smoothing=smoothing)
        losses = functional.cross_entropy(logits, rows[0], reduction="none", label_smoothing=smoothing)
        if self.objective.loss == "focal":
            hard = losses if smoothing == 0 else functional.cross_entropy(logits, rows[0], reduction="none")
            distance = (-torch.expm1(-hard)).clamp_min(SMALLEST_DISTANCE)
            losses = losses * distance**self.objective.focusing
        return (losses * rows[1]).mean() if len(rows) > 1 else losses.mean()


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

    def prepare(self, batch: Batch, device: torch.device) -> tuple[tuple[Tensor, ...], ...]:
        """Return, for each output, the tensors with a row per event that its loss needs."""
        relative = take_relative_weight(batch, self.objective)
        weight = None if relative is None else to_tensor(relative, device)
        return tuple(
            loss.prepare(
                to_tensor(take_class_index(batch, name, self.objective.outputs[name]), device), weight
            )
            for name, loss, _ in self._losses
        )

    def __call__(self, logits: Sequence[Tensor], targets: Sequence[Sequence[Tensor]]) -> Tensor:
        """Return the loss of logits ``(n_events, n_logits)`` and what `prepare` made of these events."""
        terms = [
            loss(values.float(), rows) if factor == 1 else loss(values.float(), rows) * factor
            for values, rows, (_, loss, factor) in zip(logits, targets, self._losses, strict=True)
        ]
        total = terms[0]
        for term in terms[1:]:
            total = total + term
        return total
