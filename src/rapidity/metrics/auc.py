"""The area under the ROC curve, as a weighted rank statistic that takes weights of either sign."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from rapidity.core.errors import DataError
from rapidity.metrics.arrays import check_class_index, check_event_weight, check_scores, sum_of_weights

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray


def auc(is_signal: ArrayLike, score: ArrayLike, event_weight: ArrayLike | None = None) -> float:
    r"""Return the area under the ROC curve (no unit): how often signal ranks above background.

    Parameters
    ----------
    is_signal
        True for signal, shape ``(n_events,)``.
    score
        Larger means more signal-like, shape ``(n_events,)``; infinities are allowed.
    event_weight
        Signed weights ``(n_events,)``; None stands for weights of 1.

    Raises
    ------
    DataError
        If a score is NaN, a weight is not finite, or the weights of the signal or of the background
        sum to zero (an empty side included).

    Notes
    -----
    .. math:: A = \frac{\sum_{i \in s} \sum_{j \in b} w_i w_j \, (1[x_i > x_j] + 1[x_i = x_j] / 2)}
                        {\sum_{i \in s} w_i \, \sum_{j \in b} w_j}

    computed in O(n log n). With positive weights it is the trapezoidal area under the ROC curve and
    equals ``sklearn.metrics.roc_auc_score``, which refuses a curve on which the background efficiency
    falls, as it does where background weights are negative. With weights of both signs the sum is still an
    unbiased estimate of that probability, but it **may leave [0, 1]**.
    Source: Mann and Whitney, Ann. Math. Stat. 18 (1947) 50; Hanley and McNeil, Radiology 143 (1982) 29.

    Examples
    --------
    >>> auc([True, True, False, False], [0.9, 0.4, 0.4, 0.1])
    0.875
    >>> auc([True, True, False, False], [0.9, 0.2, 0.4, 0.1], event_weight=[1.5, -0.5, 1.0, 1.0])
    1.25
    """
    return RankedScores.from_events(is_signal, score).auc(event_weight)


def one_vs_rest_auc(
    class_index: ArrayLike, scores: ArrayLike, event_weight: ArrayLike | None = None
) -> NDArray[np.float64]:
    """Return for each class its AUC against all other classes together, shape ``(n_classes,)``, no unit.

    Parameters
    ----------
    class_index
        True class of each event, shape ``(n_events,)``.
    scores
        One column a class, shape ``(n_events, n_classes)``.
    event_weight
        Signed weights ``(n_events,)``; None stands for weights of 1.

    Raises
    ------
    DataError
        As `auc`; in particular if a class has no events.

    Examples
    --------
    >>> one_vs_rest_auc([0, 1, 2], [[0.8, 0.1, 0.1], [0.2, 0.5, 0.3], [0.1, 0.7, 0.2]])
    array([1. , 0.5, 0.5])
    """
    columns = np.asarray(scores)
    index = check_class_index(class_index, columns.shape[1])
    return np.array([auc(index == k, columns[:, k], event_weight) for k in range(columns.shape[1])])


def macro_auc(class_index: ArrayLike, scores: ArrayLike, event_weight: ArrayLike | None = None) -> float:
    """Return the mean over classes of the one-versus-rest AUC (no unit), every class counting the same.

    Examples
    --------
    >>> macro_auc([0, 1, 2], [[0.8, 0.1, 0.1], [0.2, 0.5, 0.3], [0.1, 0.7, 0.2]]).__round__(4)
    0.6667
    """
    return float(one_vs_rest_auc(class_index, scores, event_weight).mean())


@dataclass(frozen=True)
class RankedScores:
    """Events sorted by score once, so that the AUC of many sets of weights costs O(n) each.

    Attributes
    ----------
    order
        Row numbers by falling score ``(n_events,)``.
    is_signal
        In that order ``(n_events,)``.
    tie_starts
        Position of the first event of every group of equal scores, or None if no score occurs twice.
    """

    order: NDArray[np.int64]
    is_signal: NDArray[np.bool_]
    tie_starts: NDArray[np.int64] | None

    @classmethod
    def from_events(cls, is_signal: ArrayLike, score: ArrayLike) -> RankedScores:
        """Sort events; a NaN among the scores is a DataError."""
        signal = np.asarray(is_signal, dtype=np.bool_)
        values = check_scores(score, len(signal))
        order = np.argsort(-values)
        ranked = values[order]
        starts = np.flatnonzero(np.concatenate([[True], ranked[1:] != ranked[:-1]])[: len(ranked)])
        return cls(order, signal[order], starts if len(starts) < len(ranked) else None)

    def auc(self, event_weight: ArrayLike | None = None) -> float:
        """Return the AUC for these weights, given in the original order of the events.

        Raises
        ------
        DataError
            If a weight is not finite, or those of the signal or of the background sum to zero.
        """
        weight = check_event_weight(event_weight, len(self.order))
        ranked = weight[self.order]
        value, _, _ = self._area(ranked)
        for side, is_side in (("signal", self.is_signal), ("background", ~self.is_signal)):
            if sum_of_weights(ranked[is_side]) == 0:
                message = (
                    f"the AUC is not defined: the weights of the {side} sum to zero "
                    f"({np.count_nonzero(is_side)} events). "
                    "Both sides need events whose weights do not cancel."
                )
                raise DataError(message)
        return value

    def auc_or_nan(self, ranked_weight: NDArray[Any]) -> float:
        """Return the AUC for weights given in the order of `order`, NaN where it is not defined."""
        return self._area(ranked_weight)[0]

    def _area(self, ranked_weight: NDArray[Any]) -> tuple[float, float, float]:
        sig = ranked_weight * self.is_signal
        bkg = ranked_weight - sig
        if self.tie_starts is not None:
            sig, bkg = np.add.reduceat(sig, self.tie_starts), np.add.reduceat(bkg, self.tie_starts)
        # A background event loses against all signal ranked before it, and half of what ties with it.
        sig_above = np.cumsum(sig)
        n_sig, n_bkg = (float(sig_above[-1]), float(bkg.sum())) if len(sig) else (0.0, 0.0)
        if n_sig == 0 or n_bkg == 0:
            return float("nan"), n_sig, n_bkg
        # Not a dot product of BLAS: its threads cost more than they save, and make sums depend on them.
        return float((bkg * (sig_above - 0.5 * sig)).sum()) / (n_sig * n_bkg), n_sig, n_bkg
