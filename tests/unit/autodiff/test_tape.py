"""What is recorded, what is kept, and when it is let go."""

from __future__ import annotations

import weakref

import numpy as np
import pytest

import rapidity.autodiff as ad


@pytest.fixture
def w():
    return ad.tensor(np.linspace(0.5, 2.0, 4), requires_gradient=True)


def test_value_that_no_rule_needs_is_gone_as_soon_as_the_caller_drops_it(w):
    shifted = w + 1.0
    watched = weakref.ref(shifted.array)
    total = shifted.sum()
    assert watched() is not None
    del shifted
    assert watched() is None
    total.backward()
    assert np.array_equal(w.gradient.array, np.ones(4))


def test_value_that_a_rule_needs_lives_until_the_backward_pass_was_there(w):
    doubled = w * 2.0
    watched = weakref.ref(doubled.array)
    total = ad.sin(doubled).sum()
    del doubled
    assert watched() is not None
    total.backward()
    assert watched() is None
    assert total.item() == pytest.approx(np.sin(2 * w.array).sum())


def test_rule_that_needs_the_value_does_not_keep_the_input(w):
    doubled = w * 2.0
    watched = weakref.ref(doubled.array)
    total = ad.exp(doubled).sum()
    del doubled
    assert watched() is None
    total.backward()
    assert np.allclose(w.gradient.array, 2 * np.exp(2 * w.array))


def test_only_the_inputs_of_required_rules_are_kept(w):
    # The gradient of w needs the constant, that of the constant would need w * 3, but is not wanted.
    tripled = w * 3.0
    watched = weakref.ref(tripled.array)
    product = tripled * np.ones(4)
    del tripled
    assert watched() is None
    assert product.node is not None


def test_what_depends_on_no_required_tensor_is_not_recorded(w):
    x = ad.tensor([1.0, 2.0, 3.0, 4.0])
    apart = ad.exp(x) * 2.0
    assert apart.node is None
    joined = apart * w
    assert joined.node is not None
    assert joined.node.sources == [None, w]


def test_jump_ends_the_record(w):
    assert ad.floor(w * 2.0).node is None
    assert (w > 1.0).node is None


def test_condition_of_a_choice_is_not_followed(w):
    chosen = ad.where(w, w * 2.0, 1.0)
    assert [source is None for source in chosen.node.sources] == [True, False, True]


def test_long_chain_is_computed_and_freed_without_recursion():
    x = ad.tensor(1.0, requires_gradient=True)
    value = x
    for _ in range(20_000):
        value = value + 1e-4
    value.backward()
    del value
    assert x.gradient.item() == 1.0


def test_parameters_may_be_changed_in_place_between_steps(w):
    for _ in range(3):
        w.gradient = None
        before = w.array.copy()
        ad.sum(w**2).backward()
        assert np.array_equal(w.gradient.array, 2 * before)
        w.array -= 0.1 * w.gradient.array


def test_number_lists_among_the_operands_become_arrays(w):
    assert np.array_equal(ad.add(w, [1, 2, 3, 4]).array, w.array + np.array([1, 2, 3, 4]))
    assert np.array_equal((np.ones(4) * w).array, w.array)


def test_plain_numbers_keep_the_precision_of_the_tensor():
    x = ad.tensor(np.ones(3, np.float32), requires_gradient=True)
    value = ad.sum(2.0**x * 3.0 - 1.0 / (x + 0.5) + x**1.5)
    value.backward()
    assert value.dtype == x.gradient.dtype == np.float32
