"""Memory that is handed out again."""

from __future__ import annotations

import numpy as np
import pytest

import rapidity.autodiff as ad
from rapidity.autodiff.workspace import SMALLEST_KEPT


def step(w, x):
    """Return the gradient of a small network."""
    value = ad.sum(ad.tanh(x @ w) ** 2)
    value.backward()
    found, w.gradient = w.gradient, None
    return found.array.copy()


def test_second_step_needs_no_new_memory():
    pool = ad.BufferPool()
    workspace = ad.Workspace(pool)
    rng = np.random.default_rng(1)
    w = ad.tensor(rng.normal(size=(32, 64)), requires_gradient=True, workspace=workspace)
    x = rng.normal(size=(256, 32))
    first = step(w, x)
    n_buffers, n_bytes = pool.n_buffers, pool.n_bytes
    assert n_buffers > 0
    for _ in range(3):
        assert np.array_equal(step(w, x), first)
    assert (pool.n_buffers, pool.n_bytes) == (n_buffers, n_bytes)


def test_small_arrays_come_from_numpy():
    pool = ad.BufferPool()
    pool.empty((SMALLEST_KEPT // 8 - 1,), np.float64)
    assert pool.n_buffers == 0


def test_released_buffers_live_on_while_in_use():
    pool = ad.BufferPool()
    held = pool.empty((4096,), np.float64)
    held.fill(3.0)
    pool.release()
    other = pool.empty((4096,), np.float64)
    other.fill(4.0)
    assert held.sum() == 3.0 * 4096
    assert pool.n_buffers == 1


@pytest.mark.parametrize(
    "other",
    [
        2,
        2.5,
        True,
        np.float64(2.5),
        np.float32(2),
        np.ones(300),
        np.ones((4, 1), np.int64),
        np.ones((2, 1, 1)),
    ],
)
@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int64])
def test_result_has_the_type_and_shape_that_numpy_gives(dtype, other):
    x = np.ones((4, 300), dtype)
    workspace = ad.Workspace(ad.BufferPool())
    for left, right in ((x, other), (other, x)):
        expected = np.multiply(left, right)
        found = ad.multiply(
            *(ad.tensor(each, workspace=workspace) if each is x else each for each in (left, right))
        )
        assert found.dtype == expected.dtype
        assert np.array_equal(found.array, expected)
