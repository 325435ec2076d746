"""What the losses of all engines share: what they need of each event, and their sum over the outputs.

Whatever does not depend on the logits (smoothed targets, weights over their mean) is prepared once for all
events; a step picks its rows. The arithmetic on logits is in the `losses.py` of each engine.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from rapidity.engines.events import check_outputs, take_class_index, take_relative_weight

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray

    from rapidity.core.records import Batch, FloatArray, Objective, OutputObjective

Rows = tuple[Any, ...]
"""Arrays or tensors with a row per event."""

SMALLEST_DISTANCE = 1e-12
"""1 - p is kept above this: the gradient of its power is infinite at zero for a focusing below one."""


class OutputLoss(Protocol):
    """The loss of one output as a function of its logits."""

    def __call__(self, logits: Any, rows: Sequence[Any]) -> Any:
        """Return the sum of weight times loss over the number of events."""
        ...


def prepare_binary(
    output: OutputObjective, class_index: NDArray[np.int64], weight: FloatArray | None
) -> Rows:
    """Return what the loss of one logit needs, each ``(n_events, 1)`` float32.

    The smoothed target; for the focal loss +1 or -1 for the class; the weight, where it is not 1 everywhere.
    """
    positive = (class_index == output.positive_index).astype(np.float32)[:, np.newaxis]
    rows = [positive * (1 - output.label_smoothing) + output.label_smoothing / 2]
    if output.loss == "focal":
        rows.append(2 * positive - 1)
    if weight is not None:
        rows.append(weight[:, np.newaxis])
    return tuple(rows)


def prepare_softmax(
    output: OutputObjective, class_index: NDArray[np.int64], weight: FloatArray | None
) -> Rows:
    """Return what the loss of one logit per class needs, each ``(n_events,)``: class index, and weight."""
    return (class_index,) if weight is None else (class_index, weight)


class BatchLoss:
    """The loss of all outputs together, penalties excluded.

    Parameters
    ----------
    outputs
        Output name -> number of logits.
    binary, softmax
        Make the loss of an output of one logit, and of one logit per class.
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
        binary: Callable[[OutputObjective], OutputLoss],
        softmax: Callable[[OutputObjective], OutputLoss],
        convert: Callable[[Any], Any] = np.asarray,
    ) -> None:
        check_outputs(objective, outputs)
        self.objective = objective
        self._convert = convert
        self._preparers = {name: prepare_binary if n == 1 else prepare_softmax for name, n in outputs.items()}
        self._losses: list[tuple[OutputLoss, float]] = []
        for name, n_logits in outputs.items():
            output = objective.outputs[name]
            self._losses.append((binary(output) if n_logits == 1 else softmax(output), output.weight))

    def prepare(self, batch: Batch) -> tuple[Rows, ...]:
        """Return, for each output, what its loss needs of every event.

        Raises
        ------
        DataError
            If the batch lacks a target, or an index is not one of the classes.
        """
        weight = take_relative_weight(batch, self.objective)
        prepared = []
        for name, prepare in self._preparers.items():
            output = self.objective.outputs[name]
            rows = prepare(output, take_class_index(batch, name, output), weight)
            prepared.append(tuple([self._convert(array) for array in rows]))
        return tuple(prepared)

    def __call__(self, logits: Sequence[Any], targets: Sequence[Sequence[Any]]) -> Any:
        """Return the loss of logits ``(n_events, n_logits)`` and what `prepare` made of these events."""
        terms = [
            loss(values, rows) if factor == 1 else loss(values, rows) * factor
            for values, rows, (loss, factor) in zip(logits, targets, self._losses, strict=True)
        ]
        total = terms[0]
        for term in terms[1:]:
            total = total + term
        return total
