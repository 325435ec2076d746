"""The ROC curve: signal against background efficiency as the cut on the score moves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from rapidity.core.errors import DataError
from rapidity.metrics.arrays import check_event_weight, check_scores, sum_of_weights

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray


@dataclass(frozen=True)
class RocCurve:
    """Efficiencies of the cuts ``score >= threshold``, thresholds falling.

    Attributes
    ----------
    threshold
        Infinity first (nothing selected), then every score that occurs ``(n_points,)``.
    sig_eff, bkg_eff
        Weighted fractions of signal and background selected ``(n_points,)``, from 0 to 1. With
        weights of both signs they need not rise everywhere, nor stay inside [0, 1] on the way.
    """

    threshold: NDArray[np.float64]
    sig_eff: NDArray[np.float64]
    bkg_eff: NDArray[np.float64]

    def thin(self, n_points: int = 1000) -> RocCurve:
        """Return at most about `n_points` points that draw the same curve, the ends among them.

        Points are kept at even steps of length along the curve, in both axes and in the logarithm of
        the background efficiency, so that a plot of the background rejection stays smooth too.
        """
        if len(self.threshold) <= n_points:
            return self
        steps = np.abs(np.diff(self.sig_eff)) + np.abs(np.diff(self.bkg_eff))
        smallest = np.min(self.bkg_eff[self.bkg_eff > 0], initial=1.0)
        logarithm = np.log(np.maximum(self.bkg_eff, smallest / 2))
        length = np.cumsum(steps) / max(steps.sum(), 1e-300)
        log_length = np.cumsum(np.abs(np.diff(logarithm))) / max(np.ptp(logarithm), 1e-300)
        bins = np.floor((length + log_length / max(log_length[-1], 1.0)) / 2 * (n_points - 2))
        is_kept = np.concatenate([[True], bins[1:] != bins[:-1], [True, True]])[: len(self.threshold)]
        is_kept[-1] = True
        return RocCurve(self.threshold[is_kept], self.sig_eff[is_kept], self.bkg_eff[is_kept])


def roc_curve(is_signal: ArrayLike, score: ArrayLike, event_weight: ArrayLike | None = None) -> RocCurve:
    """Return signal and background efficiency (no unit) of every cut on the score.

    Parameters
    ----------
    is_signal
        True for signal, shape ``(n_events,)``.
    score
        Larger means more signal-like, shape ``(n_events,)``.
    event_weight
        Signed weights ``(n_events,)``; None stands for weights of 1.

    Raises
    ------
    DataError
        If a score is NaN, or the weights of the signal or of the background sum to zero.

    Notes
    -----
    Events of equal score are selected together. The trapezoidal area below is `auc`.

    With weights of both signs both efficiencies may fall where the cut loosens, and leave [0, 1] on the
    way; they are neither clipped nor sorted, since the area below is unbiased only as they are. To read a
    signal efficiency off at a background efficiency that occurs several times, take the tightest cut.
    Source: Fawcett, Pattern Recognition Letters 27 (2006) 861, algorithm 1.

    Examples
    --------
    >>> curve = roc_curve([True, True, False, False], [0.9, 0.4, 0.4, 0.1])
    >>> curve.sig_eff, curve.bkg_eff
    (array([0. , 0.5, 1. , 1. ]), array([0. , 0. , 0.5, 1. ]))
    """
    threshold, selected_sig, selected_bkg = selected_yields(is_signal, score, event_weight)
    signal = np.asarray(is_signal, dtype=np.bool_)
    weight = check_event_weight(event_weight, len(signal))
    for side, is_side in (("signal", signal), ("background", ~signal)):
        if sum_of_weights(weight[is_side]) == 0:
            message = (
                f"the ROC curve is not defined: the weights of the {side} sum to zero. "
                "Both sides need events whose weights do not cancel."
            )
            raise DataError(message)
    return RocCurve(threshold, selected_sig / selected_sig[-1], selected_bkg / selected_bkg[-1])


def selected_yields(
    is_signal: ArrayLike, score: ArrayLike, event_weight: ArrayLike | None
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Return thresholds, falling from infinity, and the sums of weights of signal and background at or above.

    All three have shape ``(n_different_scores + 1,)``.
    """
    signal = np.asarray(is_signal, dtype=np.bool_)
    values = check_scores(score, len(signal))
    weight = check_event_weight(event_weight, len(signal))
    order = np.argsort(-values)
    ranked, ranked_signal, ranked_weight = values[order], signal[order], weight[order]
    is_last_of_tie = np.concatenate([ranked[1:] != ranked[:-1], [True]])[: len(ranked)]
    sums = [
        np.concatenate([[0.0], np.cumsum(np.where(side, ranked_weight, 0.0))[is_last_of_tie]])
        for side in (ranked_signal, ~ranked_signal)
    ]
    threshold = np.concatenate([[np.inf], ranked[is_last_of_tie].astype(np.float64)])
    return threshold, sums[0], sums[1]
