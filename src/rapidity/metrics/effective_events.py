"""How many events of weight 1 a weighted sample is worth."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike


def effective_events(event_weight: ArrayLike) -> float:
    r"""Return the effective number of events :math:`(\sum w)^2 / \sum w^2`, in events.

    Parameters
    ----------
    event_weight
        Signed weights ``(n_events,)``. Empty, or all zero: 0.

    Notes
    -----
    A sum of weights has the relative error :math:`\sqrt{\sum w^2} / |\sum w| = 1 / \sqrt{n_{eff}}`.
    Source: Bohm and Zech, Nucl. Instrum. Meth. A 748 (2014) 1, section 2, arXiv:1309.1287.

    Examples
    --------
    >>> effective_events([2.0, 2.0, 2.0]), effective_events([1.0, 1.0, 1.0, -1.0])
    (3.0, 1.0)
    """
    weight = np.asarray(event_weight, dtype=np.float64)
    square_sum = float((weight**2).sum())
    return float(weight.sum()) ** 2 / square_sum if square_sum > 0 else 0.0
