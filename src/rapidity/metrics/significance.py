"""The discovery significance of a counting experiment."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from rapidity.core.errors import DataError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray


def asimov_significance(n_sig: ArrayLike, n_bkg: ArrayLike) -> NDArray[np.float64]:
    r"""Return the median discovery significance :math:`Z_A`, in standard deviations.

    Parameters
    ----------
    n_sig, n_bkg
        Expected signal and background yields after selection, in events (sums of event
        weights, not raw counts). Shapes broadcast; typically ``(n_thresholds,)``.

    Raises
    ------
    DataError
        If a yield is not finite, ``n_sig`` is negative, or ``n_bkg`` is not above zero.

    Notes
    -----
    :math:`Z_A = \sqrt{2[(s+b)\ln(1+s/b)-s]}`; assumes b is exactly known, else optimistic.
    Source: Cowan et al., Eur. Phys. J. C 71 (2011) 1554, eq. (97), arXiv:1007.1727.

    Examples
    --------
    >>> asimov_significance(10.0, [100.0, 25.0]).round(3)
    array([0.984, 1.885])
    """
    s, b = np.broadcast_arrays(np.asarray(n_sig, dtype=np.float64), np.asarray(n_bkg, dtype=np.float64))
    if not (np.isfinite(s).all() and np.isfinite(b).all() and (s >= 0).all() and (b > 0).all()):
        message = (
            "the significance is not defined for these yields: "
            f"n_sig from {s.min()} to {s.max()}, n_bkg from {b.min()} to {b.max()}. "
            "n_sig must be finite and at least 0, n_bkg finite and above 0: "
            "leave out thresholds where no background is left."
        )
        raise DataError(message)
    # log1p keeps precision for s << b; below s/b ~ 1e-3 the difference itself cancels to ~s^2 / 2b,
    # so there the series (1 + x) ln(1 + x) - x = x^2/2 - x^3/6 + x^4/12 - ... takes over.
    x = s / b
    exact = (1 + x) * np.log1p(x) - x
    series = x**2 * (1 / 2 - x * (1 / 6 - x * (1 / 12 - x / 20)))
    result: NDArray[np.float64] = np.sqrt(2 * b * np.where(x < 1e-3, series, exact))
    return result
