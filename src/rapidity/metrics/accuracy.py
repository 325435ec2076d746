"""The fraction of events whose highest score belongs to their true class."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from rapidity.core.errors import DataError
from rapidity.metrics.arrays import check_class_index, check_event_weight, check_scores, sum_of_weights

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray


def predicted_class(scores: ArrayLike) -> NDArray[np.int64]:
    """Return the class of the highest score of each event, shape ``(n_events,)``; ties go to the first.

    Any increasing function of the scores (log-probabilities) gives the same.

    Examples
    --------
    >>> predicted_class([[0.2, 0.8], [0.5, 0.5]])
    array([1, 0])
    """
    values = np.asarray(scores)
    if values.shape[1] == 2:  # many times faster than argmax along so short an axis
        return (values[:, 1] > values[:, 0]).astype(np.int64)
    highest: NDArray[np.int64] = np.argmax(values, axis=1)
    return highest


def accuracy(class_index: ArrayLike, scores: ArrayLike, event_weight: ArrayLike | None = None) -> float:
    """Return the weighted fraction of events whose highest score is that of their class (no unit).

    Parameters
    ----------
    class_index
        True class of each event, shape ``(n_events,)``.
    scores
        One column a class (probabilities or their logarithms), shape ``(n_events, n_classes)``.
    event_weight
        Signed weights ``(n_events,)``; None stands for weights of 1. With weights of both signs the
        fraction may leave [0, 1].

    Raises
    ------
    DataError
        If a score is NaN, a class is out of range, or the weights sum to zero.

    Examples
    --------
    >>> accuracy([0, 1, 1, 1], [[0.9, 0.1], [0.2, 0.8], [0.6, 0.4], [0.3, 0.7]])
    0.75
    """
    values = np.asarray(scores)
    index = check_class_index(class_index, values.shape[1])
    values = check_scores(values, len(index), "scores")
    weight = check_event_weight(event_weight, len(index))
    return weighted_mean(predicted_class(values) == index, weight, "accuracy")


def weighted_mean(values: ArrayLike, event_weight: ArrayLike | None, name: str = "weighted mean") -> float:
    """Return ``sum(w x) / sum(w)`` of `values` ``(n_events,)``, in their unit.

    Raises
    ------
    DataError
        If the weights sum to zero; `name` says of what.
    """
    numbers = np.asarray(values, dtype=np.float64)
    weight = check_event_weight(event_weight, len(numbers))
    total = sum_of_weights(weight)
    if total == 0:
        message = (
            f"the {name} is not defined: the weights of {len(numbers)} events sum to zero. "
            "Give events whose weights do not cancel."
        )
        raise DataError(message)
    return float((weight * numbers).sum()) / total
