"""The gradient checker finds wrong rules, and says what it found."""

from __future__ import annotations

import numpy as np
import pytest

import rapidity.autodiff as ad
from rapidity.autodiff.operation import Operation, Vjp
from rapidity.autodiff.tape import apply
from rapidity.core.errors import GradientError

X = np.array([0.3, 1.1, -0.7])
# The slope is right, but as a constant: only second derivatives show it.
CONSTANT_SLOPE = Operation(
    "cube", lambda memory, x: x**3, (Vjp(lambda g, x: g * (3 * x.array**2), needs=(0,)),)
)
WRONG = Operation("cube", lambda memory, x: x**3, (Vjp(lambda g, x: g * x * x * 2.9, needs=(0,)),))


def test_right_rules_pass_with_a_report():
    report = ad.check_gradients(lambda x, y: x**3 * y, {"x": X, "y": X[::-1]}, order=2, n_directions=4)
    assert len(report.comparisons) == 2 * 2 * 4
    assert report.worst.deviation < 1e-9
    lines = report.summary().splitlines()
    assert [line.split(":")[0] for line in lines] == [
        f"input {name}, order {order}" for order in (1, 2) for name in "xy"
    ]


def test_wrong_rule_is_named_with_both_values():
    message = r"\(order 1\) for input 'x' along random direction 0 is .* by the rules, but .* sin, cube\."
    with pytest.raises(GradientError, match=message):
        ad.check_gradients(lambda x: ad.sin(apply(WRONG, x)), {"x": X})


def test_slope_taken_for_a_constant_is_found_by_the_second_order():
    ad.check_gradients(lambda x: apply(CONSTANT_SLOPE, x), [X])
    with pytest.raises(GradientError, match=r"\(order 2\) for input '0'"):
        ad.check_gradients(lambda x: apply(CONSTANT_SLOPE, x), [X], order=2)


def test_gradient_of_the_wrong_shape_is_found():
    halved = Operation("halved", lambda memory, x: x[:2], (Vjp(lambda g: g),))
    with pytest.raises(
        GradientError, match=r"rule of 'halved' for input 0 gives shape \(2,\), but .* \(3,\)"
    ):
        ad.check_gradients(lambda x: apply(halved, x), {"x": X})


def test_whole_numbers_are_handed_on_as_they_are():
    report = ad.check_gradients(lambda x, index: x[index] ** 2, {"x": X, "index": np.array([0, 0, 2])})
    assert {each.input_name for each in report.comparisons} == {"x"}


def test_nan_does_not_pass():
    with pytest.raises(GradientError, match="nan by central differences"), np.errstate(invalid="ignore"):
        ad.check_gradients(ad.log, [np.array([-1.0])])


def test_same_directions_every_time_unless_a_generator_is_given():
    first, second = (ad.check_gradients(ad.exp, [X]).comparisons for _ in range(2))
    assert first == second
    other = ad.check_gradients(ad.exp, [X], rng=np.random.default_rng(5)).comparisons
    assert other != first


def test_order_is_one_or_two():
    with pytest.raises(ValueError, match="order must be 1 or 2, found 3"):
        ad.check_gradients(ad.exp, [X], order=3)


def test_function_of_nothing_differentiable_is_said():
    with pytest.raises(GradientError, match="nothing to differentiate"):
        ad.check_gradients(ad.floor, [X])
