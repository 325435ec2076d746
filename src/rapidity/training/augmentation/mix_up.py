"""Mixtures of two events."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from rapidity.core.errors import ConfigError
from rapidity.core.records import Batch

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from rapidity.core.records import FloatArray, OutputObjective


class MixingUp:
    """Adds two events, and what is true of them (Zhang et al., arXiv:1710.09412, eq. 1).

    With a part l of event i, drawn from Beta(alpha, alpha) for each mixture, and the rest from an event j of
    the same window, the inputs are ``l x_i + (1 - l) x_j``. The loss is that of both events,
    ``l w_i loss(y_i) + (1 - l) w_j loss(y_j)``: the mixture has the weight ``W = l w_i + (1 - l) w_j`` and
    the class probabilities ``(l w_i y_i + (1 - l) w_j y_j) / W``; values of a regression are mixed likewise.
    Every event takes part once as the first and once as the second, so that classes keep the sums of their
    weights.

    Parameters
    ----------
    outputs
        Output name -> what it is trained to do.
    """

    def __init__(self, alpha: float, outputs: Mapping[str, OutputObjective]) -> None:
        self._alpha = alpha
        self._outputs = outputs

    def apply(self, events: Batch, rng: np.random.Generator) -> Batch:
        """Return the mixtures, as many as events; classes become probabilities float32 ``(n, n_classes)``."""
        n_events = events.n_events
        first = rng.beta(self._alpha, self._alpha, n_events)
        partner = rng.permutation(n_events)
        part = first.astype(np.float32)
        inputs = {name: _mix(array, part, partner) for name, array in events.inputs.items()}
        if events.training_weight is None:
            weight, share = None, part
        else:
            own = events.training_weight.astype(np.float64)
            total = first * own + (1 - first) * own[partner]
            share = np.where(total > 0, first * own / np.where(total > 0, total, 1), first).astype(np.float32)
            weight = total.astype(np.float32)
        targets = {
            name: _mix(_as_numbers(values, self._outputs[name]), share, partner)
            for name, values in events.targets.items()
        }
        return Batch(inputs, targets, weight)


def check_mixable(
    where: str, targets: Mapping[str, NDArray[Any]], weight: FloatArray | None, tasks: Mapping[str, str]
) -> None:
    """Raise a ConfigError if events of these targets and training weights cannot be mixed.

    Parameters
    ----------
    where
        The augmentation, for messages.
    tasks
        Output name -> its task.
    """
    reason = cure = None
    if weight is not None and weight.min() < 0:
        reason = (
            f"training weights go down to {weight.min():g}, and two that cancel leave nothing to divide by"
        )
        cure = "Choose training.weight.event_weight: absolute, drop or ignore"
    for name, values in targets.items():
        if tasks[name] == "assignment":
            reason = f"the output '{name}' assigns a class to each object, and objects are not mixed"
            cure = "Remove the output"
        elif _count_missing(values):
            reason = f"{_count_missing(values)} events have no target for the output '{name}'"
            cure = "Leave them out with data.selection"
    if reason:
        message = f"{where} mixes events, but {reason}. {cure}, or remove mix_up."
        raise ConfigError(message)


def _count_missing(values: NDArray[Any]) -> int:
    """Return how many class indices are -1, or values NaN."""
    is_missing = np.isnan(values) if values.dtype.kind == "f" else values < 0
    return int(is_missing.sum())


def _as_numbers(values: NDArray[Any], output: OutputObjective) -> NDArray[np.float32]:
    if output.task != "classification" or values.ndim == 2:
        return values.astype(np.float32, copy=False)
    one_hot: NDArray[np.float32] = np.eye(output.n_classes, dtype=np.float32)[values]
    return one_hot


def _mix(values: NDArray[Any], part: NDArray[np.float32], partner: NDArray[np.int64]) -> NDArray[Any]:
    part = part.reshape(-1, *(1,) * (values.ndim - 1))
    mixed: NDArray[Any] = (values - values[partner]) * part
    mixed += values[partner]
    return mixed
