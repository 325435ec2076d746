"""Pooling against loops over every stop, ties, NaN, and PyTorch where it is installed."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

import rapidity.autodiff as ad
from rapidity.core.errors import GraphError

POOLS = {"max": (ad.max_pool2d, np.nanmax), "average": (ad.average_pool2d, np.nanmean)}
KERNELS = [(2, 2), (3, 2), (1, 3), (5, 5)]
STRIDES = [None, (1, 1), (2, 1), (3, 4)]
PADDINGS = [((0, 0), (0, 0)), ((0, 0), (1, 0))]
N_CHANNELS = [1, 3, 40]


def images(n_channels=2, size=(7, 9), dtype=np.float64):
    """Return images with many equal values, as after a relu."""
    rng = np.random.default_rng(3)
    return np.maximum(rng.normal(size=(3, *size, n_channels)).round(1), 0).astype(dtype)


def pool_slowly(x, reduce, kernel_size, stride, padding):
    """Return the pooling, one stop after the other."""
    stride = stride or kernel_size
    padded = np.pad(x, ((0, 0), *padding, (0, 0)), constant_values=np.nan)
    counts = [(padded.shape[1 + axis] - kernel_size[axis]) // stride[axis] + 1 for axis in range(2)]
    result = np.empty((len(x), *counts, x.shape[-1]), x.dtype)
    for row, column in itertools.product(*map(range, counts)):
        top, left = row * stride[0], column * stride[1]
        seen = padded[:, top : top + kernel_size[0], left : left + kernel_size[1]]
        result[:, row, column] = reduce(seen, axis=(1, 2))
    return result


@pytest.mark.parametrize("name", POOLS)
@pytest.mark.parametrize("kernel_size", KERNELS)
@pytest.mark.parametrize("stride", STRIDES)
@pytest.mark.parametrize("padding", PADDINGS)
@pytest.mark.parametrize("n_channels", N_CHANNELS)
def test_pooling_equals_loops(name, kernel_size, stride, padding, n_channels):
    function, reduce = POOLS[name]
    x = images(n_channels, dtype=np.float32)
    found = function(x, kernel_size, stride=stride, padding=padding)
    assert found.dtype == np.float32
    expected = pool_slowly(x, reduce, kernel_size, stride, padding)
    np.testing.assert_allclose(found.array, expected, rtol=1e-6)


@pytest.mark.torch
@pytest.mark.parametrize("kernel_size", [(2, 2), (3, 2), (5, 5)])
@pytest.mark.parametrize("stride", STRIDES)
@pytest.mark.parametrize("padding", [0, 1])
@pytest.mark.parametrize("n_channels", N_CHANNELS)
def test_gradients_equal_those_of_torch(kernel_size, stride, padding, n_channels):
    torch = pytest.importorskip("torch")
    x = images(n_channels)
    sides = ((padding, padding), (padding, padding))
    for ours, theirs, settings in (
        (ad.max_pool2d, torch.nn.functional.max_pool2d, {}),
        (ad.average_pool2d, torch.nn.functional.avg_pool2d, {"count_include_pad": False}),
    ):
        other = torch.tensor(x, requires_grad=True)
        expected = theirs(other.permute(0, 3, 1, 2), kernel_size, stride, padding, **settings)
        expected = expected.permute(0, 2, 3, 1)
        leaf = ad.tensor(x, requires_gradient=True)
        found = ours(leaf, kernel_size, stride=stride, padding=sides)
        np.testing.assert_allclose(found.array, expected.detach().numpy(), atol=1e-14)
        gradient = np.random.default_rng(4).normal(size=found.shape)
        expected.backward(torch.tensor(gradient))
        found.backward(gradient)
        np.testing.assert_allclose(leaf.gradient.array, other.grad.numpy(), atol=1e-13)


@pytest.mark.parametrize("kernel_size", [(2, 2), (5, 4)])
def test_of_equal_values_the_first_gets_the_gradient(kernel_size):
    leaf = ad.tensor(np.ones((1, *kernel_size, 1)), requires_gradient=True)
    ad.max_pool2d(leaf, kernel_size).sum().backward()
    expected = np.zeros(kernel_size)
    expected[0, 0] = 1
    np.testing.assert_array_equal(leaf.gradient.array[0, ..., 0], expected)


def test_a_tie_in_a_later_row_does_not_win_by_its_column():
    x = np.array([[0.0, 1.0], [1.0, 0.0]]).reshape(1, 2, 2, 1)
    leaf = ad.tensor(x, requires_gradient=True)
    ad.max_pool2d(leaf, (2, 2)).sum().backward()
    assert leaf.gradient.array.ravel().tolist() == [0, 1, 0, 0]


@pytest.mark.parametrize("function", [ad.max_pool2d, ad.average_pool2d])
def test_nan_spreads_to_the_windows_that_see_it(function):
    x = images()
    x[1, 0, 3, 0] = np.nan
    found = np.isnan(function(x, (2, 2)).array)
    assert found[1, 0, 1, 0]
    assert found.sum() == 1


def test_negative_images_are_larger_than_their_padding():
    found = ad.max_pool2d(np.full((1, 3, 3, 1), -5.0), (2, 2), stride=(1, 1), padding=((1, 1), (1, 1)))
    np.testing.assert_array_equal(found.array, np.full((1, 4, 4, 1), -5.0))


def test_windows_of_many_pixels_have_positions_beyond_a_byte():
    x = np.zeros((1, 20, 20, 1))
    x[0, 19, 18] = 1
    leaf = ad.tensor(x, requires_gradient=True)
    found = ad.global_max_pool2d(leaf)
    assert found.array.tolist() == [[1.0]]
    found.backward([[2.0]])
    np.testing.assert_array_equal(leaf.gradient.array, 2 * x)


def test_global_pools_have_a_number_for_each_channel():
    x = images()
    np.testing.assert_array_equal(ad.global_max_pool2d(x).array, x.max(axis=(1, 2)))
    np.testing.assert_allclose(ad.global_average_pool2d(x).array, x.mean(axis=(1, 2)), rtol=1e-14)


@pytest.mark.parametrize("function", [ad.max_pool2d, ad.average_pool2d])
def test_what_does_not_fit_is_said(function):
    x = images()
    with pytest.raises(GraphError, match=r"_pool2d: found an array of shape \(7, 9, 2\); expected images"):
        function(x[0], (2, 2))
    with pytest.raises(GraphError, match=r"could see nothing but padding.*Take less padding"):
        function(x, (2, 2), padding=((2, 0), (0, 0)))
    with pytest.raises(GraphError, match=r"8 x 2 pixels.*does not fit on an image of 7 x 9"):
        function(x, (8, 2))
    with pytest.raises(GraphError, match=r"global_max_pool2d: found an array of shape \(7, 9\)"):
        ad.global_max_pool2d(x[0, ..., 0])


@pytest.mark.parametrize("function", [ad.max_pool2d, ad.average_pool2d])
def test_an_empty_batch_gives_an_empty_batch(function):
    leaf = ad.tensor(np.zeros((0, 4, 4, 2)), requires_gradient=True)
    made = function(leaf, (2, 2))
    assert made.shape == (0, 2, 2, 2)
    assert ad.gradients(made, [leaf], np.zeros(made.shape))[0].shape == leaf.shape
