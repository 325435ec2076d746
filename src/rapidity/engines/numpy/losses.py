"""The loss of a batch, of each output and summed.

Whatever does not depend on the logits (smoothed targets, weights over their mean) is prepared once for all
events; a step picks its rows.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np

import rapidity.autodiff as ad
from rapidity.engines.events import check_outputs, take_class_index, take_relative_weight

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from rapidity.autodiff import Tensor
    from rapidity.autodiff.workspace import Array
    from rapidity.core.records import Batch, FloatArray, Objective, OutputObjective

SMALLEST_DISTANCE = 1e-12
"""1 - p is kept above this: the gradient of its power is infinite at zero for a focusing below one."""


class OutputLoss(Protocol):
    """The loss of one output as a function of its logits and of arrays with a row per event."""

    def prepare(self, class_index: NDArray[np.int64], weight: FloatArray | None) -> tuple[Array, ...]:
        """Return the arrays that the loss needs; `weight` is the training weight over its mean."""
        ...

    def __call__(self, logits: Tensor, rows: Sequence[Array]) -> Tensor:
        """Return the weighted sum over the number of events."""
        ...


@dataclass(frozen=True)
class BinaryLoss:
    """Cross-entropy or focal loss of one logit, which stands for the class `positive_index`.

    The focal factor ``(1 - p_true) ** focusing`` is ``exp(-focusing * softplus(z_true))``, free of
    cancellation (Lin et al., arXiv:1708.02002, eq. 4).
    """

    objective: OutputObjective

    def prepare(self, class_index: NDArray[np.int64], weight: FloatArray | None) -> tuple[Array, ...]:
        """Return the smoothed target, for the focal loss the sign of the true class, and the weight."""
        positive = (class_index == self.objective.positive_index).astype(np.float32)[:, np.newaxis]
        smoothing = self.objective.label_smoothing
        rows: list[Array] = [positive * (1 - smoothing) + smoothing / 2]
        if self.objective.loss == "focal":
            rows.append(2 * positive - 1)
        if weight is not None:
            rows.append(weight[:, np.newaxis])
        return tuple(rows)

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

    def prepare(self, class_index: NDArray[np.int64], weight: FloatArray | None) -> tuple[Array, ...]:
        """Return the class index, and the weight."""
        return (class_index,) if weight is None else (class_index, weight)

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

    def prepare(self, batch: Batch) -> tuple[tuple[Array, ...], ...]:
        """Return, for each output, the arrays with a row per event that its loss needs."""
        weight = take_relative_weight(batch, self.objective)
        return tuple(
            loss.prepare(take_class_index(batch, name, self.objective.outputs[name]), weight)
            for name, loss, _ in self._losses
        )

    def __call__(self, logits: Sequence[Tensor], targets: Sequence[Sequence[Array]]) -> Tensor:
        """Return the loss of logits ``(n_events, n_logits)`` and what `prepare` made of these events."""
        terms = [
            loss(values, rows) if factor == 1 else loss(values, rows) * factor
            for values, rows, (_, loss, factor) in zip(logits, targets, self._losses, strict=True)
        ]
        total = terms[0]
        for term in terms[1:]:
            total = total + term
        return total
