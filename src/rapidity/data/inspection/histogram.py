"""Small histograms: how the values of a column are distributed, and a line of characters for a terminal."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

N_BINS = 16
_TAIL = 0.005
"""Part of the values at each end that the range of a histogram may leave out."""
_MAX_WIDTHS = 3.0
"""The range reaches to the extreme values where these are not further away than so many times its width."""

BLOCKS = "▁▂▃▄▅▆▇█"
ASCII = "_.:-=+*#"
"""For terminals without block characters."""


@dataclass(frozen=True)
class Histogram:
    """How often values lie in bins of equal width; NaN, infinities and sentinels are left out.

    Attributes
    ----------
    low, high
        Borders of the first and the last bin.
    counts
        Number of values in each bin.
    n_below, n_above
        Values beyond the borders: a few far away ones would squeeze all others into one bin.
    """

    low: float
    high: float
    counts: tuple[int, ...]
    n_below: int = 0
    n_above: int = 0

    def draw(self, width: int = N_BINS, levels: str = BLOCKS) -> str:
        """Return a line of characters, blank where a bin is empty, from the lowest level up elsewhere.

        Examples
        --------
        >>> Histogram(0.0, 4.0, (1, 0, 4, 8)).draw(4)
        '▁ ▄█'
        """
        n_merged = -(-len(self.counts) // max(width, 1))
        merged = [sum(self.counts[i : i + n_merged]) for i in range(0, len(self.counts), n_merged)]
        top = max(merged, default=0)
        return "".join(" " if count == 0 else levels[-(-count * len(levels) // top) - 1] for count in merged)


def make_histogram(
    distinct: NDArray[Any], counts: NDArray[np.int64], n_bins: int = N_BINS
) -> Histogram | None:
    """Return the histogram of values given as the distinct ones, ascending, and how often each stands.

    None where there are fewer than two of them. The range is that of the values, without the outermost
    0.5 % where these lie far away. Whole numbers in few values get a bin each.
    """
    if len(distinct) < 2:
        return None
    low, high = _find_range(distinct.astype(np.float64), counts)
    is_whole = high - low < n_bins and bool((distinct == np.round(distinct)).all())
    if is_whole:
        low, high, n_bins = low - 0.5, high + 0.5, round(high - low) + 1
    if not (high > low and np.isfinite(high - low)):
        return None
    binned, _ = np.histogram(distinct, n_bins, (low, high), weights=counts)
    return Histogram(
        float(low),
        float(high),
        tuple(int(count) for count in binned),
        int(counts[distinct < low].sum()),
        int(counts[distinct > high].sum()),
    )


def _find_range(distinct: NDArray[np.float64], counts: NDArray[np.int64]) -> tuple[float, float]:
    cumulative = np.cumsum(counts) / counts.sum()
    inner = np.searchsorted(cumulative, [_TAIL, 1 - _TAIL])
    low, high = (float(distinct[min(place, len(distinct) - 1)]) for place in inner)
    reach = _MAX_WIDTHS * (high - low)
    least, most = float(distinct[0]), float(distinct[-1])
    return (least if low - least <= reach else low), (most if most - high <= reach else high)
