"""Signal efficiency, background efficiency and background rejection of a cut on the score."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from rapidity.metrics.accuracy import weighted_mean
from rapidity.metrics.arrays import check_event_weight, check_scores, sum_of_weights
from rapidity.metrics.roc_curve import roc_curve

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray


@dataclass(frozen=True)
class Efficiencies:
    """What the cut ``score >= threshold`` keeps (weighted fractions, no unit)."""

    threshold: float
    sig_eff: float
    bkg_eff: float

    @property
    def bkg_rej(self) -> float:
        """Background rejection ``1 / bkg_eff``; infinity where no background is left.

        NaN where the weights of the background that is left sum to less than zero: no factor then says by
        how much it was reduced.
        """
        if self.bkg_eff < 0:
            return float("nan")
        return 1 / self.bkg_eff if self.bkg_eff > 0 else float("inf")


def find_threshold(
    is_signal: ArrayLike, score: ArrayLike, sig_eff: float, event_weight: ArrayLike | None = None
) -> float:
    """Return the highest threshold (in units of the score) whose cut keeps at least `sig_eff` of the signal.

    A threshold is fitted: find it on the validation split, then measure it on the test split with
    `efficiencies`.

    Raises
    ------
    DataError
        As `roc_curve`.

    Examples
    --------
    >>> find_threshold([True, True, True, True, False], [0.9, 0.8, 0.6, 0.3, 0.2], sig_eff=0.7)
    0.6
    """
    curve = roc_curve(is_signal, score, event_weight)
    # A sum of weights may fall short of the efficiency that it is by a rounding error.
    reached = np.flatnonzero(curve.sig_eff >= sig_eff * (1 - 1e-12))
    return float(curve.threshold[reached[0]])


def efficiencies(
    is_signal: ArrayLike, score: ArrayLike, threshold: float, event_weight: ArrayLike | None = None
) -> Efficiencies:
    """Return which fractions (no unit) of signal and background the cut ``score >= threshold`` keeps.

    Parameters
    ----------
    is_signal
        True for signal, shape ``(n_events,)``.
    score
        Shape ``(n_events,)``.
    threshold
        In units of the score.
    event_weight
        Signed weights ``(n_events,)``; None stands for weights of 1. With weights of both signs an
        efficiency may leave [0, 1].

    Raises
    ------
    DataError
        If a score is NaN, or the weights of the signal or of the background sum to zero.

    Examples
    --------
    >>> cut = efficiencies([True, True, False, False, False], [0.9, 0.4, 0.5, 0.2, 0.1], threshold=0.5)
    >>> cut.sig_eff, round(cut.bkg_rej, 6)
    (0.5, 3.0)
    """
    signal = np.asarray(is_signal, dtype=np.bool_)
    values = check_scores(score, len(signal))
    weight = check_event_weight(event_weight, len(signal))
    is_selected = values >= threshold
    return Efficiencies(
        threshold=float(threshold),
        sig_eff=_efficiency(is_selected[signal], weight[signal], "signal efficiency"),
        bkg_eff=_efficiency(is_selected[~signal], weight[~signal], "background efficiency"),
    )


def _efficiency(is_selected: NDArray[np.bool_], weight: NDArray[np.float64], name: str) -> float:
    """Return the weighted fraction; exactly 0 where what is selected cancels but for rounding."""
    fraction = weighted_mean(is_selected, weight, name)
    return fraction if sum_of_weights(weight[is_selected]) != 0 else 0.0
