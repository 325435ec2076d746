"""Tensors: operators as those of arrays, leaves, messages."""

from __future__ import annotations

import operator

import numpy as np
import pytest

import rapidity.autodiff as ad

OPERATORS = [
    operator.add, operator.sub, operator.mul, operator.truediv, operator.floordiv, operator.mod, operator.pow,
    operator.lt, operator.le, operator.gt, operator.ge, operator.eq, operator.ne,
]  # fmt: skip


@pytest.mark.parametrize("sign", OPERATORS, ids=lambda sign: sign.__name__)
def test_operators_are_those_of_arrays(sign):
    x, y = np.array([1.0, 2.5, 3.0]), np.array([2.0, 2.5, 0.5])
    for left, right in ((ad.tensor(x), ad.tensor(y)), (ad.tensor(x), y), (x, ad.tensor(y))):
        assert np.array_equal(sign(left, right).array, sign(x, y))
    assert np.array_equal(sign(ad.tensor(x), 2.5).array, sign(x, 2.5))
    assert np.array_equal(sign(2.5, ad.tensor(x)).array, sign(2.5, x))


def test_other_signs_and_methods():
    x = ad.tensor([[1.0, -2.0], [3.0, 4.0]])
    assert np.array_equal((-x).array, -x.array)
    assert np.array_equal(abs(x).array, abs(x.array))
    assert np.array_equal((x @ x).array, x.array @ x.array)
    assert np.array_equal((x.array @ x).array, x.array @ x.array)
    assert np.array_equal(x[0].array, x.array[0])
    assert np.array_equal((~(x > 0)).array, x.array <= 0)
    assert np.array_equal(((x > 0) & (x < 3)).array, (x.array > 0) & (x.array < 3))
    assert np.array_equal(((x < 0) | (x > 3)).array, (x.array < 0) | (x.array > 3))
    assert (x.max().item(), x.min().item(), x.mean().item(), x.sum().item()) == (4.0, -2.0, 1.5, 6.0)
    assert (x.size, x.ndim, x.shape, len(x)) == (4, 2, (2, 2), 2)
    assert x.astype(np.float32).dtype == np.float32


def test_tensors_are_told_apart_by_identity():
    x, y = ad.tensor([1.0]), ad.tensor([1.0])
    assert len({x, y}) == 2
    assert {x: 1}[x] == 1


def test_tensor_shares_its_array():
    array = np.ones(3)
    assert ad.tensor(array).array is array
    assert ad.tensor(ad.tensor(array)).numpy() is array


def test_detached_tensor_has_no_history():
    w = ad.tensor(2.0, requires_gradient=True)
    assert (w * 3.0).detach().is_leaf
    assert not (w * 3.0).is_leaf


def test_representation_names_the_operation():
    w = ad.tensor(2.0, requires_gradient=True)
    assert repr(w) == "Tensor(2., requires_gradient=True)"
    assert repr(ad.exp(0.0 * w)) == "Tensor(1., made by exp)"


def test_whole_numbers_have_no_gradient():
    with pytest.raises(TypeError, match=r"floating-point tensors, found int64. Give dtype=float"):
        ad.tensor([1, 2], requires_gradient=True)
    assert ad.tensor([1, 2], requires_gradient=True, dtype=float).dtype == np.float64


def test_tensor_is_not_iterated_over():
    with pytest.raises(TypeError, match=r"not iterated over; index it, or take tensor.numpy\(\)"):
        list(ad.tensor([1.0, 2.0]))


def test_only_one_number_has_a_truth_value():
    assert ad.tensor(1.0) > 0
    with pytest.raises(ValueError, match="ambiguous"):
        bool(ad.tensor([1.0, 2.0]) > 0)
