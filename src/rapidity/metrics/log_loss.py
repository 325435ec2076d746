"""The log-loss: minus the mean logarithm of the probability given to the true class."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from rapidity.metrics.accuracy import weighted_mean
from rapidity.metrics.arrays import check_class_index, check_scores

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray


def log_loss_per_event(class_index: ArrayLike, log_probabilities: ArrayLike) -> NDArray[np.floating[Any]]:
    """Return minus the log-probability (nats) of the true class of each event, shape ``(n_events,)``.

    Parameters
    ----------
    class_index
        True class of each event, shape ``(n_events,)``.
    log_probabilities
        One column a class, shape ``(n_events, n_classes)``: ``classes.log_probabilities(logits)``.
        From logits rather than probabilities, because a float32 probability that rounds to 0 or 1
        would make the loss infinite or hide its size.

    Raises
    ------
    DataError
        If a value is NaN or a class is out of range.
    """
    values = np.asarray(log_probabilities)
    index = check_class_index(class_index, values.shape[1])
    values = check_scores(values, len(index), "log_probabilities")
    return -values[np.arange(len(index)), index]


def log_loss(
    class_index: ArrayLike, log_probabilities: ArrayLike, event_weight: ArrayLike | None = None
) -> float:
    """Return the weighted mean of minus the log-probability of the true class, in nats.

    Parameters
    ----------
    class_index
        True class of each event, shape ``(n_events,)``.
    log_probabilities
        One column a class, shape ``(n_events, n_classes)``: ``classes.log_probabilities(logits)``.
    event_weight
        Signed weights ``(n_events,)``; None stands for weights of 1. With weights of both signs the
        mean may be negative.

    Raises
    ------
    DataError
        If a value is NaN, a class is out of range, or the weights sum to zero.

    Examples
    --------
    >>> log_loss([0, 1], np.log([[0.5, 0.5], [0.2, 0.8]])).__round__(4)
    0.4581
    """
    return weighted_mean(log_loss_per_event(class_index, log_probabilities), event_weight, "log-loss")
