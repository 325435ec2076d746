"""Convolution against loops over every stop, and against PyTorch where it is installed."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

import rapidity.autodiff as ad
from rapidity.core.errors import GraphError

# Sums of at most 100 products of numbers of size 1.
TOLERANCE = {np.float32: 1e-4, np.float64: 1e-12}
STRIDES = [(1, 1), (2, 1), (2, 3)]
PADDINGS = [((0, 0), (0, 0)), ((1, 1), (2, 2)), ((0, 2), (3, 1))]
DILATIONS = [(1, 1), (2, 1), (1, 3)]
CHANNELS = {"one": (1, 2, 3), "pairs": (2, 4, 6), "depthwise": (3, 3, 3), "multiplied": (3, 3, 6)}
"""Groups, channels in, channels out."""


def draw(kernel_size=(3, 2), channels=(1, 2, 3), image_size=(7, 9), dtype=np.float64):
    """Return images, a kernel and a bias."""
    groups, n_in, n_out = channels
    rng = np.random.default_rng(7)
    shapes = (2, *image_size, n_in), (*kernel_size, n_in // groups, n_out), (n_out,)
    return [rng.normal(size=shape).astype(dtype) for shape in shapes]


def convolve_slowly(x, kernel, bias, *, stride, padding, dilation, groups):
    """Return the convolution, one stop and one filter after the other."""
    padded = np.pad(x, ((0, 0), *padding, (0, 0)))
    (height, width, n_in, n_out), (down, across) = kernel.shape, dilation
    tall, wide = (height - 1) * down + 1, (width - 1) * across + 1
    n_rows = (padded.shape[1] - tall) // stride[0] + 1
    n_columns = (padded.shape[2] - wide) // stride[1] + 1
    result = np.empty((len(x), n_rows, n_columns, n_out), x.dtype)
    for row, column, made in itertools.product(range(n_rows), range(n_columns), range(n_out)):
        top, left, first = row * stride[0], column * stride[1], made // (n_out // groups) * n_in
        seen = padded[:, top : top + tall : down, left : left + wide : across, first : first + n_in]
        result[:, row, column, made] = (seen * kernel[..., made]).sum(axis=(1, 2, 3)) + bias[made]
    return result


@pytest.mark.parametrize("channels", CHANNELS.values(), ids=CHANNELS)
@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("stride", STRIDES)
@pytest.mark.parametrize("padding", PADDINGS)
@pytest.mark.parametrize("dilation", DILATIONS)
def test_convolution_equals_loops(stride, padding, dilation, dtype, channels):
    window = {"stride": stride, "padding": padding, "dilation": dilation, "groups": channels[0]}
    x, kernel, bias = draw(channels=channels, dtype=dtype)
    found = ad.conv2d(x, kernel, bias, **window)
    assert found.dtype == dtype
    expected = convolve_slowly(x, kernel, bias, **window)
    np.testing.assert_allclose(found.array, expected, atol=TOLERANCE[dtype])
    without = ad.conv2d(x, kernel, **window)
    np.testing.assert_allclose(without.array, expected - bias, atol=TOLERANCE[dtype])


@pytest.mark.torch
@pytest.mark.parametrize("channels", CHANNELS.values(), ids=CHANNELS)
@pytest.mark.parametrize("kernel_size", [(1, 1), (3, 3), (2, 3)])
@pytest.mark.parametrize("stride", STRIDES)
@pytest.mark.parametrize("padding", PADDINGS)
@pytest.mark.parametrize("dilation", DILATIONS)
def test_gradients_equal_those_of_torch(stride, padding, dilation, kernel_size, channels):
    torch = pytest.importorskip("torch")
    arrays = draw(kernel_size, channels)
    window = {"stride": stride, "dilation": dilation, "groups": channels[0]}
    x, kernel, bias = (torch.tensor(array, requires_grad=True) for array in arrays)
    padded = torch.nn.functional.pad(x.permute(0, 3, 1, 2), (*padding[1], *padding[0]))
    theirs = torch.nn.functional.conv2d(padded, kernel.permute(3, 2, 0, 1), bias, **window)
    theirs = theirs.permute(0, 2, 3, 1)
    gradient = np.random.default_rng(8).normal(size=tuple(theirs.shape))
    theirs.backward(torch.tensor(gradient))

    leaves = [ad.tensor(array, requires_gradient=True) for array in arrays]
    ours = ad.conv2d(*leaves, padding=padding, **window)
    np.testing.assert_allclose(ours.array, theirs.detach().numpy(), atol=1e-12)
    for leaf, other in zip(ad.gradients(ours, leaves, gradient), (x, kernel, bias), strict=True):
        np.testing.assert_allclose(leaf.array, other.grad.numpy(), atol=1e-11)


def test_transposed_images_are_convolved_too():
    x, kernel, bias = draw(channels=(1, 2, 2), image_size=(6, 6))
    turned = x.transpose(0, 2, 1, 3)
    found = ad.conv2d(turned, kernel, bias)
    expected = ad.conv2d(turned.copy(), kernel, bias)
    np.testing.assert_array_equal(found.array, expected.array)


def test_integer_images_take_the_type_of_the_kernel():
    x = np.arange(9, dtype=np.uint8).reshape(1, 3, 3, 1)
    found = ad.conv2d(x, np.ones((2, 2, 1, 1), np.float32))
    assert found.dtype == np.float32
    assert found.array.ravel().tolist() == [8.0, 12.0, 20.0, 24.0]


def test_images_without_required_gradient_cost_no_backward_pass():
    x, kernel, _ = draw()
    journal = ad.Journal()
    leaf = ad.tensor(kernel, requires_gradient=True, workspace=ad.Workspace(journal=journal))
    ad.conv2d(x, leaf).sum().backward()
    names = {entry.operation for entry in journal.entries}
    assert "conv2d_kernel_gradient" in names
    assert "conv2d_input_gradient" not in names


def test_an_empty_batch_gives_an_empty_batch():
    _, kernel, bias = draw()
    x = ad.tensor(np.zeros((0, 7, 9, 2)), requires_gradient=True)
    leaf = ad.tensor(kernel, requires_gradient=True)
    made = ad.conv2d(x, leaf, bias, padding=((1, 1), (1, 1)))
    assert made.shape == (0, 7, 10, 3)
    of_x, of_kernel = ad.gradients(made, [x, leaf], np.zeros(made.shape))
    assert of_x.shape == x.shape
    np.testing.assert_array_equal(of_kernel.array, np.zeros(kernel.shape))


def test_nan_stays_in_its_image():
    x, kernel, _ = draw()
    x[0, 0, 0, 0] = np.nan
    found = ad.conv2d(x, kernel).array
    assert np.isnan(found[0, 0, 0]).all()
    assert np.isfinite(found[1]).all()


@pytest.mark.parametrize(
    ("shapes", "settings", "message"),
    [
        (((7, 9, 2), (3, 3, 2, 4)), {}, r"images of shape \(7, 9, 2\).*expected \(n_events, height"),
        (((1, 7, 9, 2), (3, 3, 4)), {}, r"a kernel of shape \(3, 3, 4\)"),
        (((1, 7, 9, 3), (3, 3, 2, 4)), {}, r"in 1 groups does not fit images of 3 channels"),
        (((1, 7, 9, 4), (3, 3, 2, 3)), {"groups": 2}, r"must divide both the channels and the filters"),
        (((1, 7, 9, 4), (3, 3, 4, 3)), {"groups": 0}, r"in 0 groups"),
        (((1, 7, 9, 2), (3, 3, 2, 4), (3,)), {}, r"bias has shape \(3,\).*expected \(4,\)"),
        (((1, 2, 9, 2), (3, 3, 2, 4)), {}, r"3 x 3 pixels.*does not fit on an image of 2 x 9"),
        (((1, 7, 9, 2), (3, 3, 2, 4)), {"stride": (0, 1)}, r"stride of a window is \(0, 1\)"),
        (((1, 7, 9, 2), (3, 3, 2, 4)), {"dilation": (1, 0)}, r"dilation of a window is \(1, 0\)"),
        (((1, 7, 9, 2), (3, 3, 2, 4)), {"padding": ((0, 0), (-1, 0))}, r"none below 0"),
    ],
)
def test_what_does_not_fit_is_said(shapes, settings, message):
    with pytest.raises(GraphError, match=message):
        ad.conv2d(*(np.zeros(shape) for shape in shapes), **settings)
