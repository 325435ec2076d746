"""Whether scores are probabilities: the fraction of a class among events of equal score."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from rapidity.core.errors import DataError
from rapidity.metrics.arrays import ROUNDING, check_event_weight, check_scores, sum_in_cells, sum_of_weights

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

N_CALIBRATION_BINS = 20


@dataclass(frozen=True)
class CalibrationCurve:
    """Mean score and fraction of the class in bins of the score.

    Attributes
    ----------
    edges
        Bin edges from 0 to 1 ``(n_bins + 1,)``: fixed ones, which do not move with the number of events.
    mean_score, fraction, error
        Weighted mean of the score, weighted fraction of events of the class, and its statistical error
        ``(n_bins,)``, no unit; NaN where the weights sum to nothing or less.
    yields
        Sums of weights ``(n_bins,)``, in events.
    calibration_error
        Mean over events of the distance between fraction and mean score in their bin, no unit: 0 for
        perfect probabilities.
    """

    edges: NDArray[np.float64]
    mean_score: NDArray[np.float64]
    fraction: NDArray[np.float64]
    error: NDArray[np.float64]
    yields: NDArray[np.float64]
    calibration_error: float


def calibration_curve(
    is_signal: ArrayLike,
    score: ArrayLike,
    event_weight: ArrayLike | None = None,
    n_bins: int = N_CALIBRATION_BINS,
) -> CalibrationCurve:
    r"""Return how often events of a score are signal, in bins of the score.

    Parameters
    ----------
    is_signal
        True for events of the class, shape ``(n_events,)``.
    score
        Probability of the class, from 0 to 1, shape ``(n_events,)``.
    event_weight
        Signed weights ``(n_events,)``; None stands for weights of 1. They say in which proportion the
        classes are mixed: scores are probabilities for that mixture only.

    Raises
    ------
    DataError
        If a score is NaN or outside [0, 1], or the weights sum to zero.

    Notes
    -----
    With :math:`S, B` the sums of weights of signal and background in a bin, the fraction is
    :math:`S / (S + B)` with the error :math:`\sqrt{B^2 \sum_S w^2 + S^2 \sum_B w^2} / (S + B)^2`; with
    signed weights it may leave [0, 1]. The calibration error is
    :math:`\sum_b |\sum_{i \in b} w_i (y_i - p_i)| / \sum_i w_i`, which no bin of small yield can blow up.
    Source: Naeini et al., AAAI 2015, p. 2901 (expected calibration error); errors by propagation.

    Examples
    --------
    >>> curve = calibration_curve([True, False, False, True], [0.2, 0.2, 0.3, 0.9], n_bins=2)
    >>> curve.fraction.round(3), curve.mean_score.round(3), round(curve.calibration_error, 3)
    (array([0.333, 1.   ]), array([0.233, 0.9  ]), 0.1)
    """
    signal = np.asarray(is_signal, dtype=np.bool_)
    values = check_scores(score, len(signal)).astype(np.float64)
    weight = check_event_weight(event_weight, len(signal))
    if len(values) and (values.min() < 0 or values.max() > 1):
        message = (
            f"scores from {values.min():g} to {values.max():g} are no probabilities, which lie in [0, 1]. "
            "Give the probabilities of the class, not logits."
        )
        raise DataError(message)
    total = sum_of_weights(weight)
    if total == 0:
        message = (
            f"the calibration is not defined: the weights of {len(values)} events sum to zero. "
            "Give events whose weights do not cancel."
        )
        raise DataError(message)
    bins = np.minimum((values * n_bins).astype(np.int64), n_bins - 1)

    def fill(numbers: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.bincount(bins, numbers, minlength=n_bins).astype(np.float64)

    sig, bkg = (sum_in_cells(bins, weight * side, n_bins) for side in (signal, ~signal))
    yields = sig + bkg
    is_filled = yields > ROUNDING * fill(np.abs(weight))
    known = np.where(is_filled, yields, np.nan)
    variance = bkg**2 * fill(weight**2 * signal) + sig**2 * fill(weight**2 * ~signal)
    return CalibrationCurve(
        edges=np.linspace(0.0, 1.0, n_bins + 1),
        mean_score=fill(weight * values) / known,
        fraction=sig / known,
        error=np.sqrt(variance) / known**2,
        yields=yields,
        calibration_error=float(np.abs(fill(weight * (signal - values))).sum() / total),
    )
