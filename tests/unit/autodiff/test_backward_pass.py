"""Which nodes the backward pass visits, and what it leaves behind."""

from __future__ import annotations

import weakref

import numpy as np
import pytest

import rapidity.autodiff as ad
from rapidity.autodiff.operation import Operation, Vjp
from rapidity.autodiff.tape import apply
from rapidity.core.errors import GradientError


@pytest.fixture
def w():
    return ad.tensor([0.5, 2.0], requires_gradient=True)


def test_second_backward_needs_the_graph_to_be_retained(w):
    value = ad.sin(w).sum()
    value.backward(retain_graph=True)
    value.backward()
    assert np.allclose(w.gradient.array, 2 * np.cos(w.array))
    with pytest.raises(GradientError, match=r"came to 'sum' a second time.*retain_graph=True"):
        value.backward()


def test_part_that_was_freed_is_named(w):
    inner = ad.sin(w)
    inner.sum().backward()
    with pytest.raises(GradientError, match=r"came to 'sin' a second time"):
        (inner * 2.0).sum().backward()


def test_retained_graph_keeps_what_rules_need(w):
    doubled = w * 2.0
    watched = weakref.ref(doubled.array)
    value = ad.sin(doubled).sum()
    del doubled
    value.backward(retain_graph=True)
    assert watched() is not None
    value.backward()
    assert watched() is None


def test_gradients_of_several_passes_add_up(w):
    (3.0 * w).sum().backward()
    (4.0 * w).sum().backward()
    assert np.array_equal(w.gradient.array, [7.0, 7.0])


def test_operand_used_several_times_gets_all_its_gradients(w):
    y = w * w
    (y + y * w).sum().backward()
    assert np.allclose(w.gradient.array, 2 * w.array + 3 * w.array**2)


def test_gradients_of_two_leaves_share_no_memory():
    a, b = (ad.tensor(np.ones(3), requires_gradient=True) for _ in range(2))
    (a + b).backward(np.ones(3))
    a.gradient.array[:] = 7.0
    assert np.array_equal(b.gradient.array, np.ones(3))


def test_gradient_of_a_sum_can_be_written_to(w):
    w.sum().backward()
    w.gradient.array += 1.0
    assert np.array_equal(w.gradient.array, [2.0, 2.0])


def test_given_gradient_is_not_handed_out_as_that_of_a_leaf(w):
    given = np.ones(2)
    (found,) = ad.gradients(w + 0.0, [w], given)
    found.array += 1.0
    assert np.array_equal(given, np.ones(2))


def test_only_branches_that_lead_to_the_wanted_tensors_are_visited():
    journal = ad.Journal()
    workspace = ad.Workspace(journal=journal)
    w0, w1 = (ad.tensor(x, requires_gradient=True, workspace=workspace) for x in (0.5, 2.0))
    value = ad.exp(w0) + ad.sin(w1)
    (slope,) = ad.gradients(value, [w0])
    assert slope.item() == pytest.approx(np.exp(0.5))
    assert [entry.operation for entry in journal.skipped] == ["sin"]
    assert w0.gradient is None
    assert w1.gradient is None


def test_nodes_that_do_not_lead_to_the_result_are_not_visited():
    journal = ad.Journal()
    w = ad.tensor(0.5, requires_gradient=True, workspace=ad.Workspace(journal=journal))
    other = ad.exp(w)
    ad.sin(w).backward()
    assert [entry.operation for entry in journal.skipped] == ["exp"]
    assert other.item() == pytest.approx(np.exp(0.5))


def test_gradient_for_an_intermediate_value(w):
    inner = ad.sin(w)
    value = (inner**2).sum()
    by_inner, by_w = ad.gradients(value, [inner, w])
    assert np.allclose(by_inner.array, 2 * np.sin(w.array))
    assert np.allclose(by_w.array, 2 * np.sin(w.array) * np.cos(w.array))


def test_tensor_that_the_value_does_not_depend_on_has_a_gradient_of_zeros(w):
    other = ad.tensor(np.ones((2, 3), np.float32), requires_gradient=True)
    (found,) = ad.gradients(w.sum(), [other])
    assert found.shape == (2, 3)
    assert found.dtype == np.float32
    assert not found.array.any()


def test_parameter_keeps_its_type_beside_a_constant_of_higher_precision():
    w = ad.tensor(np.ones(3, np.float32), requires_gradient=True)
    (w * np.ones(3)).sum().backward()
    assert w.gradient.dtype == np.float32


def test_third_derivatives():
    x = ad.tensor(0.7, requires_gradient=True)
    value = ad.sin(x)
    for expected in (np.cos(0.7), -np.sin(0.7), -np.cos(0.7)):
        (value,) = ad.gradients(value, [x], create_graph=True)
        assert value.item() == pytest.approx(expected)


@pytest.mark.parametrize(
    ("compute", "message"),
    [
        (lambda w: ad.tensor(1.0).backward(), r"nothing to differentiate"),
        (lambda w: (w * 2.0).backward(), r"taken of one number, but the value has shape \(2,\)"),
        (lambda w: w.sum().backward(np.ones(2)), r"gradient has shape \(2,\), but the value has shape \(\)"),
        (lambda w: ad.gradients(w.sum(), [w, ad.tensor(1.0)]), r"number 1 .* requires no gradient"),
    ],
)
def test_what_cannot_be_differentiated_is_said(w, compute, message):
    with pytest.raises(GradientError, match=message):
        compute(w)


def test_operation_without_second_derivative_is_named(w):
    plain = Operation(
        "plain_square",
        lambda memory, x: x * x,
        (Vjp(lambda g, x: ad.tensor(g.array * 2 * x.array), needs=(0,)),),
        has_second_order=False,
    )
    value = apply(plain, w).sum()
    with pytest.raises(GradientError, match=r"'plain_square' has no second derivative here.*create_graph"):
        ad.gradients(value, [w], create_graph=True)
    value.backward()
    assert np.array_equal(w.gradient.array, [1.0, 4.0])
