"""The array code of normalisations goes through many blocks as through one."""

from __future__ import annotations

import numpy as np
import pytest

from rapidity.autodiff.operations.normalizations import over_events, over_features, statistics
from rapidity.autodiff.workspace import PLAIN


@pytest.mark.parametrize("variant", [over_events, over_features])
def test_many_blocks_agree_with_one(variant, monkeypatch):
    rng = np.random.default_rng(0)
    # 509 is prime: rows cannot be folded.
    x, gradient = (rng.normal(size=(509, 3)) for _ in range(2))
    scale, bias = rng.normal(size=3), rng.normal(size=3)

    def results():
        mean, variance = variant.find_statistics(PLAIN, x)
        inverse = variance**-0.5
        return [
            mean,
            variance,
            variant.standardize(PLAIN, x, scale, bias, mean, inverse),
            variant.input_gradient(PLAIN, gradient, x, scale, mean, inverse),
            variant.scale_gradient(PLAIN, gradient, x, mean, inverse),
        ]

    expected = results()
    monkeypatch.setattr(statistics, "BLOCK_VALUES", 60)
    for one, other in zip(results(), expected, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-12)
