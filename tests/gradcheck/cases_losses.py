"""Losses; the targets of the softmax loss are kept on the simplex, where its rule for them holds."""

from __future__ import annotations

import numpy as np
from gradcheck.case import Case, numbers

import rapidity.autodiff as ad
from rapidity.autodiff.operations import losses

ONE_OF_THREE = np.eye(3, dtype=np.float32)[[0, 2, 1, 1]]
CASES = [
    *(
        Case(losses.BINARY_CROSS_ENTROPY, ad.binary_cross_entropy, {"logits": x, "target": abs(x[::-1]) / 2})
        for x in (numbers(5), numbers(3, 1), 20 * numbers(4), numbers(0))
    ),
    *(
        Case(
            losses.SOFTMAX_CROSS_ENTROPY,
            lambda x: ad.softmax_cross_entropy(x, ONE_OF_THREE[: x.shape[0]]),
            {"x": x},
        )
        for x in (numbers(4, 3), 30 * numbers(4, 3), numbers(0, 3))
    ),
    Case(
        losses.SOFTMAX_CROSS_ENTROPY,
        lambda x, y: ad.softmax_cross_entropy(x, ad.softmax(y)),
        {"x": numbers(2, 3), "y": numbers(2, 3, seed=1)},
        label="smoothed",
    ),
]
