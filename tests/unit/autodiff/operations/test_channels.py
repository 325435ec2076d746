"""Sums over all axes but the last."""

from __future__ import annotations

import numpy as np
import pytest

from rapidity.autodiff.operations.channels import add_to_channels, channel_sum, fold
from rapidity.autodiff.operations.runs import in_long_runs


@pytest.mark.parametrize("shape", [(5,), (7, 3), (4, 6, 2), (128, 14, 14, 6), (3, 2000), (0, 4)])
def test_sums_are_those_of_numpy(shape):
    x = np.random.default_rng(0).normal(size=shape)
    expected = x.reshape(-1, shape[-1]).sum(axis=0)
    np.testing.assert_allclose(channel_sum(x), expected, atol=1e-10)
    bias = np.arange(float(shape[-1]))
    added = x.copy()
    add_to_channels(added, bias)
    np.testing.assert_array_equal(added, x + bias)


def test_folded_rows_are_whole_pixels():
    x = np.arange(36.0).reshape(2, 3, 2, 3)
    rows = fold(x)
    assert rows.shape[1] % 3 == 0
    np.testing.assert_array_equal(rows.ravel(), x.ravel())
    assert np.shares_memory(rows, x)


def test_the_buffer_size_is_put_back_after_an_error():
    before = np.getbufsize()

    @in_long_runs()
    def fail():
        raise ValueError(np.getbufsize() != before)

    with pytest.raises(ValueError, match="True"):
        fail()
    assert np.getbufsize() == before
