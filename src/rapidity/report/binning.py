"""Bins in which a feature is shown: robust against tails, sentinels and outliers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

N_BINS = 40
N_SAMPLED = 50_000
"""Events a class from which the range is found."""
N_FEW = 10
"""With so many different values or fewer a feature is a set of lines."""
TINY, HUGE = 1e-290, 1e290
TAIL = 0.005
"""Part of each class that may lie beyond either end of the range."""


@dataclass(frozen=True)
class Binning:
    """Edges for one feature, and whether its axis is logarithmic."""

    edges: NDArray[np.float64]
    is_log: bool = False
    is_integer: bool = False


def choose_binning(values_by_class: Sequence[NDArray[Any]], n_bins: int = N_BINS) -> Binning:
    """Return bins for the values of all classes together.

    The range holds all but `TAIL` of every class at either end, so that a rare class is not cut off;
    it grows to the true ends where the tails are short. Whole numbers get bins centred on them; few of
    them are all shown, such as the 1 of a flag that hardly any event has.
    Positive values over more than three decades get a logarithmic axis. Values at an end that repeat
    far from all others (an undeclared sentinel) do not stretch the range.

    Parameters
    ----------
    values_by_class
        One array a class; NaN and infinities are passed over.

    Examples
    --------
    >>> choose_binning([np.array([0, 1, 2, 2]), np.array([1, 3, 3, 3])]).edges
    array([-0.5,  0.5,  1.5,  2.5,  3.5])
    """
    samples = [_sample(values) for values in values_by_class]
    samples = [values for values in samples if len(values)]
    if not samples:
        return Binning(np.linspace(0.0, 1.0, n_bins + 1))
    pooled = np.sort(np.concatenate(samples))
    lowest, highest = _without_isolated_ends(pooled)
    samples = [values[(values >= lowest) & (values <= highest)] for values in samples]
    ends = np.array([np.quantile(values, [TAIL, 0.5, 1 - TAIL]) for values in samples if len(values)])
    low, middle, high = float(ends[:, 0].min()), float(ends[:, 1].max()), float(ends[:, 2].max())
    width = high - low
    low = lowest if low - lowest <= 0.3 * width else low
    high = highest if highest - high <= 0.3 * width else high
    if highest - lowest < N_FEW and _are_whole(pooled):
        low, high = lowest, highest
    if high - low <= 1e-12 * max(abs(low), abs(high), TINY):
        return _integer_bins(low - 1, low + 1, n_bins) if _are_whole(pooled) else Binning(_around(low))
    if _are_whole(pooled):
        return _integer_bins(low, high, n_bins)
    if low > 0 and high / low > 1e3 and middle - low < 0.1 * (high - low):
        return Binning(np.geomspace(low, high, n_bins + 1), is_log=True)
    if len(np.unique(pooled)) <= N_FEW:
        margin = 0.05 * (high - low)  # else the outermost values would lie on the frame
        return Binning(np.linspace(low - margin, high + margin, n_bins + 1))
    if lowest >= 0 and low < 0.15 * high:
        low = 0.0
    return Binning(np.linspace(low, high, n_bins + 1))


def _around(value: float) -> NDArray[np.float64]:
    """Return three bins with the only value of a constant feature in the middle one."""
    margin = 0.05 * abs(value)
    return np.linspace(value - margin, value + margin, 4)


def _sample(values: NDArray[Any]) -> NDArray[np.float64]:
    step = max(len(values) // N_SAMPLED, 1)
    sample = np.asarray(values[::step], dtype=np.float64)
    # Differences of the largest numbers would overflow; none of them is a physical value.
    return np.clip(sample[np.isfinite(sample)], -HUGE, HUGE)


def _without_isolated_ends(ordered: NDArray[np.float64]) -> tuple[float, float]:
    """Return the ends of sorted values, passing over an end value that repeats far from all others."""
    low, high = 0, len(ordered) - 1
    after = int(np.searchsorted(ordered, ordered[0], side="right"))
    if 1 < after < len(ordered) and ordered[after] - ordered[0] > 2 * (ordered[-1] - ordered[after]) > 0:
        low = after
    before = int(np.searchsorted(ordered, ordered[-1], side="left")) - 1
    if (
        low <= before < len(ordered) - 2
        and ordered[-1] - ordered[before] > 2 * (ordered[before] - ordered[low]) > 0
    ):
        high = before
    return float(ordered[low]), float(ordered[high])


def _are_whole(values: NDArray[np.float64]) -> bool:
    return bool(np.abs(values).max() < 1e9 and (values == np.round(values)).all())


def _integer_bins(low: float, high: float, n_bins: int) -> Binning:
    width = int((high - low) // n_bins) + 1
    n_steps = int((high - low) // width) + 1
    return Binning(low - 0.5 + width * np.arange(n_steps + 1, dtype=np.float64), is_integer=True)
