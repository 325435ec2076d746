"""Normalisations against their formulas, and against PyTorch where it is installed."""

from __future__ import annotations

import numpy as np
import pytest

import rapidity.autodiff as ad
from rapidity.core.errors import GraphError

SHAPES = [(7, 5), (64, 33), (3, 4, 5, 6), (2, 1)]


def draw(shape, dtype=np.float64):
    """Return values far from zero, a scale and a bias."""
    rng = np.random.default_rng(2)
    x = rng.normal(loc=3.0, size=shape)
    return [each.astype(dtype) for each in (x, rng.normal(size=shape[-1]), rng.normal(size=shape[-1]))]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize(("dtype", "tolerance"), [(np.float32, 1e-5), (np.float64, 1e-12)])
def test_values_follow_the_formula(shape, dtype, tolerance):
    x, scale, bias = draw(shape, dtype)
    axes = tuple(range(len(shape) - 1))
    for function, over in ((ad.batch_norm, axes), (ad.layer_norm, -1)):
        exact = x.astype(float)
        mean, variance = exact.mean(over, keepdims=True), exact.var(over, keepdims=True)
        found = function(x, scale, bias, epsilon=0.1)
        assert found.dtype == dtype
        expected = (exact - mean) / np.sqrt(variance + 0.1) * scale + bias
        np.testing.assert_allclose(found.array, expected, atol=tolerance)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_batch_statistics_are_those_of_numpy(dtype):
    x = np.random.default_rng(0).normal(loc=[0, 10, 1000], size=(9, 4, 5, 3)).astype(dtype)
    mean, variance = ad.batch_statistics(ad.tensor(x))
    assert mean.dtype == variance.dtype == dtype
    exact = x.astype(float)
    tolerance = 1e-4 if dtype is np.float32 else 1e-12
    np.testing.assert_allclose(mean, exact.mean(axis=(0, 1, 2)), rtol=tolerance)
    np.testing.assert_allclose(variance, exact.var(axis=(0, 1, 2)), rtol=tolerance)
    np.testing.assert_array_equal(ad.batch_statistics(x).mean, mean)


def test_known_statistics_of_the_batch_change_nothing():
    x, scale, bias = draw((6, 4))
    leaf = ad.tensor(x, requires_gradient=True)
    made = ad.batch_norm(leaf, scale, bias)
    again = ad.batch_norm(leaf, scale, bias, *ad.batch_statistics(leaf), of_batch=True)
    np.testing.assert_array_equal(made.array, again.array)
    gradient = np.random.default_rng(1).normal(size=x.shape)
    (expected,) = ad.gradients(made, [leaf], gradient)
    (found,) = ad.gradients(again, [leaf], gradient)
    np.testing.assert_array_equal(found.array, expected.array)


def test_given_statistics_are_numbers_of_their_own():
    x, scale, bias = draw((6, 4), np.float32)
    mean, variance = np.arange(4.0), np.arange(1.0, 5.0)
    leaf = ad.tensor(x, requires_gradient=True)
    made = ad.batch_norm(leaf, scale, bias, mean, variance, epsilon=0.0)
    assert made.dtype == np.float32
    np.testing.assert_allclose(
        made.array, (x - mean) / np.sqrt(variance) * scale + bias, rtol=2e-5, atol=1e-5
    )
    made.sum().backward()
    expected = np.broadcast_to(scale / np.sqrt(variance), x.shape)
    np.testing.assert_allclose(leaf.gradient.array, expected, rtol=1e-6)


@pytest.mark.torch
@pytest.mark.parametrize("shape", SHAPES[:3])
def test_gradients_equal_those_of_torch(shape):
    torch = pytest.importorskip("torch")
    functional = torch.nn.functional
    arrays = draw(shape)
    gradient = np.random.default_rng(1).normal(size=shape)
    for ours, theirs in (
        (
            ad.batch_norm,
            lambda x, scale, bias: functional.batch_norm(
                x.reshape(-1, shape[-1]), None, None, scale, bias, training=True
            ).reshape(shape),
        ),
        (ad.layer_norm, lambda x, scale, bias: functional.layer_norm(x, shape[-1:], scale, bias)),
    ):
        others = [torch.tensor(array, requires_grad=True) for array in arrays]
        theirs(*others).backward(torch.tensor(gradient))
        leaves = [ad.tensor(array, requires_gradient=True) for array in arrays]
        for found, other in zip(ad.gradients(ours(*leaves), leaves, gradient), others, strict=True):
            np.testing.assert_allclose(found.array, other.grad.numpy(), atol=1e-12)


def test_nan_spreads_to_its_channel_or_its_event():
    x, scale, bias = draw((6, 4))
    x[2, 1] = np.nan
    is_nan = np.isnan(ad.batch_norm(x, scale, bias).array)
    assert is_nan[:, 1].all()
    assert is_nan.sum() == 6
    is_nan = np.isnan(ad.layer_norm(x, scale, bias).array)
    assert is_nan[2].all()
    assert is_nan.sum() == 4


@pytest.mark.parametrize("function", [ad.batch_norm, ad.layer_norm])
def test_shapes_that_do_not_fit_are_said(function):
    x, scale, bias = draw((6, 4))
    with pytest.raises(GraphError, match=r"_norm: scale has shape \(3,\), but x \(6, 4\).*expected \(4,\)"):
        function(x, scale[:3], bias)
    with pytest.raises(GraphError, match=r"_norm: bias has shape \(1,\)"):
        function(x, scale, bias[:1])
    with pytest.raises(GraphError, match=r"x has shape \(0, 4\): there is no mean of nothing"):
        function(x[:0], scale, bias)


def test_half_of_the_statistics_is_an_error():
    x, scale, bias = draw((6, 4))
    with pytest.raises(GraphError, match=r"give both mean and variance.*found mean given, variance left out"):
        ad.batch_norm(x, scale, bias, mean=scale)
    with pytest.raises(GraphError, match=r"of_batch=True"):
        ad.batch_norm(x, scale, bias, of_batch=True)
    with pytest.raises(GraphError, match=r"variance has shape \(2,\)"):
        ad.batch_norm(x, scale, bias, scale, scale[:2])
