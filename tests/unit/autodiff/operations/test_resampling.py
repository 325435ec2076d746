"""Upsampling repeats pixels, and its gradient adds them up again."""

from __future__ import annotations

import numpy as np
import pytest

import rapidity.autodiff as ad
from rapidity.core.errors import GraphError


@pytest.mark.parametrize("factor", [(1, 1), (2, 3), (4, 1)])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_pixels_are_repeated(factor, dtype):
    x = np.random.default_rng(0).normal(size=(2, 3, 4, 2)).astype(dtype)
    leaf = ad.tensor(x, requires_gradient=True)
    made = ad.upsample2d(leaf, factor)
    assert made.dtype == dtype
    np.testing.assert_array_equal(made.array, x.repeat(factor[0], axis=1).repeat(factor[1], axis=2))
    made.sum().backward()
    np.testing.assert_array_equal(leaf.gradient.array, np.full(x.shape, factor[0] * factor[1], dtype))


def test_what_does_not_fit_is_said():
    with pytest.raises(
        GraphError, match=r"upsample2d: found an array of shape \(3, 4\) and factors \(2, 2\)"
    ):
        ad.upsample2d(np.zeros((3, 4)), (2, 2))
    with pytest.raises(GraphError, match=r"factors \(0, 2\).*whole numbers from 1 on"):
        ad.upsample2d(np.zeros((1, 3, 4, 1)), (0, 2))
