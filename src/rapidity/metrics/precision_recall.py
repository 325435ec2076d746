"""Precision (purity), recall (efficiency) and F1 of each class, and the curve over thresholds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from rapidity.core.errors import DataError
from rapidity.metrics.arrays import ROUNDING, check_event_weight, sum_of_weights
from rapidity.metrics.roc_curve import selected_yields

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray


def precision(confusion: ArrayLike) -> NDArray[np.float64]:
    """Return which fraction of the events taken for each class belongs to it, ``(n_classes,)``, no unit.

    Parameters
    ----------
    confusion
        `confusion_matrix`, weighted or not. Precision depends on how frequent the classes are.

    Returns
    -------
    precision
        NaN for a class that no event is taken for, or where the weights of those events cancel.

    Examples
    --------
    >>> precision([[8.0, 2.0], [1.0, 3.0]]).round(3)
    array([0.889, 0.6  ])
    """
    matrix = np.asarray(confusion, dtype=np.float64)
    return _divide(np.diag(matrix), matrix.sum(axis=0), np.abs(matrix).sum(axis=0))


def recall(confusion: ArrayLike) -> NDArray[np.float64]:
    """Return which fraction of each class is taken for it, ``(n_classes,)``, no unit; NaN without events.

    Examples
    --------
    >>> recall([[8.0, 2.0], [1.0, 3.0]])
    array([0.8 , 0.75])
    """
    matrix = np.asarray(confusion, dtype=np.float64)
    return _divide(np.diag(matrix), matrix.sum(axis=1), np.abs(matrix).sum(axis=1))


def f1(confusion: ArrayLike) -> NDArray[np.float64]:
    """Return the harmonic mean of precision and recall of each class, ``(n_classes,)``, no unit.

    As ``2 TP / (2 TP + FP + FN)``: 0, not NaN, for a class with events that no event is taken for.

    Examples
    --------
    >>> f1([[8.0, 2.0], [1.0, 3.0]]).round(3)
    array([0.842, 0.667])
    """
    matrix = np.asarray(confusion, dtype=np.float64)
    sizes = np.abs(matrix)
    together = sizes.sum(axis=0) + sizes.sum(axis=1)
    return _divide(2 * np.diag(matrix), matrix.sum(axis=0) + matrix.sum(axis=1), together)


@dataclass(frozen=True)
class PrecisionRecallCurve:
    """Precision and recall of the cuts ``score >= threshold``, thresholds falling ``(n_points,)``."""

    threshold: NDArray[np.float64]
    precision: NDArray[np.float64]
    recall: NDArray[np.float64]

    @property
    def f1(self) -> NDArray[np.float64]:
        """The harmonic mean of both ``(n_points,)``, no unit; NaN where their sum is 0.

        Examples
        --------
        >>> one = np.array([1.0])
        >>> PrecisionRecallCurve(threshold=one / 2, precision=one, recall=one / 2).f1.round(3)
        array([0.667])
        """
        return _divide(2 * self.precision * self.recall, self.precision + self.recall)

    def thin(self, n_points: int = 1000) -> PrecisionRecallCurve:
        """Return at most `n_points` points at even steps of recall, the ends among them."""
        n_all = len(self.threshold)
        if n_all <= n_points:
            return self
        travelled = np.cumsum(np.abs(np.diff(self.recall, prepend=0.0)))
        # The tail where recall creeps to 1 holds most of the background, so steps of rank count too.
        position = travelled / max(travelled[-1], 1e-300) + np.arange(1, n_all + 1) / n_all
        bins = np.floor(position / 2 * (n_points - 2))
        is_kept = np.concatenate([[True], bins[1:] != bins[:-1]])
        is_kept[-1] = True
        return PrecisionRecallCurve(self.threshold[is_kept], self.precision[is_kept], self.recall[is_kept])


def precision_recall_curve(
    is_signal: ArrayLike, score: ArrayLike, event_weight: ArrayLike | None = None
) -> PrecisionRecallCurve:
    """Return precision and recall (no unit) of every cut on the score.

    Parameters
    ----------
    is_signal
        True for signal, shape ``(n_events,)``.
    score
        Larger means more signal-like, shape ``(n_events,)``.
    event_weight
        Signed weights ``(n_events,)``; None stands for weights of 1. Where the weights of the
        selected events sum to zero the precision is NaN.

    Raises
    ------
    DataError
        If a score is NaN, or the weights of the signal sum to zero.

    Examples
    --------
    >>> curve = precision_recall_curve([True, True, False], [0.9, 0.4, 0.6])
    >>> curve.precision.round(3), curve.recall
    (array([1.   , 0.5  , 0.667]), array([0.5, 0.5, 1. ]))
    """
    threshold, sig, bkg = selected_yields(is_signal, score, event_weight)
    signal = np.asarray(is_signal, dtype=np.bool_)
    weight = check_event_weight(event_weight, len(signal))
    if sum_of_weights(weight[signal]) == 0:
        message = (
            "recall is not defined: the weights of the signal sum to zero. "
            "Give signal events whose weights do not cancel."
        )
        raise DataError(message)
    selected = sig + bkg
    size = selected
    if (weight < 0).any():
        _, *sizes = selected_yields(signal, score, np.abs(weight))
        size = sizes[0] + sizes[1]
    # Nothing is selected at the first threshold, infinity: precision has no value there.
    purity = _divide(sig[1:], selected[1:], size[1:])
    return PrecisionRecallCurve(threshold[1:], purity, sig[1:] / sig[-1])


def _divide(
    numerator: NDArray[np.float64], denominator: NDArray[np.float64], size: NDArray[np.float64] | None = None
) -> NDArray[np.float64]:
    """Return the ratio, NaN where the denominator is zero but for the rounding of a sum of this `size`."""
    nowhere = np.full(numerator.shape, np.nan)
    scale = np.abs(denominator) if size is None else size
    # Below the part that rounding leaves, of a scale that may itself be zero.
    is_something = (denominator != 0) & (np.abs(denominator) > ROUNDING * scale)
    np.divide(numerator, denominator, out=nowhere, where=is_something)
    return nowhere
