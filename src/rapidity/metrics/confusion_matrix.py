"""The confusion matrix: how many events of each class are taken for which."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from rapidity.core.errors import DataError
from rapidity.metrics.accuracy import predicted_class
from rapidity.metrics.arrays import (
    ROUNDING,
    check_class_index,
    check_event_weight,
    check_scores,
    sum_in_cells,
)

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray


def confusion_matrix(
    class_index: ArrayLike, scores: ArrayLike, event_weight: ArrayLike | None = None
) -> NDArray[np.float64]:
    """Return the sums of weights (in events) by true class (row) and class of the highest score (column).

    Parameters
    ----------
    class_index
        True class of each event, shape ``(n_events,)``.
    scores
        One column a class, shape ``(n_events, n_classes)``.
    event_weight
        Signed weights ``(n_events,)``; None stands for weights of 1 (the matrix then holds counts).

    Returns
    -------
    matrix
        Shape ``(n_classes, n_classes)``; an entry may be negative where weights are.

    Raises
    ------
    DataError
        If a score is NaN, a class is out of range or a weight is not finite.

    Examples
    --------
    >>> confusion_matrix([0, 1, 1], [[0.9, 0.1], [0.2, 0.8], [0.6, 0.4]])
    array([[1., 0.],
           [1., 1.]])
    """
    values = np.asarray(scores)
    n_classes = values.shape[1]
    index = check_class_index(class_index, n_classes)
    values = check_scores(values, len(index), "scores")
    weight = check_event_weight(event_weight, len(index))
    cell = index * n_classes + predicted_class(values)
    return sum_in_cells(cell, weight, n_classes**2).reshape(n_classes, n_classes)


def normalise_by_true_class(matrix: ArrayLike) -> NDArray[np.float64]:
    """Return the matrix with every row divided by its sum (fractions of each true class, no unit).

    Raises
    ------
    DataError
        If a row sums to zero.

    Examples
    --------
    >>> normalise_by_true_class([[8.0, 2.0], [1.0, 3.0]])
    array([[0.8 , 0.2 ],
           [0.25, 0.75]])
    """
    values = np.asarray(matrix, dtype=np.float64)
    totals = values.sum(axis=1, keepdims=True)
    is_nothing = np.abs(totals) <= ROUNDING * np.abs(values).sum(axis=1, keepdims=True)
    if is_nothing.any():
        message = (
            f"row {int(np.flatnonzero(is_nothing)[0])} of the confusion matrix sums to zero, but each true "
            "class needs events whose weights do not cancel. Evaluate more events of that class."
        )
        raise DataError(message)
    fractions: NDArray[np.float64] = values / totals
    return fractions
