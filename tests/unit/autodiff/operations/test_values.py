"""Values at the edges: kinks, ties, zeros, large numbers, NaN; and the messages."""

from __future__ import annotations

import math

import numpy as np
import pytest

import rapidity.autodiff as ad
from rapidity.core.errors import GradientError

HUGE = {np.float32: 1e38, np.float64: 1e308}


def slope(function, *values):
    """Return the gradients of the sum of a function."""
    leaves = [ad.tensor(np.asarray(value, float), requires_gradient=True) for value in values]
    return [found.array for found in ad.gradients(function(*leaves).sum(), leaves)]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_error_function_is_exact(dtype):
    x = np.concatenate([np.linspace(-7, 7, 20_001), 10.0 ** np.arange(-30, 1)]).astype(dtype)
    exact = np.array([math.erf(value) for value in x])
    found = ad.erf(x).array
    assert found.dtype == dtype
    assert np.abs(found - exact).max() < (1e-7 if dtype is np.float32 else 1e-15)
    is_large = np.abs(exact) > 0
    assert np.abs(found[is_large] / exact[is_large] - 1).max() < (1e-7 if dtype is np.float32 else 1e-15)
    assert np.array_equal(ad.erf([np.inf, -np.inf, np.nan]).array, [1, -1, np.nan], equal_nan=True)


@pytest.mark.parametrize(
    ("function", "at", "expected"),
    [
        (ad.absolute, 0.0, 0.0),
        (ad.relu, 0.0, 0.0),
        (ad.leaky_relu, 0.0, 0.01),
        (ad.hard_sigmoid, 3.0, 0.0),
        (lambda x: ad.clip(x, 0.0, 1.0), [-1.0, 0.0, 1.0, 2.0], [0.0, 1.0, 1.0, 0.0]),
        (lambda x: x**2.0, 0.0, 0.0),
        (lambda x: x**0, 0.0, 0.0),
        (lambda x: ad.power(0.0, x), 2.0, 0.0),
    ],
)
def test_gradient_at_a_kink(function, at, expected):
    assert np.array_equal(slope(function, at)[0], expected)


def test_ties_share_the_gradient():
    assert np.array_equal(slope(ad.maximum, [1.0, 2.0], [1.0, 3.0]), [[0.5, 0.0], [0.5, 1.0]])
    assert np.array_equal(slope(ad.minimum, [1.0, 2.0], [1.0, 3.0]), [[0.5, 1.0], [0.5, 0.0]])
    assert np.array_equal(slope(ad.max, [1.0, 2.0, 2.0])[0], [0.0, 0.5, 0.5])
    assert np.array_equal(slope(ad.min, [1.0, 1.0, 2.0])[0], [0.5, 0.5, 0.0])


def test_directions_of_the_origin_have_no_gradient():
    assert np.array_equal(slope(ad.hypot, 0.0, 0.0), [0.0, 0.0])
    assert np.array_equal(slope(ad.arctan2, 0.0, 0.0), [0.0, 0.0])


def test_infinite_slope_of_a_root():
    with np.errstate(divide="ignore"):
        assert slope(ad.sqrt, 0.0)[0] == np.inf


def test_nan_beside_a_maximum_stops_its_gradient():
    assert np.array_equal(slope(ad.maximum, np.nan, 1.0), [0.0, 0.0])
    assert math.isnan(ad.maximum(np.nan, 1.0).item())


def test_nan_makes_the_gradient_of_an_extremum_nan():
    with np.errstate(invalid="ignore"):
        assert np.isnan(slope(ad.max, [1.0, np.nan])[0]).all()


def test_power_of_zero_and_below():
    with np.errstate(invalid="ignore"):
        found = slope(ad.power, [0.0, -2.0], [2.0, 2.0])
    assert np.array_equal(found[0], [0.0, -4.0])
    assert found[1][0] == 0.0
    assert math.isnan(found[1][1])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    ("function", "low", "high"),
    [
        (ad.sigmoid, 0.0, 1.0),
        (ad.softplus, 0.0, "x"),
        (ad.log_sigmoid, "x", 0.0),
        (ad.silu, 0.0, "x"),
        (ad.mish, 0.0, "x"),
        (ad.gelu, 0.0, "x"),
        (ad.elu, -1.0, "x"),
        (ad.tanh, -1.0, 1.0),
        (ad.softsign, -1.0, 1.0),
        (ad.hard_sigmoid, 0.0, 1.0),
    ],
)
def test_activations_of_large_numbers_are_finite(function, low, high, dtype):
    size = dtype(HUGE[dtype] / 10) if high in (0.0, 1.0) or low == "x" else dtype(1e4)
    x = np.array([-size, size], dtype)
    expected = [x[0] if low == "x" else low, x[1] if high == "x" else high]
    with np.errstate(over="ignore"):
        assert np.allclose(function(x).array, expected, atol=1e-30)


@pytest.mark.parametrize(
    "function", [ad.relu, ad.leaky_relu, ad.elu, ad.selu, ad.gelu, ad.silu, ad.mish, ad.softplus, ad.sigmoid]
)
def test_activations_keep_nan(function):
    assert np.isnan(function(np.array([np.nan, 1.0])).array).tolist() == [True, False]


def test_small_values_of_activations_are_exact():
    assert ad.sigmoid(-40.0).item() == pytest.approx(math.exp(-40.0), rel=1e-14)
    assert ad.softplus(-40.0).item() == pytest.approx(math.exp(-40.0), rel=1e-14)
    assert ad.log_sigmoid(40.0).item() == pytest.approx(-math.exp(-40.0), rel=1e-14)


def test_softmax_of_large_logits():
    x = np.array([[1000.0, 1000.0, -1000.0], [-1e30, 0.0, 0.0]])
    assert np.array_equal(ad.softmax(x).array, [[0.5, 0.5, 0.0], [0.0, 0.5, 0.5]])
    assert np.allclose(ad.log_sum_exp(x).array, [1000 + math.log(2), math.log(2)])
    assert ad.log_softmax(x).array[0, 2] == pytest.approx(-2000 - math.log(2))


def test_log_sum_exp_of_nothing_is_minus_infinity():
    assert ad.log_sum_exp(np.full(3, -np.inf)).item() == -np.inf
    assert ad.log_sum_exp(np.array([-np.inf, 2.0])).item() == 2.0


def test_relu_overwrites_only_what_nobody_needs():
    w = ad.tensor(np.array([-1.0, 2.0]), requires_gradient=True)
    shifted = w + 0.5
    result = ad.relu(shifted, overwrite=True)
    assert result.array is shifted.array
    result.sum().backward()
    assert np.array_equal(w.gradient.array, [0.0, 1.0])
    with pytest.raises(GradientError, match="cannot overwrite a leaf"):
        ad.relu(w, overwrite=True)
    with pytest.raises(GradientError, match="cannot overwrite the value of 'exp'"):
        ad.relu(ad.exp(w), overwrite=True)


@pytest.mark.parametrize(
    ("compute", "message"),
    [
        (lambda: ad.leaky_relu(1.0, -0.1), r"leaky_relu has the slope -0.1"),
        (lambda: ad.matmul(np.ones((2, 3)), np.ones((2, 3))), r"shapes \(2, 3\) and \(2, 3\)"),
        (lambda: ad.matmul(np.ones((2, 3)), 2.0), r"shapes \(2, 3\) and \(\).* multiplies with \*"),
        (lambda: ad.linear(ad.tensor(np.ones((2, 3))), ad.tensor(np.ones((2, 3)))), r"\(2, 3\) and \(2, 3\)"),
        (
            lambda: ad.linear(*(ad.tensor(np.ones(shape)) for shape in ((2, 3), (3, 4), (3,)))),
            r"kernel of shape \(3, 4\), but a bias of shape \(3,\)",
        ),
        (
            lambda: ad.tensor(np.ones(3)) + np.ones(2),
            r"'add' gets shapes \(3,\) and \(2,\), which do not fit.* Reshape one of them",
        ),
        (lambda: ad.einsum("ii,ij->j", np.ones((2, 2)), np.ones((2, 2))), r"einsum got 'ii,ij->j'"),
        (lambda: ad.einsum("ij,jk", np.ones((2, 2)), np.ones((2, 2))), r"einsum got 'ij,jk'"),
        (lambda: ad.squeeze(ad.tensor(np.ones((2, 3))), 1), r"axis 1 of shape \(2, 3\) has the extent 3"),
        (lambda: ad.split(ad.tensor(np.ones(5)), 2), r"extent of 5 \(axis 0\) cannot be cut into 2"),
    ],
)
def test_what_does_not_fit_is_said(compute, message):
    with pytest.raises(ValueError, match=message):
        compute()


@pytest.mark.parametrize("subscripts", ["ij,jk->ik", "bik,bjk->bij", "ij,kl->i"])
def test_einsum_is_that_of_numpy(subscripts):
    rng = np.random.default_rng(3)
    x, y = rng.normal(size=(2, 3, 4)), rng.normal(size=(2, 5, 4))
    if subscripts.startswith("ij"):
        x, y = rng.normal(size=(3, 4)), rng.normal(size=(4, 2))
    assert np.allclose(ad.einsum(subscripts, x, y).array, np.einsum(subscripts, x, y))


@pytest.mark.parametrize("shape", [(7, 3), (4, 5, 3), (3,), (0, 3)])
def test_linear_is_a_product_and_a_sum(shape):
    rng = np.random.default_rng(2)
    x, kernel, bias = rng.normal(size=shape), rng.normal(size=(3, 2)), rng.normal(size=2)
    found = ad.linear(*(ad.tensor(value) for value in (x, kernel, bias))).array
    assert np.allclose(found, x @ kernel + bias)
    assert found.shape == (*shape[:-1], 2)


def test_sum_over_rows_is_that_of_numpy():
    x = np.random.default_rng(1).normal(size=(50, 4, 3))
    assert np.allclose(ad.sum(x, 0).array, x.sum(0))
    assert np.allclose(ad.sum(x, (0, 1), keepdims=True).array, x.sum((0, 1), keepdims=True))
    assert np.allclose(ad.sum(x[::2], 0).array, x[::2].sum(0))
    assert np.isnan(ad.mean(ad.tensor(np.ones((0, 2))), 0).array).all()


def test_variance_does_not_cancel():
    x = ad.tensor(1e8 + np.array([0.0, 1.0, 2.0]))
    assert ad.variance(x).item() == pytest.approx(2 / 3)
    assert ad.variance(x, n_subtracted=1).item() == pytest.approx(1.0)
