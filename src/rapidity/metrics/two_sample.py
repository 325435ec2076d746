"""How far two weighted samples differ: Kolmogorov-Smirnov distance and chi-square of histograms."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from rapidity.core.errors import DataError
from rapidity.metrics.arrays import ROUNDING, check_event_weight, check_scores, sum_of_weights
from rapidity.metrics.effective_events import effective_events

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from rapidity.metrics.histogram import Histogram


@dataclass(frozen=True)
class KsTest:
    """Largest distance of two cumulative distributions, and how likely a larger one is by chance."""

    distance: float
    p_value: float


def ks_test(
    a: ArrayLike,
    b: ArrayLike,
    a_weight: ArrayLike | None = None,
    b_weight: ArrayLike | None = None,
) -> KsTest:
    r"""Return the Kolmogorov-Smirnov distance (no unit) of two weighted samples, with its p-value.

    Parameters
    ----------
    a, b
        Values ``(n_a,)`` and ``(n_b,)``.
    a_weight, b_weight
        Signed weights; None stands for weights of 1.

    Raises
    ------
    DataError
        If a value is NaN, a sample is empty or its weights sum to zero.

    Notes
    -----
    The p-value is the asymptotic one for :math:`n = n_a n_b / (n_a + n_b)` with the effective numbers
    of events, good to some per cent above n = 4 for continuous values and positive weights; a guide
    only for values that repeat or weights of both signs.
    Source: Stephens, J. R. Stat. Soc. B 32 (1970) 115; Press et al., Numerical Recipes, 3rd ed., 14.3.3.

    Examples
    --------
    >>> ks_test([1.0, 2.0, 3.0, 4.0], [2.5, 3.5, 4.5, 5.5]).distance
    0.5
    """
    first, second = np.asarray(a), np.asarray(b)
    first, second = check_scores(first, len(first), "a"), check_scores(second, len(second), "b")
    first_weight = check_event_weight(a_weight, len(first))
    second_weight = check_event_weight(b_weight, len(second))
    for name, weight in (("a", first_weight), ("b", second_weight)):
        if sum_of_weights(weight) == 0:
            message = f"the weights of sample {name} ({len(weight)} events) sum to zero. Give more events."
            raise DataError(message)
    values = np.concatenate([first, second])
    steps = np.concatenate([first_weight / first_weight.sum(), -second_weight / second_weight.sum()])
    order = np.argsort(values)
    ranked = values[order]
    is_last_of_tie = np.concatenate([ranked[1:] != ranked[:-1], [True]])
    distance = float(np.abs(np.cumsum(steps[order])[is_last_of_tie]).max())
    n_a, n_b = effective_events(first_weight), effective_events(second_weight)
    return KsTest(distance, _kolmogorov_p_value(distance, n_a * n_b / (n_a + n_b)))


def _kolmogorov_p_value(distance: float, n_events: float) -> float:
    scaled = (np.sqrt(n_events) + 0.12 + 0.11 / np.sqrt(n_events)) * distance
    if scaled < 0.2:  # the series converges slowly here, and 1 - p is below 1e-12
        return 1.0
    k = np.arange(1, 101)
    return float(np.clip(2 * ((-1.0) ** (k - 1) * np.exp(-2 * (k * scaled) ** 2)).sum(), 0.0, 1.0))


@dataclass(frozen=True)
class Chi2Test:
    """Chi-square of two histograms and its number of degrees of freedom."""

    chi2: float
    n_dof: int


def chi2_test(a: Histogram, b: Histogram) -> Chi2Test:
    r"""Return the chi-square (no unit) of the shapes of two weighted histograms of the same edges.

    Raises
    ------
    DataError
        If the edges differ, or the contents of one sum to zero.

    Notes
    -----
    :math:`\chi^2 = \sum_i (a_i/A - b_i/B)^2 / (\sigma_{a,i}^2/A^2 + \sigma_{b,i}^2/B^2)` over the bins
    (under- and overflow included) that hold anything, with one degree of freedom less than bins.
    Source: Gagunashvili, Comparison of weighted and unweighted histograms, arXiv:physics/0605123
    (also ``TH1::Chi2Test`` of ROOT with option WW).

    Examples
    --------
    >>> from rapidity.metrics import fill_histogram
    >>> a = fill_histogram([0.5] * 40 + [1.5] * 60, [0, 1, 2])
    >>> b = fill_histogram([0.5] * 50 + [1.5] * 50, [0, 1, 2])
    >>> test = chi2_test(a, b)
    >>> round(test.chi2, 3), test.n_dof
    (2.02, 1)
    """
    if not np.array_equal(a.edges, b.edges):
        message = "histograms of different bin edges cannot be compared. Fill both with the same edges."
        raise DataError(message)
    if any(abs(h.total) <= ROUNDING * float(np.sqrt(h.variances).sum()) for h in (a, b)):
        message = "a histogram whose contents sum to zero has no shape to compare. Fill it with more events."
        raise DataError(message)
    difference: NDArray[np.float64] = a.contents / a.total - b.contents / b.total
    variance = a.variances / a.total**2 + b.variances / b.total**2
    is_filled = variance > 0
    chi2 = float((difference[is_filled] ** 2 / variance[is_filled]).sum())
    return Chi2Test(chi2, max(int(is_filled.sum()) - 1, 0))
